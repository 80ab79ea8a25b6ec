/** Encodes samples as a WAVE file, so that an audio element can play a recording. */

import { cut, duration, interleaved, type Sound } from "../clip.js";
import { breathe } from "./breathe.js";

const FULL_SCALE = 32_767;
const HEADER_BYTES = 44;
/** Seconds that are encoded without a pause for the page. */
const PART = 10;

/** 16-bit PCM; samples outside [-1, 1] are clipped. */
export async function encodeWav(sound: Sound): Promise<Blob> {
  const { channels, sampleRate } = sound;
  const parts: Int16Array<ArrayBuffer>[] = [];
  for (let start = 0; start < duration(sound); start += PART) {
    parts.push(integers(interleaved(cut(sound, start, start + PART))));
    await breathe();
  }
  const header = headerOf(channels[0]!.length * channels.length, channels.length, sampleRate);
  return new Blob([header, ...parts], { type: "audio/wav" });
}

/** In the byte order of WAVE files, which is that of all browsers. */
function integers(samples: Float32Array): Int16Array<ArrayBuffer> {
  const levels = new Int16Array(samples.length);
  for (let index = 0; index < samples.length; index++) {
    levels[index] = Math.round(Math.max(-1, Math.min(1, samples[index]!)) * FULL_SCALE);
  }
  return levels;
}

function headerOf(samples: number, channels: number, sampleRate: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  const text = (offset: number, letters: string) =>
    [...letters].forEach((letter, index) => view.setUint8(offset + index, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + 2 * samples, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // size of this chunk
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * channels * sampleRate, true); // bytes per second
  view.setUint16(32, 2 * channels, true); // bytes per sample of all channels
  view.setUint16(34, 16, true); // bits per sample
  text(36, "data");
  view.setUint32(40, 2 * samples, true);
  return view.buffer;
}

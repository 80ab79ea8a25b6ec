/** Encodes samples as a WAVE file, so that an audio element can play a recording. */

import { interleaved, type Sound } from "../clip.js";

const FULL_SCALE = 32_767;
const HEADER_BYTES = 44;

/** 16-bit PCM; samples outside [-1, 1] are clipped. */
export function encodeWav(sound: Sound): Blob {
  const samples = interleaved(sound);
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + 2 * samples.length));
  writeHeader(view, samples.length, sound.channels.length, sound.sampleRate);
  samples.forEach((sample, index) => {
    const level = Math.round(Math.max(-1, Math.min(1, sample)) * FULL_SCALE);
    view.setInt16(HEADER_BYTES + 2 * index, level, true);
  });
  return new Blob([view.buffer], { type: "audio/wav" });
}

function writeHeader(view: DataView, length: number, channels: number, sampleRate: number): void {
  const text = (offset: number, letters: string) =>
    [...letters].forEach((letter, index) => view.setUint8(offset + index, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + 2 * length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // size of this chunk
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * channels * sampleRate, true); // bytes per second
  view.setUint16(32, 2 * channels, true); // bytes per sample of all channels
  view.setUint16(34, 16, true); // bits per sample
  text(36, "data");
  view.setUint32(40, 2 * length, true);
}

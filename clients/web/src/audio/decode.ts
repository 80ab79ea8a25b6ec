/** Decodes any file that the browser supports. */

import { MAXIMUM_SECONDS, type Channel, type Sound } from "../clip.js";
import { Fault } from "../faults.js";
import { breathe } from "./breathe.js";
import { readHeader } from "./sample-rate.js";
import { partsOf } from "./wav-parts.js";

/**
 * Decodes a file at its own sample rate, so that the browser does not resample it: browsers'
 * resamplers change the features (see resample.ts).
 *
 * @throws Fault of kind "unreadable" or "too-long"
 */
export async function decode(file: Blob): Promise<Sound> {
  const { sampleRate, duration } = await readHeader(file);
  // Checked before decoding: hours of audio would not fit into memory.
  if (duration !== undefined && duration > MAXIMUM_SECONDS) throw new Fault({ kind: "too-long" });
  try {
    // The browser makes all samples of a file at once, on the page's thread.
    const parts = await partsOf(file, sampleRate);
    const decoded: Channel[][] = [];
    for (const part of parts) decoded.push(await decodeWhole(part, sampleRate));
    return { channels: decoded.length === 1 ? decoded[0]! : await inOne(decoded), sampleRate };
  } catch {
    throw new Fault({ kind: "unreadable" });
  }
}

async function decodeWhole(file: Blob, sampleRate: number): Promise<Channel[]> {
  const context = new OfflineAudioContext({ length: 1, sampleRate });
  const audio = await context.decodeAudioData(await file.arrayBuffer());
  return Array.from({ length: audio.numberOfChannels }, (_, channel) =>
    audio.getChannelData(channel),
  );
}

/** The parts one after the other. */
async function inOne(parts: readonly (readonly Channel[])[]): Promise<Channel[]> {
  const length = parts.reduce((sum, [first]) => sum + first!.length, 0);
  const all = parts[0]!.map(() => new Float32Array(length));
  let offset = 0;
  for (const part of parts) {
    all.forEach((channel, index) => channel.set(part[index]!, offset));
    offset += part[0]!.length;
    await breathe();
  }
  return all;
}

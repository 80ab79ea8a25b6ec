/** Decodes any file that the browser supports. */

import { MAXIMUM_SECONDS, type Sound } from "../clip.js";
import { Fault } from "../faults.js";
import { readHeader } from "./sample-rate.js";

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
    const context = new OfflineAudioContext({ length: 1, sampleRate });
    const audio = await context.decodeAudioData(await file.arrayBuffer());
    const channels = Array.from({ length: audio.numberOfChannels }, (_, channel) =>
      audio.getChannelData(channel),
    );
    return { channels, sampleRate };
  } catch {
    throw new Fault({ kind: "unreadable" });
  }
}

/** Audio in the page, and its limits. */

import { Fault } from "./faults.js";

export const MINIMUM_SECONDS = 0.1;
export const MAXIMUM_SECONDS = 600;
/** A clip with a lower peak is silent; -60 dB relative to full scale. */
const SILENT_PEAK = 0.001;

/** Mono samples in [-1, 1]. */
export interface Sound {
  readonly samples: Float32Array<ArrayBuffer>;
  /** Hz */
  readonly sampleRate: number;
}

/** A recording at the sample rate of the features, with the original for playback. */
export interface Clip {
  readonly name: string;
  readonly original: Blob;
  readonly sound: Sound;
}

/** The length in seconds. */
export function duration({ samples, sampleRate }: Sound): number {
  return samples.length / sampleRate;
}

export function isSilent(samples: Float32Array): boolean {
  return samples.every((sample) => Math.abs(sample) < SILENT_PEAK);
}

/** @throws Fault of kind "too-short", "too-long" or "silent" */
export function check(sound: Sound): void {
  if (duration(sound) < MINIMUM_SECONDS) throw new Fault({ kind: "too-short" });
  if (duration(sound) > MAXIMUM_SECONDS) throw new Fault({ kind: "too-long" });
  if (isSilent(sound.samples)) throw new Fault({ kind: "silent" });
}

/** The part from `start` to `end`, in seconds. */
export function cut({ samples, sampleRate }: Sound, start: number, end: number): Float32Array {
  return samples.subarray(Math.round(start * sampleRate), Math.round(end * sampleRate));
}

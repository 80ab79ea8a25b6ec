/** Audio on its way through the page, and the limits that it must keep. */

import { Fault } from "./faults.js";

export const MINIMUM_SECONDS = 0.1;
export const MAXIMUM_SECONDS = 600;
/** A peak below this, -60 dB of full scale, is silence. */
const SILENT_PEAK = 0.001;

/** Mono samples in [-1, 1]. */
export interface Sound {
  readonly samples: Float32Array<ArrayBuffer>;
  /** Hz */
  readonly sampleRate: number;
}

/** A recording at the sample rate of the features, and its original to listen to. */
export interface Clip {
  readonly name: string;
  readonly original: Blob;
  readonly sound: Sound;
}

/** Seconds. */
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

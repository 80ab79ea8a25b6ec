/** Audio in the page, and its limits. */

import { Fault } from "./faults.js";

export const MINIMUM_SECONDS = 0.1;
export const MAXIMUM_SECONDS = 600;
/** A clip with a lower peak is silent; -60 dB relative to full scale. */
const SILENT_PEAK = 0.001;

/** The samples of one channel, in [-1, 1]. */
export type Channel = Float32Array<ArrayBuffer>;

export interface Sound {
  /** At least one; all have the same length. */
  readonly channels: readonly Channel[];
  /** Hz */
  readonly sampleRate: number;
}

/** A recording at a sample rate that has an extractor, with the original for playback. */
export interface Clip {
  readonly name: string;
  readonly original: Blob;
  readonly sound: Sound;
}

/** The length in seconds. */
export function duration({ channels, sampleRate }: Sound): number {
  return channels[0]!.length / sampleRate;
}

export function isSilent({ channels }: Sound): boolean {
  return channels.every((samples) => samples.every((sample) => Math.abs(sample) < SILENT_PEAK));
}

/** @throws Fault of kind "too-short", "too-long" or "silent" */
export function check(sound: Sound): void {
  // Written so that a length that is not a number is refused.
  if (!(duration(sound) >= MINIMUM_SECONDS)) throw new Fault({ kind: "too-short" });
  if (duration(sound) > MAXIMUM_SECONDS) throw new Fault({ kind: "too-long" });
  if (isSilent(sound)) throw new Fault({ kind: "silent" });
}

/** The part from `start` to `end`, in seconds. */
export function cut({ channels, sampleRate }: Sound, start: number, end: number): Sound {
  const [from, to] = [Math.round(start * sampleRate), Math.round(end * sampleRate)];
  return { channels: channels.map((samples) => samples.subarray(from, to)), sampleRate };
}

/** The mean of the channels. */
export function toMono({ channels }: Sound): Channel {
  const [first] = channels;
  if (channels.length === 1) return first!;
  return first!.map(
    (_, index) => channels.reduce((sum, samples) => sum + samples[index]!, 0) / channels.length,
  );
}

/** The samples of all channels in turn. */
export function interleaved({ channels }: Sound): Channel {
  if (channels.length === 1) return channels[0]!.slice();
  const all = new Float32Array(channels[0]!.length * channels.length);
  channels.forEach((samples, channel) =>
    samples.forEach((sample, index) => (all[index * channels.length + channel] = sample)),
  );
  return all;
}

/** The sound with one channel if all are equal, as those of many microphones. */
export function withoutCopies({ channels, sampleRate }: Sound): Sound {
  const [first, ...others] = channels;
  const equal = others.every((samples) =>
    samples.every((sample, index) => sample === first![index]),
  );
  return { channels: equal ? [first!] : channels, sampleRate };
}

/** Of the features: sound more than this below the loudest is removed from both ends. */
const TRIM_DB = 30;
/** In seconds, the frames in which that is measured. */
const TRIM_FRAME = 2_048 / 22_050;
const TRIM_HOP = 512 / 22_050;

/** Where the speech begins that the features are computed from, in seconds. */
export function speechStart(sound: Sound): number {
  const samples = toMono(sound);
  const length = TRIM_FRAME * sound.sampleRate;
  const powers: number[] = [];
  for (let time = 0; time <= duration(sound); time += TRIM_HOP) {
    const first = Math.max(0, Math.round(time * sound.sampleRate - length / 2));
    const last = Math.min(samples.length, Math.round(time * sound.sampleRate + length / 2));
    let power = 0;
    for (let index = first; index < last; index++) power += samples[index]! ** 2;
    powers.push(power);
  }
  const least = Math.max(...powers) * 10 ** (-TRIM_DB / 10);
  return (
    TRIM_HOP *
    Math.max(
      0,
      powers.findIndex((power) => power > least),
    )
  );
}

/** Audio in the page, and its limits. */

import { inStrides } from "./audio/breathe.js";
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
export async function check(sound: Sound): Promise<void> {
  // Written so that a length that is not a number is refused.
  if (!(duration(sound) >= MINIMUM_SECONDS)) throw new Fault({ kind: "too-short" });
  if (duration(sound) > MAXIMUM_SECONDS) throw new Fault({ kind: "too-long" });
  let isHeard = false;
  await inStrides(sound.channels[0]!.length, (from, to) => {
    isHeard = !isSilent({ ...sound, channels: partsOf(sound.channels, from, to) });
    return isHeard;
  });
  if (!isHeard) throw new Fault({ kind: "silent" });
}

function partsOf(channels: readonly Channel[], from: number, to: number): Channel[] {
  return channels.map((samples) => samples.subarray(from, to));
}

/** The part from `start` to `end`, in seconds. */
export function cut({ channels, sampleRate }: Sound, start: number, end: number): Sound {
  const [from, to] = [Math.round(start * sampleRate), Math.round(end * sampleRate)];
  return { channels: channels.map((samples) => samples.subarray(from, to)), sampleRate };
}

/** The mean of the channels. */
export async function toMono({ channels }: Sound): Promise<Channel> {
  const [first] = channels;
  if (channels.length === 1) return first!;
  const mono = new Float32Array(first!.length);
  await inStrides(mono.length, (from, to) => {
    for (const samples of channels) {
      for (let index = from; index < to; index++) mono[index]! += samples[index]!;
    }
    for (let index = from; index < to; index++) mono[index]! /= channels.length;
  });
  return mono;
}

/** The samples of all channels in turn. */
export function interleaved({ channels }: Sound): Channel {
  if (channels.length === 1) return channels[0]!.slice();
  const all = new Float32Array(channels[0]!.length * channels.length);
  channels.forEach((samples, channel) => {
    for (let index = 0; index < samples.length; index++) {
      all[index * channels.length + channel] = samples[index]!;
    }
  });
  return all;
}

/** The sound with one channel if all are equal, as those of many microphones. */
export async function withoutCopies({ channels, sampleRate }: Sound): Promise<Sound> {
  const [first, ...others] = channels;
  let equal = true;
  await inStrides(first!.length, (from, to) => {
    const part = first!.subarray(from, to);
    equal = others.every((samples) => isEqual(samples.subarray(from, to), part));
    return !equal;
  });
  return { channels: equal ? [first!] : channels, sampleRate };
}

function isEqual(one: Channel, other: Channel): boolean {
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

/** Of the features: sound more than this below the loudest is removed from both ends. */
const TRIM_DB = 30;
/** In seconds, the frames in which that is measured. */
const TRIM_FRAME = 2_048 / 22_050;
const TRIM_HOP = 512 / 22_050;

/** Where the speech begins that the features are computed from, in seconds. */
export function speechStart(sound: Sound): number {
  const energy = energyUpTo(sound);
  const length = TRIM_FRAME * sound.sampleRate;
  const powers: number[] = [];
  for (let time = 0; time <= duration(sound); time += TRIM_HOP) {
    const first = Math.max(0, Math.round(time * sound.sampleRate - length / 2));
    const last = Math.min(energy.length - 1, Math.round(time * sound.sampleRate + length / 2));
    powers.push(energy[last]! - energy[first]!);
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

/** The energy of the mean of the channels before each sample, and at the end. */
function energyUpTo({ channels }: Sound): Float64Array {
  const { length } = channels[0]!;
  const energy = new Float64Array(length + 1);
  for (let index = 0; index < length; index++) {
    let sum = 0;
    for (const samples of channels) sum += samples[index]!;
    energy[index + 1] = energy[index]! + (sum / channels.length) ** 2;
  }
  return energy;
}

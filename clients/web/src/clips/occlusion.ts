/** Which part of a clip carried the answer: its windows are left out one after the other. */

import type { Features } from "speech-emotion-extractor";

import type { Passage } from "../analysis.js";

const MOST_PARTS = 24;
/** Seconds; about the length of a word. */
const SHORTEST_PART = 0.25;
const PROSODY = 3; // numbers of a frame
/** Steps that a window spans, so that its edges matter less. */
const STEPS = 2;

/** A part of a clip with what it does to a probability. */
export interface Influence extends Passage {
  /** How much the probability falls without the part; negative if it rises. */
  readonly fall: number;
}

export interface Influences {
  /** One after the other; none of a very short clip. */
  readonly parts: readonly Influence[];
  /** The window without which the probability is the lowest. */
  readonly strongest: Influence;
}

/** How often a clip of so many frames is predicted; 0 if it is too short. */
export function countOf(frameCount: number, frameSeconds: number): number {
  return Math.max(0, partsOf(frameCount, frameSeconds).length - STEPS + 1);
}

/**
 * Estimates the influence of each part.
 *
 * @param features of the whole clip
 * @param frameSeconds from one frame to the next
 * @param start where the frames begin in the clip, in seconds
 * @param whole the probability of the answer for the whole clip
 * @param probability the same for other features; undefined: the estimate is not wanted any more
 */
export async function influences(
  features: Features,
  frameSeconds: number,
  start: number,
  whole: number,
  probability: (features: Features) => Promise<number | undefined>,
): Promise<Influences | undefined> {
  const edges = partsOf(features.frameCount, frameSeconds);
  const passage = (from: number, to: number): Passage => ({
    start: start + from * frameSeconds,
    end: start + to * frameSeconds,
  });
  const falls: number[][] = edges.map(() => []);
  let strongest: Influence | undefined;
  for (let first = 0; first + STEPS <= edges.length; first++) {
    const [from, to] = [edges[first]![0], edges[first + STEPS - 1]![1]];
    const found = await probability(without(features, from, to));
    if (found === undefined) return undefined;
    const fall = whole - found;
    if (strongest === undefined || fall > strongest.fall) {
      strongest = { ...passage(from, to), fall };
    }
    for (let part = first; part < first + STEPS; part++) falls[part]!.push(fall);
  }
  const parts = edges.map(([from, to], part) => ({
    ...passage(from, to),
    fall: falls[part]!.reduce((sum, each) => sum + each, 0) / falls[part]!.length,
  }));
  return strongest && { parts, strongest };
}

/** Equal parts of the frames, each from one frame to before another; none of a very short clip. */
function partsOf(frameCount: number, frameSeconds: number): [number, number][] {
  const fitting = Math.floor((frameCount * frameSeconds) / SHORTEST_PART);
  const count = Math.min(MOST_PARTS, fitting);
  if (count <= STEPS) return [];
  const edge = (part: number): number => Math.round((part * frameCount) / count);
  return Array.from({ length: count }, (_, part) => [edge(part), edge(part + 1)]);
}

/** The features without some frames. The statistics of the prosody stay those of the whole clip. */
function without(features: Features, from: number, to: number): Features {
  const { frames, mfccs, prosody } = features;
  const kept = cutOut(frames, mfccs.length, from, to);
  return {
    ...features,
    frames: kept,
    frameCount: features.frameCount - (to - from),
    mfccs: meanOf(kept, mfccs.length),
    ...(prosody && { prosody: cutOut(prosody, PROSODY, from, to) }),
  };
}

function cutOut(rows: Float32Array, width: number, from: number, to: number): Float32Array {
  const kept = new Float32Array(rows.length - (to - from) * width);
  kept.set(rows.subarray(0, from * width));
  kept.set(rows.subarray(to * width), from * width);
  return kept;
}

function meanOf(rows: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width);
  rows.forEach((value, index) => (sums[index % width]! += value));
  return Float32Array.from(sums, (sum) => (sum * width) / rows.length);
}

/** The feature recipe, and its limits. */

import { quoted } from "../text.js";

/** The feature recipe. The extractor implements it; a client checks the extractor with it. */
export interface Recipe {
  /** Hz */
  readonly sampleRate: number;
  /** Samples from one frame to the next. */
  readonly hopLength: number;
  /** Coefficients of a frame. */
  readonly nMfcc: number;
  readonly [name: string]: unknown;
}

const SAMPLE_RATES = [8_000, 48_000] as const; // Hz
const COEFFICIENTS = [1, 128] as const;
/** Features have far fewer numbers than the audio has samples, or they would be the audio. */
const SAMPLES_PER_COEFFICIENT = 8;
const PROSODY = 3; // numbers of a frame beside the coefficients
/** 25 coefficients and 3 of prosody at 43 frames/s are 1,206. Speech as samples takes 8,000. */
const MOST_NUMBERS_PER_SECOND = 2_000;

/** The first fault of a recipe; undefined if it has none. */
export function recipeFault(recipe: unknown): string | undefined {
  const { sampleRate, nMfcc, hopLength } = (recipe ?? {}) as Partial<Recipe>;
  return (
    rangeFault("sampleRate", sampleRate, ...SAMPLE_RATES) ??
    rangeFault("nMfcc", nMfcc, ...COEFFICIENTS) ??
    rangeFault("hopLength", hopLength, SAMPLES_PER_COEFFICIENT * nMfcc!, sampleRate!) ??
    numbersFault(((nMfcc! + PROSODY) * sampleRate!) / hopLength!)
  );
}

function numbersFault(numbers: number): string | undefined {
  if (numbers <= MOST_NUMBERS_PER_SECOND) return undefined;
  return (
    `features ask for ${Math.ceil(numbers)} numbers a second of audio; ` +
    `expected at most ${MOST_NUMBERS_PER_SECOND}`
  );
}

function rangeFault(name: string, value: unknown, low: number, high: number): string | undefined {
  if (Number.isInteger(value) && Number(value) >= low && Number(value) <= high) return undefined;
  return `features.${name} is ${quoted(value)}; expected a whole number from ${low} to ${high}`;
}

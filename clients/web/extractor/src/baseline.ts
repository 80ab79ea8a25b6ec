/** What a voice is like when it is not judged: mean and spread of the user's earlier clips. */

import { BaselineError } from "./errors.js";
import type { Features } from "./extraction/features.js";
import { PROSODY_COLUMNS } from "./handshake/recordings.js";
import { quoted } from "./text.js";

/** Of each column of the frames, over clips that weigh the same. */
export interface ColumnStatistics {
  readonly mean: readonly number[];
  /** Not negative. */
  readonly spread: readonly number[];
}

/**
 * The baseline of a voice, which is JSON. It is close to a voice print: keep it on the device, and
 * tell the user of it.
 */
export interface Baseline {
  /** From 1 to 1,000,000. */
  readonly clips: number;
  readonly mfccs: ColumnStatistics;
  /** Of log F0 (voiced frames only), voicing and level; missing if no clip had prosody. */
  readonly prosody?: ColumnStatistics;
}

const MOST_CLIPS = 1_000_000;
const LARGEST_NUMBER = 10_000;
const LOG_F0 = 0; // a column of prosody; 0 stands for an unvoiced frame

/** Mean and mean square of each column; undefined for a column without values. */
type Moments = readonly ({ readonly mean: number; readonly square: number } | undefined)[];

/** The baseline of one clip more. */
export function withClip(baseline: Baseline | undefined, features: Features): Baseline {
  const { frames, mfccs, prosody } = features;
  const clips = Math.min(baseline?.clips ?? 0, MOST_CLIPS - 1);
  const own = prosody && momentsOf(prosody, PROSODY_COLUMNS.length, isVoiced);
  const spoken = own
    ? withMoments(baseline?.prosody, clips, own, (column, mean) => column === LOG_F0 && mean === 0)
    : baseline?.prosody;
  return {
    clips: clips + 1,
    mfccs: withMoments(baseline?.mfccs, clips, momentsOf(frames, mfccs.length)),
    ...(spoken && { prosody: spoken }),
  };
}

/**
 * Checks a baseline that was stored.
 *
 * @param value what `JSON.parse` returned
 * @param coefficients MFCCs of a frame
 * @throws BaselineError
 */
export function readBaseline(value: unknown, coefficients = 25): Baseline {
  const { clips, mfccs, prosody } = (value ?? {}) as { [name in keyof Baseline]?: unknown };
  if (!(Number.isInteger(clips) && Number(clips) >= 1 && Number(clips) <= MOST_CLIPS)) {
    throw new BaselineError(
      `The baseline's clips are ${quoted(clips)}; expected a whole number from 1 to ${MOST_CLIPS}.`,
    );
  }
  return {
    clips: Number(clips),
    mfccs: readStatistics("mfccs", mfccs, coefficients),
    ...(prosody !== undefined && {
      prosody: readStatistics("prosody", prosody, PROSODY_COLUMNS.length),
    }),
  };
}

function readStatistics(name: string, value: unknown, columns: number): ColumnStatistics {
  const { mean, spread } = (value ?? {}) as { [name in keyof ColumnStatistics]?: unknown };
  return {
    mean: readNumbers(`${name}.mean`, mean, columns, -LARGEST_NUMBER),
    spread: readNumbers(`${name}.spread`, spread, columns, 0),
  };
}

function readNumbers(name: string, value: unknown, count: number, low: number): number[] {
  const fits = (each: unknown): boolean =>
    typeof each === "number" && each >= low && each <= LARGEST_NUMBER;
  if (Array.isArray(value) && value.length === count && value.every(fits)) return [...value];
  throw new BaselineError(
    `The baseline's ${name} is ${quoted(value)}; expected ${count} numbers from ${low} to ` +
      `${LARGEST_NUMBER}.`,
  );
}

function isVoiced(value: number, column: number): boolean {
  return column !== LOG_F0 || value > 0;
}

/** Of rows of `columns` values; `counts` tells which values count. */
function momentsOf(
  rows: Float32Array,
  columns: number,
  counts: (value: number, column: number) => boolean = () => true,
): Moments {
  return Array.from({ length: columns }, (_, column) => {
    let [count, sum, squares] = [0, 0, 0];
    for (let index = column; index < rows.length; index += columns) {
      const value = rows[index]!;
      if (!counts(value, column)) continue;
      count += 1;
      sum += value;
      squares += value * value;
    }
    return count === 0 ? undefined : { mean: sum / count, square: squares / count };
  });
}

/**
 * Column by column, the statistics of `clips` clips and one more.
 *
 * @param isUnknown whether no clip had a value in the column yet, such as log F0 of unvoiced clips
 */
function withMoments(
  old: ColumnStatistics | undefined,
  clips: number,
  moments: Moments,
  isUnknown: (column: number, mean: number) => boolean = () => false,
): ColumnStatistics {
  const columns = moments.map((clip, column) => {
    const mean = old?.mean[column] ?? 0;
    const spread = old?.spread[column] ?? 0;
    if (clip === undefined) return { mean, spread };
    const weight = isUnknown(column, mean) ? 0 : clips;
    const average = (before: number, now: number): number => (before * weight + now) / (weight + 1);
    const combined = average(mean, clip.mean);
    const square = average(spread ** 2 + mean ** 2, clip.square);
    return { mean: combined, spread: Math.sqrt(Math.max(0, square - combined ** 2)) };
  });
  return {
    mean: columns.map(({ mean }) => mean),
    spread: columns.map(({ spread }) => spread),
  };
}

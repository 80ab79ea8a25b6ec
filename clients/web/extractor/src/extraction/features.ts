/** The features of a clip, and the checks of what an extractor computed. */

import { AudioError, ExtractorError } from "../errors.js";
import type { Recipe } from "../handshake/recipe.js";
import { PROSODY_COLUMNS, type ProsodyRecipe } from "../handshake/recordings.js";

/** The features of a clip. */
export interface Features {
  /** `frameCount` rows of `mfccs.length` coefficients, in row-major order. */
  readonly frames: Float32Array;
  readonly frameCount: number;
  /** The mean of the frames. */
  readonly mfccs: Float32Array;
  /** `frameCount` rows of log F0, voicing and level; only if the server has such extractors. */
  readonly prosody?: Float32Array;
  /** The statistics of the prosody, for networks that take vectors. */
  readonly prosodyStatistics?: Float32Array;
}

/** The part of the recipe with which the results of the extractor are checked. */
export type Shape = Pick<Recipe, "sampleRate" | "hopLength" | "nMfcc">;

/** What an extractor for recordings takes and makes beside the recipe. */
export interface Recording {
  /** Hz */
  readonly sampleRate: number;
  readonly prosody: Pick<ProsodyRecipe, "levelMinimum" | "statistics">;
}

/** The numbers that an extractor made. */
export interface Computed {
  readonly frames: Float32Array;
  readonly mfccs: Float32Array;
  readonly prosody?: Float32Array;
  readonly prosodyStatistics?: Float32Array;
  /** Of each output. */
  readonly dims: readonly (readonly number[])[];
}

/** Of a recording. */
export const MOST_CHANNELS = 2;
/** Ten times the largest coefficient of audio at full scale. */
const LARGEST_NUMBER = 10_000;
const HIGHEST_LOG_F0 = 12; // octaves
const HIGHEST_LEVEL = 100; // dB
const ROUNDING = 1e-3;

/**
 * Checks what an extractor computed from `samples` samples of one channel at `rate` Hz. Features
 * are fewer than the samples; whatever else a graph computes could be the audio.
 *
 * @throws ExtractorError
 */
export function checkFeatures(
  computed: Computed,
  samples: number,
  rate: number,
  recipe: Shape,
  recording: Recording | undefined,
): Features {
  const most = Math.floor(Math.ceil((samples * recipe.sampleRate) / rate) / recipe.hopLength) + 1;
  const [[rows = 0] = []] = computed.dims;
  const expected = [[rows, recipe.nMfcc], [recipe.nMfcc]];
  if (recording) {
    expected.push([rows, PROSODY_COLUMNS.length], [recording.prosody.statistics.length]);
  }
  if (rows < 1 || rows > most || written(computed.dims) !== written(expected)) {
    const seconds = (samples / rate).toFixed(1);
    const range = written(expected).replaceAll(`(${rows}, `, `(1 to ${most}, `);
    throw new ExtractorError(
      `The extractor is not the one of the recipe: it makes ${written(computed.dims)} numbers ` +
        `from ${seconds} s of audio; expected ${range}. Nothing was sent.`,
    );
  }
  checkNumbers(computed, recording);
  const { dims: _, ...numbers } = computed;
  return { ...numbers, frameCount: rows };
}

function checkNumbers(computed: Computed, recording: Recording | undefined): void {
  const { frames, mfccs, prosody, prosodyStatistics } = computed;
  const bad = [frames, mfccs, prosodyStatistics ?? []].flatMap((all) => all.find(isTooLarge) ?? []);
  if (bad.length > 0) {
    throw new ExtractorError(
      `The extractor computed the coefficient ${bad[0]}; expected numbers of at most ` +
        `${LARGEST_NUMBER}. Nothing was sent.`,
    );
  }
  if (!prosody || !recording) return;
  const ranges = [
    [0, HIGHEST_LOG_F0],
    [0, 1],
    [recording.prosody.levelMinimum, HIGHEST_LEVEL],
  ] as const;
  prosody.forEach((value, index) => {
    const column = index % PROSODY_COLUMNS.length;
    const [low, high] = ranges[column]!;
    if (value >= low - ROUNDING && value <= high + ROUNDING) return; // not NaN either
    throw new ExtractorError(
      `The extractor computed the ${PROSODY_COLUMNS[column]} ${value}; expected numbers from ` +
        `${low} to ${high}. Nothing was sent.`,
    );
  });
}

function isTooLarge(value: number): boolean {
  return !(Math.abs(value) <= LARGEST_NUMBER); // or NaN
}

/** Sizes such as `(44, 25) and (25)`. */
function written(sizes: readonly (readonly number[])[]): string {
  const texts = sizes.map((size) => `(${size.join(", ")})`);
  return texts.length < 2 ? texts.join() : `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`;
}

/** @throws AudioError */
export function checkChannels({ length }: Float32Array, channels: number, most: number): void {
  if (!(Number.isInteger(channels) && channels >= 1 && channels <= most)) {
    throw new AudioError(
      `The audio has ${channels} channels; expected ${most === 1 ? "1" : `1 to ${most}`}.`,
    );
  }
  if (length % channels !== 0) {
    throw new AudioError(
      `The audio has ${length} samples; expected a multiple of ${channels}, its channels.`,
    );
  }
}

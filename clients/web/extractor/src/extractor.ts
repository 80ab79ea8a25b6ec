/** Runs the server's extractor, an ONNX graph, in WebAssembly on one thread. */

import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";

import { AudioError, AudioTooShortError, ExtractorError } from "./errors.js";
import { checkGraph } from "./graph.js";
import type { Recipe } from "./recipe.js";
import { plainText } from "./text.js";

const MINIMUM_SECONDS = 0.1;
/** Resampling may exceed full scale a little; a larger peak means another scale. */
const MAXIMUM_PEAK = 2;
/** Ten times the largest coefficient of audio at full scale. */
const LARGEST_COEFFICIENT = 10_000;

/** The MFCCs of a clip. */
export interface Features {
  /** `frameCount` rows of `mfccs.length` coefficients, in row-major order. */
  readonly frames: Float32Array;
  readonly frameCount: number;
  /** The mean of the frames. */
  readonly mfccs: Float32Array;
}

/** The part of the recipe with which the results of the extractor are checked. */
export type Shape = Pick<Recipe, "sampleRate" | "hopLength" | "nMfcc">;

export class FeatureExtractor {
  readonly #session: InferenceSession;
  readonly #recipe: Shape;

  private constructor(session: InferenceSession, recipe: Shape) {
    this.#session = session;
    this.#recipe = recipe;
  }

  /**
   * Starts the WebAssembly runtime if necessary, and loads the graph.
   *
   * @param model content of `mfcc.onnx`
   * @param recipe of the handshake
   * @throws ExtractorError also if the graph reads other files
   */
  static async load(model: Uint8Array, recipe: Shape): Promise<FeatureExtractor> {
    checkGraph(model);
    env.wasm.numThreads = 1; // more threads require cross-origin isolation
    try {
      const session = await InferenceSession.create(model, { executionProviders: ["wasm"] });
      return new FeatureExtractor(session, recipe);
    } catch (cause) {
      throw new ExtractorError(
        `The extractor cannot be started: ${reason(cause)}. It requires WebAssembly with SIMD. ` +
          "A content security policy must allow 'wasm-unsafe-eval'.",
        { cause },
      );
    }
  }

  /**
   * Computes the MFCCs of a clip.
   *
   * @param samples mono, at the sample rate, in [-1, 1], at least 0.1 s
   * @throws AudioTooShortError, AudioError, ExtractorError
   */
  async extract(samples: Float32Array): Promise<Features> {
    this.#checkSamples(samples);
    const features = await this.#run(samples);
    this.#checkFeatures(features, samples.length);
    return { frames: features.frames, frameCount: features.dims[0]!, mfccs: features.mfccs };
  }

  async #run(samples: Float32Array): Promise<Computed> {
    try {
      const audio = new Tensor("float32", samples, [samples.length]);
      const { frames, mfccs } = await this.#session.run({ audio });
      return { frames: floats(frames), dims: frames!.dims, mfccs: floats(mfccs) };
    } catch (cause) {
      throw new ExtractorError(
        `The extractor failed on ${this.#length(samples.length)} of audio: ${reason(cause)}. ` +
          "Try a shorter clip.",
        { cause },
      );
    }
  }

  /** Features are fewer than the samples; whatever else a graph computes could be the audio. */
  #checkFeatures({ frames, dims, mfccs }: Computed, samples: number): void {
    const { hopLength, nMfcc } = this.#recipe;
    const most = Math.floor(samples / hopLength) + 1;
    const [rows, columns] = dims;
    const fits = dims.length === 2 && columns === nMfcc && rows! >= 1 && rows! <= most;
    if (!fits || mfccs.length !== nMfcc) {
      throw new ExtractorError(
        `The extractor is not the one of the recipe: it makes (${dims.join(", ")}) and ` +
          `(${mfccs.length}) numbers from ${this.#length(samples)} of audio; expected ` +
          `(1 to ${most}, ${nMfcc}) and (${nMfcc}). Nothing was sent.`,
      );
    }
    const bad = [frames, mfccs].flatMap((all) => all.find(isNoCoefficient) ?? []);
    if (bad.length > 0) {
      throw new ExtractorError(
        `The extractor computed the coefficient ${bad[0]}; expected numbers of at most ` +
          `${LARGEST_COEFFICIENT}. Nothing was sent.`,
      );
    }
  }

  #length(samples: number): string {
    return `${(samples / this.#recipe.sampleRate).toFixed(1)} s`;
  }

  #checkSamples(samples: Float32Array): void {
    const seconds = samples.length / this.#recipe.sampleRate;
    if (seconds < MINIMUM_SECONDS) {
      throw new AudioTooShortError(
        `The audio is ${seconds.toFixed(3)} s long; expected at least ${MINIMUM_SECONDS} s.`,
      );
    }
    const bad = samples.findIndex((sample) => !(Math.abs(sample) <= MAXIMUM_PEAK)); // or NaN
    if (bad >= 0) {
      throw new AudioError(
        `Sample ${bad} is ${samples[bad]}; expected numbers in [-1, 1]. ` +
          "16-bit integers must be divided by 32768 first.",
      );
    }
  }
}

interface Computed {
  readonly frames: Float32Array;
  /** Of the frames. */
  readonly dims: readonly number[];
  readonly mfccs: Float32Array;
}

function isNoCoefficient(value: number): boolean {
  return !(Math.abs(value) <= LARGEST_COEFFICIENT); // or NaN
}

function floats(tensor: Tensor | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array)) throw new Error("an output is missing");
  return tensor.data;
}

function reason(cause: unknown): string {
  return plainText(cause instanceof Error ? cause.message : String(cause));
}

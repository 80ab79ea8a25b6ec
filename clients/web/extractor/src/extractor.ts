/** Runs the server's extractor, an ONNX graph, in WebAssembly on one thread. */

import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";

import { AudioError, AudioTooShortError, ExtractorError } from "./errors.js";

const MINIMUM_SECONDS = 0.1;
/** Resampling may exceed full scale a little; a larger peak means another scale. */
const MAXIMUM_PEAK = 2;

/** The MFCCs of a clip. */
export interface Features {
  /** `frameCount` rows of `mfccs.length` coefficients, in row-major order. */
  readonly frames: Float32Array;
  readonly frameCount: number;
  /** The mean of the frames. */
  readonly mfccs: Float32Array;
}

export class FeatureExtractor {
  readonly #session: InferenceSession;
  readonly #sampleRate: number;

  private constructor(session: InferenceSession, sampleRate: number) {
    this.#session = session;
    this.#sampleRate = sampleRate;
  }

  /**
   * Starts the WebAssembly runtime if necessary, and loads the graph.
   *
   * @param model content of `mfcc.onnx`
   * @param sampleRate sample rate of the audio, in Hz
   * @throws ExtractorError
   */
  static async load(model: Uint8Array, sampleRate: number): Promise<FeatureExtractor> {
    env.wasm.numThreads = 1; // more threads require cross-origin isolation
    try {
      const session = await InferenceSession.create(model, { executionProviders: ["wasm"] });
      return new FeatureExtractor(session, sampleRate);
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
    this.#check(samples);
    try {
      const audio = new Tensor("float32", samples, [samples.length]);
      const { frames, mfccs } = await this.#session.run({ audio });
      return {
        frames: floats(frames),
        frameCount: frames?.dims[0] ?? 0,
        mfccs: floats(mfccs),
      };
    } catch (cause) {
      const seconds = (samples.length / this.#sampleRate).toFixed(1);
      throw new ExtractorError(
        `The extractor failed on ${seconds} s of audio: ${reason(cause)}. Try a shorter clip.`,
        { cause },
      );
    }
  }

  #check(samples: Float32Array): void {
    const seconds = samples.length / this.#sampleRate;
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

function floats(tensor: Tensor | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array)) throw new Error("an output is missing");
  return tensor.data;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

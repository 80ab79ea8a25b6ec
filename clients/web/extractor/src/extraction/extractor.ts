/** Runs the server's extractors, ONNX graphs, in WebAssembly on one thread. */

import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";

import { AudioError, AudioTooShortError, ExtractorError } from "../errors.js";
import { plainText } from "../text.js";
import {
  checkChannels,
  checkFeatures,
  MOST_CHANNELS,
  type Computed,
  type Features,
  type Recording,
  type Shape,
} from "./features.js";
import { checkGraph } from "./graph.js";

const MINIMUM_SECONDS = 0.1;
/** Resampling may exceed full scale a little; a larger peak means another scale. */
const MAXIMUM_PEAK = 2;

export class FeatureExtractor {
  readonly #session: InferenceSession;
  readonly #recipe: Shape;
  readonly #recording: Recording | undefined;

  private constructor(session: InferenceSession, recipe: Shape, recording?: Recording) {
    this.#session = session;
    this.#recipe = recipe;
    this.#recording = recording;
  }

  /**
   * Starts the WebAssembly runtime if necessary, and loads the graph.
   *
   * @param model content of `mfcc.onnx`, or of an extractor for recordings
   * @param recipe of the handshake
   * @param recording the sample rate of the extractor for recordings, and the handshake's prosody;
   *   without it the extractor is `mfcc.onnx`
   * @throws ExtractorError also if the graph reads other files
   */
  static async load(
    model: Uint8Array,
    recipe: Shape,
    recording?: Recording,
  ): Promise<FeatureExtractor> {
    checkGraph(model);
    env.wasm.numThreads = 1; // more threads require cross-origin isolation
    try {
      const session = await InferenceSession.create(model, { executionProviders: ["wasm"] });
      return new FeatureExtractor(session, recipe, recording);
    } catch (cause) {
      throw new ExtractorError(
        `The extractor cannot be started: ${reason(cause)}. It requires WebAssembly with SIMD. ` +
          "A content security policy must allow 'wasm-unsafe-eval'.",
        { cause },
      );
    }
  }

  /** Sample rate of the samples, in Hz. */
  get sampleRate(): number {
    return this.#recording?.sampleRate ?? this.#recipe.sampleRate;
  }

  /**
   * Computes the features of a clip.
   *
   * @param samples at the sample rate, in [-1, 1], at least 0.1 s; two channels are interleaved
   * @param channels 1; for an extractor for recordings also 2
   * @throws AudioTooShortError, AudioError, ExtractorError
   */
  async extract(samples: Float32Array, channels = 1): Promise<Features> {
    this.#checkSamples(samples, channels);
    const computed = await this.#run(samples, channels);
    const count = samples.length / channels;
    return checkFeatures(computed, count, this.sampleRate, this.#recipe, this.#recording);
  }

  async #run(samples: Float32Array, channels: number): Promise<Computed> {
    const shape = this.#recording ? [samples.length / channels, channels] : [samples.length];
    try {
      const outputs = await this.#session.run({ audio: new Tensor("float32", samples, shape) });
      const { frames, mfccs, prosody, prosody_statistics } = outputs;
      const plain = { frames: floats(frames), mfccs: floats(mfccs) };
      if (!this.#recording) return { ...plain, dims: [frames!.dims, mfccs!.dims] };
      return {
        ...plain,
        prosody: floats(prosody),
        prosodyStatistics: floats(prosody_statistics),
        dims: [frames, mfccs, prosody, prosody_statistics].map((tensor) => tensor!.dims),
      };
    } catch (cause) {
      const seconds = samples.length / channels / this.sampleRate;
      throw new ExtractorError(
        `The extractor failed on ${seconds.toFixed(1)} s of audio: ${reason(cause)}. ` +
          "Try a shorter clip.",
        { cause },
      );
    }
  }

  #checkSamples(samples: Float32Array, channels: number): void {
    const most = this.#recording ? MOST_CHANNELS : 1;
    checkChannels(samples, channels, most);
    const seconds = samples.length / channels / this.sampleRate;
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
  return plainText(cause instanceof Error ? cause.message : String(cause));
}

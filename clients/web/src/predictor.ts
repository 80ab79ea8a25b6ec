/** Computes the features and the predictions of sounds of any sample rate. */

import type { Baseline, Features, Handshake } from "speech-emotion-extractor";

import { interleaved, toMono, withoutCopies, type Sound } from "./clip.js";
import type { Engine, PredictionWithRequest } from "./engine/messages.js";

/** Of the extractors for recordings; others are mixed by the page. */
const MOST_CHANNELS = 2;

/** What a predictor needs of an engine. */
export type Computation = Pick<Engine, "resample" | "extract" | "predict">;

export class Predictor {
  readonly #engine: Computation;
  /** Sample rate of the features, in Hz. */
  readonly #sampleRate: number;
  /** The sample rates that have an extractor for recordings, in Hz. */
  readonly #sampleRates: readonly number[];
  readonly #baseline: () => Baseline | undefined;
  /** Whether the network of that name predicts on this device. */
  readonly isLocal: (network: string) => boolean;
  /** From one frame of the features to the next, in seconds. */
  readonly frameSeconds: number;

  /**
   * @param baseline returns the user's usual voice, if predictions are to be compared with it
   * @param isLocal whether the network of that name predicts on this device
   */
  constructor(
    engine: Computation,
    handshake: Handshake,
    baseline: () => Baseline | undefined,
    isLocal: (network: string) => boolean,
  ) {
    this.isLocal = isLocal;
    this.#engine = engine;
    this.#sampleRate = handshake.features.sampleRate;
    this.frameSeconds = handshake.features.hopLength / this.#sampleRate;
    const extractors = handshake.recordings?.extractors ?? [];
    this.#sampleRates = extractors.map(({ sampleRate }) => sampleRate);
    this.#baseline = baseline;
  }

  /** The sound itself if there is an extractor for it; otherwise mono and resampled. */
  async prepared(recorded: Sound): Promise<Sound> {
    const sound = await withoutCopies(recorded);
    const { channels, sampleRate } = sound;
    if (this.#sampleRates.includes(sampleRate)) {
      if (channels.length <= MOST_CHANNELS) return sound;
      return { channels: [await toMono(sound)], sampleRate };
    }
    const resampled = await this.#engine.resample(await toMono(sound), sampleRate);
    return { channels: [resampled], sampleRate: this.#sampleRate };
  }

  /**
   * @param sound as `prepared` returns it, or a part of that
   * @throws Fault
   */
  async features(sound: Sound): Promise<Features> {
    return this.#engine.extract(interleaved(sound), sound.sampleRate, sound.channels.length);
  }

  /** All that a prediction depends on beside the features, as one text. */
  settings(network: string): string {
    return JSON.stringify([network, this.isLocal(network), this.#baseline()]);
  }

  /** @throws Fault */
  async predict(network: string, features: Features): Promise<PredictionWithRequest> {
    return this.#engine.predict(network, features, this.#baseline(), this.isLocal(network));
  }
}

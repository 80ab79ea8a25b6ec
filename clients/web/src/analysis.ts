/** Predictions of a clip: of the whole clip if it is short, and of windows if it is long. */

import type { Features } from "speech-emotion-extractor";

import { cut, duration, isSilent, type Sound } from "./clip.js";
import type { PredictionWithRequest } from "./engine/messages.js";
import { asFault } from "./faults.js";
import type { Predictor } from "./predictor.js";

/** Seconds; the features of a longer clip would take too much memory and time. */
const LONGEST_WHOLE = 60;
/** Seconds; shorter clips are as long as the training clips, which contain one emotion each. */
const SHORTEST_TIMELINE = 4;
const WINDOW = 3; // seconds
const STEP = 1; // seconds
const MOST_WINDOWS = 120;
const MOST_WAITS = 5;
const USUAL_WAIT = 1; // seconds, if the server gives no time

/** A part of a clip, in seconds. */
export interface Passage {
  readonly start: number;
  readonly end: number;
}

export interface PredictedPassage extends Passage {
  /** Null where the passage is silent. */
  readonly predicted: PredictionWithRequest | null;
}

/** The windows of a clip of `length` seconds; none if the clip is short. */
export function windowsOf(length: number): Passage[] {
  if (length <= SHORTEST_TIMELINE) return [];
  const sliding = (length - WINDOW) / STEP <= MOST_WINDOWS;
  const size = sliding ? WINDOW : length / MOST_WINDOWS;
  const step = sliding ? STEP : size;
  const count = Math.floor((length - size) / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, index) => ({
    start: index * step,
    end: index === count - 1 ? length : index * step + size,
  }));
}

/** One clip; its features are computed once for all networks. */
export class Analysis {
  readonly sound: Sound;
  /** The whole clip; undefined if it is too long for one prediction. */
  readonly whole: Passage | undefined;
  readonly windows: readonly Passage[];
  readonly #predictor: Predictor;
  readonly #features = new Map<Passage, Promise<Features>>();
  /** With the settings of the last one. */
  readonly #predictions = new Map<Passage, Promise<PredictionWithRequest>>();
  #settings = "";

  constructor(predictor: Predictor, sound: Sound) {
    const length = duration(sound);
    this.#predictor = predictor;
    this.sound = sound;
    this.whole = length <= LONGEST_WHOLE ? { start: 0, end: length } : undefined;
    this.windows = windowsOf(length);
  }

  /** @throws Fault */
  features(passage: Passage): Promise<Features> {
    let features = this.#features.get(passage);
    if (features === undefined) {
      features = this.#predictor.features(cut(this.sound, passage.start, passage.end));
      this.#features.set(passage, features);
      features.catch(() => this.#features.delete(passage)); // the next call tries again
    }
    return features;
  }

  /**
   * Predicts a passage, or returns its last prediction if it would be the same.
   *
   * @throws Fault
   */
  async predict(passage: Passage, network: string): Promise<PredictionWithRequest> {
    const settings = this.#predictor.settings(network);
    if (settings !== this.#settings) this.#predictions.clear();
    this.#settings = settings;
    let predicted = this.#predictions.get(passage);
    if (predicted === undefined) {
      predicted = this.#predict(passage, network);
      this.#predictions.set(passage, predicted);
      const mine = predicted;
      mine.catch(() => {
        if (this.#predictions.get(passage) === mine) this.#predictions.delete(passage);
      });
    }
    return predicted;
  }

  async #predict(passage: Passage, network: string): Promise<PredictionWithRequest> {
    return this.#predictor.predict(network, await this.features(passage));
  }

  /**
   * Predicts the windows one after the other. While the server is busy, it waits and repeats.
   *
   * @throws Fault
   */
  async *predictWindows(network: string, signal?: AbortSignal): AsyncGenerator<PredictedPassage> {
    let waits = 0;
    for (const window of this.windows) {
      for (;;) {
        if (signal?.aborted) return;
        try {
          yield { ...window, predicted: await this.#predictUnlessSilent(window, network) };
          break;
        } catch (error) {
          const fault = asFault(error);
          if (!fault.isTemporary || ++waits > MOST_WAITS) throw fault;
          await pause(fault.retryAfter ?? USUAL_WAIT);
        }
      }
    }
  }

  /** The features computed so far, of passages that do not overlap; of the whole clip if short. */
  async separateFeatures(): Promise<Features[]> {
    const passages = this.windows.length === 0 && this.whole ? [this.whole] : this.windows;
    let end = 0;
    const separate = passages.filter((passage) => {
      if (passage.start < end - 1e-9) return false;
      end = passage.end;
      return true;
    });
    return Promise.all(separate.flatMap((passage) => this.#features.get(passage) ?? []));
  }

  async #predictUnlessSilent(
    window: Passage,
    network: string,
  ): Promise<PredictionWithRequest | null> {
    if (isSilent(cut(this.sound, window.start, window.end))) return null;
    return this.predict(window, network);
  }
}

/** The mean probabilities of the passages, or undefined if all are silent. */
export function average(passages: readonly PredictedPassage[]): PredictionWithRequest | undefined {
  const all = passages.flatMap(({ predicted }) => predicted ?? []);
  const last = all.at(-1);
  if (last === undefined) return undefined;
  const results = last.results.map(({ emotionType }, index) => ({
    emotionType,
    prediction: all.reduce((sum, { results }) => sum + results[index]!.prediction, 0) / all.length,
  }));
  // A warning for a few windows does not apply to the whole clip.
  const warned = all.filter(({ warning }) => warning).length > all.length / 2;
  return { results, request: last.request, ...(warned && { warning: warningOf(all) }) };
}

function warningOf(
  all: readonly PredictionWithRequest[],
): NonNullable<PredictionWithRequest["warning"]> {
  return all.find(({ warning }) => warning)!.warning!;
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1_000 * seconds));
}

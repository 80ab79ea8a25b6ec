/** What to predict of a clip, and the predictions: as a whole where it is short, by windows. */

import type { Features } from "speech-emotion-extractor";

import { cut, duration, isSilent, type Sound } from "./clip.js";
import type { Engine, Heard } from "./engine/messages.js";
import { asFault } from "./faults.js";

/** Seconds; beyond this the features of the whole would take too much memory and time. */
const LONGEST_WHOLE = 60;
/** Seconds; a shorter clip holds one emotion, like those that the networks have learned from. */
const SHORTEST_TIMELINE = 4;
const WINDOW = 3; // seconds
const STEP = 1; // seconds
const MOST_WINDOWS = 120;
const MOST_WAITS = 5;
const USUAL_WAIT = 1; // seconds, where a busy server names none

/** A part of a clip, in seconds. */
export interface Passage {
  readonly start: number;
  readonly end: number;
}

export interface HeardPassage extends Passage {
  /** Null where the passage is silent. */
  readonly heard: Heard | null;
}

/** The windows of a clip of `length` seconds; none for a short one. */
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

/** One clip; features are computed once, whatever network they are shown to. */
export class Analysis {
  readonly sound: Sound;
  /** The whole clip, unless it is too long for that. */
  readonly whole: Passage | undefined;
  readonly windows: readonly Passage[];
  readonly #engine: Engine;
  readonly #features = new Map<Passage, Promise<Features>>();

  constructor(engine: Engine, sound: Sound) {
    const length = duration(sound);
    this.#engine = engine;
    this.sound = sound;
    this.whole = length <= LONGEST_WHOLE ? { start: 0, end: length } : undefined;
    this.windows = windowsOf(length);
  }

  /** @throws Fault */
  features(passage: Passage): Promise<Features> {
    let features = this.#features.get(passage);
    if (features === undefined) {
      features = this.#engine.extract(cut(this.sound, passage.start, passage.end).slice());
      this.#features.set(passage, features);
      features.catch(() => this.#features.delete(passage)); // the next call tries again
    }
    return features;
  }

  /** @throws Fault */
  async hear(passage: Passage, network: string): Promise<Heard> {
    return this.#engine.predict(network, await this.features(passage));
  }

  /**
   * Predicts the windows one after the other; a server that asks for patience gets it.
   *
   * @throws Fault
   */
  async *hearWindows(network: string, signal: AbortSignal): AsyncGenerator<HeardPassage> {
    let waits = 0;
    for (const window of this.windows) {
      for (;;) {
        if (signal.aborted) return;
        try {
          yield { ...window, heard: await this.#hearUnlessSilent(window, network) };
          break;
        } catch (error) {
          const fault = asFault(error);
          if (!fault.passes || ++waits > MOST_WAITS) throw fault;
          await pause(fault.retryAfter ?? USUAL_WAIT);
        }
      }
    }
  }

  async #hearUnlessSilent(window: Passage, network: string): Promise<Heard | null> {
    if (isSilent(cut(this.sound, window.start, window.end))) return null;
    return this.hear(window, network);
  }
}

/** The mean probabilities of what was heard, or undefined of nothing. */
export function average(passages: readonly HeardPassage[]): Heard | undefined {
  const all = passages.flatMap(({ heard }) => heard ?? []);
  const last = all.at(-1);
  if (last === undefined) return undefined;
  const results = last.results.map(({ emotionType }, index) => ({
    emotionType,
    prediction: all.reduce((sum, { results }) => sum + results[index]!.prediction, 0) / all.length,
  }));
  // A warning of a few windows says little of the whole.
  const warned = all.filter(({ warning }) => warning).length > all.length / 2;
  return { results, request: last.request, ...(warned && { warning: warningOf(all) }) };
}

function warningOf(all: readonly Heard[]): NonNullable<Heard["warning"]> {
  return all.find(({ warning }) => warning)!.warning!;
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1_000 * seconds));
}

/** A recording of this visit, and what became of it. */

import type { Analysis, PredictedPassage } from "../analysis.js";
import { duration, type Clip, type Sound } from "../clip.js";
import type { PredictionWithRequest } from "../engine/messages.js";
import type { Fault } from "../faults.js";
import type { Subject } from "../view/result/bars.js";
import { doubtOf, type Doubt } from "../view/result/verdict.js";

/** A recording from a file or from the microphone. */
export interface Source {
  readonly name: string;
  readonly original: Blob;
  read(): Promise<Sound>;
  /** Makes another recording; only of the microphone. */
  readonly again?: () => void;
}

/** A recording that was read, with its features and predictions. */
export interface Loaded {
  readonly clip: Clip;
  readonly analysis: Analysis;
}

export interface Outcome {
  /** How it was predicted, as `Predictor.settings`. */
  readonly settings: string;
  readonly network: string;
  readonly subject: Subject;
  /** Of the whole clip, or the average over the windows of a long one. */
  readonly overall: PredictionWithRequest;
  readonly passages: readonly PredictedPassage[];
}

export type State =
  | { readonly kind: "waiting" }
  | { readonly kind: "running"; readonly share?: number }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly fault: Fault };

export class Entry {
  readonly source: Source;
  /** Whether it came with others, so that its error is shown in the list alone. */
  readonly isOneOfSeveral: boolean;
  state: State = { kind: "waiting" };
  /** The last result. It stays while the clip is predicted again, and if that fails. */
  outcome: Outcome | undefined;
  /** Of the recording, once it was read. */
  seconds: number | undefined;
  #loaded: Loaded | undefined;

  constructor(source: Source, isOneOfSeveral: boolean) {
    this.source = source;
    this.isOneOfSeveral = isOneOfSeveral;
  }

  /** Undefined until it was read, and once it was put away. */
  get loaded(): Loaded | undefined {
    return this.#loaded;
  }

  set loaded(loaded: Loaded | undefined) {
    this.#loaded = loaded;
    if (loaded) this.seconds = duration(loaded.clip.sound);
  }

  get doubt(): Doubt | undefined {
    return this.outcome && doubtOf(this.outcome.overall, this.outcome.passages);
  }

  /** The samples in memory. */
  get samples(): number {
    const channels = this.#loaded?.clip.sound.channels ?? [];
    return channels.reduce((sum, { length }) => sum + length, 0);
  }
}

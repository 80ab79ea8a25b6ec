/** The user's usual voice: a baseline in the local storage of the browser. */

import {
  readBaseline,
  withClip,
  type Baseline,
  type Features,
  type Handshake,
} from "speech-emotion-extractor";

const KEY = "usual-voice";

interface Stored {
  /** Whether predictions are compared with the baseline. */
  readonly on: boolean;
  readonly baseline: Baseline | undefined;
}

const NOTHING: Stored = { on: false, baseline: undefined };

export class Voice {
  readonly #coefficients: number;
  /** What the numbers mean: the recipes of MFCCs and prosody. */
  readonly #meaning: string;
  #stored: Stored;
  #isKept = true;

  /** @param changed is called when another tab changes the storage */
  constructor({ features, prosody }: Handshake, changed: () => void) {
    this.#coefficients = features.nMfcc;
    this.#meaning = JSON.stringify([features, prosody]);
    this.#stored = this.#read();
    addEventListener("storage", ({ key }) => {
      if (key !== KEY && key !== null) return; // null: all was deleted
      this.#stored = this.#read();
      changed();
    });
  }

  /** Whether the browser stores it beyond this visit. */
  get isKept(): boolean {
    return this.#isKept;
  }

  get clips(): number {
    return this.#stored.baseline?.clips ?? 0;
  }

  get on(): boolean {
    return this.#stored.on;
  }

  set on(on: boolean) {
    this.#store({ ...this.#stored, on });
  }

  /** Undefined unless the user has turned the comparison on. */
  get baseline(): Baseline | undefined {
    return this.#stored.on ? this.#stored.baseline : undefined;
  }

  add(clips: readonly Features[]): void {
    const baseline = clips.reduce<Baseline | undefined>(withClip, this.#stored.baseline);
    this.#store({ ...this.#stored, baseline });
  }

  forget(): void {
    this.#stored = NOTHING;
    try {
      localStorage.removeItem(KEY);
    } catch {
      this.#isKept = false; // it never was
    }
  }

  #store(stored: Stored): void {
    this.#stored = stored;
    try {
      localStorage.setItem(KEY, JSON.stringify({ ...stored, meaning: this.#meaning }));
    } catch {
      this.#isKept = false; // blocked or full: it lasts as long as the page
    }
  }

  /** What is stored; nothing if it cannot be read, or belongs to other features. */
  #read(): Stored {
    try {
      const text = localStorage.getItem(KEY);
      if (text === null) return NOTHING;
      const { on, baseline, meaning } = JSON.parse(text) as Partial<Stored> & { meaning?: unknown };
      if (meaning !== this.#meaning) throw new Error("it belongs to other features");
      return { on: on === true, baseline: readBaseline(baseline, this.#coefficients) };
    } catch {
      this.forget();
      return NOTHING;
    }
  }
}

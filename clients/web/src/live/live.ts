/** Live mode: predicts the last three seconds of the microphone, once a second. */

import type { Features } from "speech-emotion-extractor";

import { joined, levelOf } from "../audio/blocks.js";
import { Microphone, type Block } from "../audio/microphone.js";
import { isSilent, type Sound } from "../clip.js";
import type { PredictionWithRequest } from "../engine/messages.js";
import { asFault, type Fault } from "../faults.js";
import type { Predictor } from "../predictor.js";

const WINDOW = 3; // seconds
const STEP = 1; // seconds
/** Seconds of sound that are kept in memory, and whose predictions are shown. */
export const KEPT = 60;

/** One second of live mode. */
export interface Moment {
  /** The last three seconds, or less at the beginning. */
  readonly sound: Sound;
  /** Null if the sound is silent. */
  readonly predicted: PredictionWithRequest | null;
  readonly features: Features | undefined;
  /** Seconds since the microphone was opened. */
  readonly end: number;
}

export interface LiveListener {
  network(): string;
  /** Called with each block. @param elapsed seconds; @param level dB of full scale */
  heard(elapsed: number, level: number): void;
  predicted(moment: Moment): void;
  /** Called for each prediction that failed; the next one follows as usual. */
  failed(fault: Fault): void;
  /** Called when the device is disconnected. */
  ended(): void;
}

export class Live {
  readonly #predictor: Predictor;
  readonly #listener: LiveListener;
  #microphone: Microphone | undefined;
  #blocks: Block[] = [];
  #received = 0;
  #next = 0;
  #busy = false;
  #pausedUntil = 0;

  constructor(predictor: Predictor, listener: LiveListener) {
    this.#predictor = predictor;
    this.#listener = listener;
  }

  /** @throws Fault of a "microphone-" kind */
  async start(): Promise<void> {
    this.#blocks = [];
    this.#received = this.#pausedUntil = 0;
    this.#microphone = await Microphone.open(
      (block) => this.#receive(block),
      () => this.#listener.ended(),
    );
    this.#next = STEP * this.#microphone.sampleRate;
  }

  /** @returns the last minute that it heard, at the microphone's sample rate, and when it ended */
  async stop(): Promise<{ sound: Sound; end: number }> {
    const [microphone, blocks, received] = [this.#microphone, this.#blocks, this.#received];
    this.#microphone = undefined; // ignore blocks that arrive later
    this.#blocks = [];
    await microphone?.close();
    const sampleRate = microphone?.sampleRate ?? 1;
    return { sound: { channels: joined(blocks), sampleRate }, end: received / sampleRate };
  }

  #receive(block: Block): void {
    const microphone = this.#microphone;
    if (microphone === undefined) return;
    const { length } = block[0]!;
    this.#blocks.push(block);
    this.#received += length;
    const most = Math.ceil((KEPT * microphone.sampleRate) / length);
    this.#blocks.splice(0, Math.max(0, this.#blocks.length - most));
    this.#listener.heard(this.#received / microphone.sampleRate, levelOf(block));
    if (this.#received < this.#next || this.#busy) return;
    this.#next = this.#received + STEP * microphone.sampleRate;
    void this.#predict(microphone, this.#received / microphone.sampleRate);
  }

  async #predict(microphone: Microphone, end: number): Promise<void> {
    if (end < this.#pausedUntil) return;
    this.#busy = true;
    const rate = microphone.sampleRate;
    try {
      const blocks = Math.ceil((WINDOW * rate) / this.#blocks[0]![0]!.length);
      const recorded = { channels: joined(this.#blocks.slice(-blocks)), sampleRate: rate };
      const sound = await this.#predictor.prepared(recorded);
      const features = isSilent(sound) ? undefined : await this.#predictor.features(sound);
      const predicted = features
        ? await this.#predictor.predict(this.#listener.network(), features)
        : null;
      if (this.#microphone === microphone)
        this.#listener.predicted({ sound, predicted, features, end });
    } catch (error) {
      if (this.#microphone !== microphone) return; // stopped meanwhile
      const fault = asFault(error);
      this.#pausedUntil = end + (fault.retryAfter ?? 0);
      this.#listener.failed(fault);
    } finally {
      this.#busy = false;
    }
  }
}

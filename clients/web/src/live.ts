/** Live mode: predicts the last three seconds of the microphone, once a second. */

import type { Features } from "speech-emotion-extractor";

import { Microphone } from "./audio/microphone.js";
import { isSilent, type Sound } from "./clip.js";
import type { Engine, PredictionWithRequest } from "./engine/messages.js";
import { asFault, type Fault } from "./faults.js";

const WINDOW = 3; // seconds
const STEP = 1; // seconds

/** One second of live mode. */
export interface Moment {
  /** The last three seconds, or less at the beginning, at the sample rate of the features. */
  readonly sound: Sound;
  /** Null if the sound is silent. */
  readonly predicted: PredictionWithRequest | null;
  readonly features: Features | undefined;
  /** Seconds since the microphone was opened. */
  readonly end: number;
}

export interface LiveListener {
  network(): string;
  predicted(moment: Moment): void;
  /** Called for each prediction that failed; the next one follows as usual. */
  failed(fault: Fault): void;
  /** Called when the device is disconnected. */
  ended(): void;
}

export class Live {
  readonly #engine: Engine;
  readonly #sampleRate: number;
  readonly #listener: LiveListener;
  #microphone: Microphone | undefined;
  #blocks: Float32Array[] = [];
  #received = 0;
  #next = 0;
  #busy = false;
  #pausedUntil = 0;

  constructor(engine: Engine, sampleRate: number, listener: LiveListener) {
    this.#engine = engine;
    this.#sampleRate = sampleRate;
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

  async stop(): Promise<void> {
    const microphone = this.#microphone;
    this.#microphone = undefined; // ignore blocks that arrive later
    await microphone?.close();
  }

  #receive(block: Float32Array): void {
    const microphone = this.#microphone;
    if (microphone === undefined) return;
    this.#blocks.push(block);
    this.#received += block.length;
    const most = Math.ceil((WINDOW * microphone.sampleRate) / block.length);
    this.#blocks.splice(0, this.#blocks.length - most);
    if (this.#received < this.#next || this.#busy) return;
    this.#next = this.#received + STEP * microphone.sampleRate;
    void this.#predict(microphone.sampleRate, this.#received / microphone.sampleRate);
  }

  async #predict(rate: number, end: number): Promise<void> {
    if (end < this.#pausedUntil) return;
    this.#busy = true;
    try {
      const samples = await this.#engine.resample(joined(this.#blocks), rate);
      const sound = { samples, sampleRate: this.#sampleRate };
      const features = isSilent(samples) ? undefined : await this.#engine.extract(samples);
      const predicted = features
        ? await this.#engine.predict(this.#listener.network(), features)
        : null;
      if (this.#microphone) this.#listener.predicted({ sound, predicted, features, end });
    } catch (error) {
      const fault = asFault(error);
      this.#pausedUntil = end + (fault.retryAfter ?? 0);
      if (this.#microphone) this.#listener.failed(fault);
    } finally {
      this.#busy = false;
    }
  }
}

export function joined(blocks: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const block of blocks) {
    all.set(block, offset);
    offset += block.length;
  }
  return all;
}

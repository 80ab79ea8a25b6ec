/** Live mode: a prediction every second from the last three, while the microphone is open. */

import type { Features } from "speech-emotion-extractor";

import { Microphone } from "./audio/microphone.js";
import { isSilent, type Sound } from "./clip.js";
import type { Engine, Heard } from "./engine/messages.js";
import { asFault, type Fault } from "./faults.js";

const WINDOW = 3; // seconds
const STEP = 1; // seconds

/** One second of live mode. */
export interface Moment {
  /** The last three seconds, or less at the beginning, at the rate of the features. */
  readonly sound: Sound;
  /** Null in silence. */
  readonly heard: Heard | null;
  readonly features: Features | undefined;
  /** Seconds since the microphone was opened. */
  readonly end: number;
}

export interface LiveListener {
  network(): string;
  heard(moment: Moment): void;
  /** Once for each second that was lost; the next one is tried all the same. */
  failed(fault: Fault): void;
  /** Where the device went away. */
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
    this.#microphone = undefined; // what is still on its way comes too late
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
      const heard = features
        ? await this.#engine.predict(this.#listener.network(), features)
        : null;
      if (this.#microphone) this.#listener.heard({ sound, heard, features, end });
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

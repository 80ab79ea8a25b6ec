/** Live mode: predicts the last three seconds of the microphone, once a second. */

import type { Features } from "speech-emotion-extractor";

import { Microphone, type Block } from "./audio/microphone.js";
import { isSilent, type Channel, type Sound } from "./clip.js";
import type { PredictionWithRequest } from "./engine/messages.js";
import { asFault, type Fault } from "./faults.js";
import type { Predictor } from "./predictor.js";

const WINDOW = 3; // seconds
const STEP = 1; // seconds

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

  async stop(): Promise<void> {
    const microphone = this.#microphone;
    this.#microphone = undefined; // ignore blocks that arrive later
    await microphone?.close();
  }

  #receive(block: Block): void {
    const microphone = this.#microphone;
    if (microphone === undefined) return;
    const { length } = block[0]!;
    this.#blocks.push(block);
    this.#received += length;
    const most = Math.ceil((WINDOW * microphone.sampleRate) / length);
    this.#blocks.splice(0, this.#blocks.length - most);
    if (this.#received < this.#next || this.#busy) return;
    this.#next = this.#received + STEP * microphone.sampleRate;
    void this.#predict(microphone.sampleRate, this.#received / microphone.sampleRate);
  }

  async #predict(rate: number, end: number): Promise<void> {
    if (end < this.#pausedUntil) return;
    this.#busy = true;
    try {
      const recorded = { channels: joined(this.#blocks), sampleRate: rate };
      const sound = await this.#predictor.prepared(recorded);
      const features = isSilent(sound) ? undefined : await this.#predictor.features(sound);
      const predicted = features
        ? await this.#predictor.predict(this.#listener.network(), features)
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

/** The blocks one after the other; as many channels as every block has, at least one. */
export function joined(blocks: readonly Block[]): Channel[] {
  const channels = Math.min(...blocks.map((block) => block.length));
  return Array.from({ length: Number.isFinite(channels) ? channels : 1 }, (_, channel) =>
    inOne(blocks.map((block) => block[channel]!)),
  );
}

function inOne(parts: readonly Channel[]): Channel {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** Records from the microphone. */

import { Microphone } from "./audio/microphone.js";
import { MAXIMUM_SECONDS, type Sound } from "./clip.js";
import { joined } from "./live.js";

export interface RecorderListener {
  /** @param elapsed seconds; @param level of the last block, dB of full scale */
  received(elapsed: number, level: number): void;
  /** Called when the maximum length is reached or the device is disconnected. */
  ended(): void;
}

export class Recorder {
  readonly #listener: RecorderListener;
  #microphone: Microphone | undefined;
  #blocks: Float32Array[] = [];
  #received = 0;

  constructor(listener: RecorderListener) {
    this.#listener = listener;
  }

  /** @throws Fault of a "microphone-" kind */
  async start(): Promise<void> {
    this.#blocks = [];
    this.#received = 0;
    this.#microphone = await Microphone.open(
      (block) => this.#receive(block),
      () => this.#listener.ended(),
    );
  }

  /** @returns the recording at the device's sample rate */
  async stop(): Promise<Sound> {
    const microphone = this.#microphone;
    this.#microphone = undefined; // ignore blocks that arrive later
    await microphone?.close();
    return { samples: joined(this.#blocks), sampleRate: microphone?.sampleRate ?? 0 };
  }

  #receive(block: Float32Array): void {
    if (this.#microphone === undefined) return;
    this.#blocks.push(block);
    this.#received += block.length;
    const elapsed = this.#received / this.#microphone.sampleRate;
    this.#listener.received(elapsed, level(block));
    if (elapsed >= MAXIMUM_SECONDS - 1) this.#listener.ended();
  }
}

/** Root mean square in dB relative to full scale. */
function level(block: Float32Array): number {
  const power = block.reduce((sum, sample) => sum + sample * sample, 0) / block.length;
  return 10 * Math.log10(power + 1e-12);
}

/** Records from the microphone until it is stopped. */

import { Microphone } from "./audio/microphone.js";
import { MAXIMUM_SECONDS, type Sound } from "./clip.js";
import { joined } from "./live.js";

export interface RecorderListener {
  /** @param elapsed seconds; @param level of the last block, dB of full scale */
  heard(elapsed: number, level: number): void;
  /** Where the longest time is reached or the device goes away. */
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

  /** @returns what was recorded, at the device's own sample rate */
  async stop(): Promise<Sound> {
    const microphone = this.#microphone;
    this.#microphone = undefined; // blocks that are still on their way come too late
    await microphone?.close();
    return { samples: joined(this.#blocks), sampleRate: microphone?.sampleRate ?? 0 };
  }

  #receive(block: Float32Array): void {
    if (this.#microphone === undefined) return;
    this.#blocks.push(block);
    this.#received += block.length;
    const elapsed = this.#received / this.#microphone.sampleRate;
    this.#listener.heard(elapsed, level(block));
    if (elapsed >= MAXIMUM_SECONDS - 1) this.#listener.ended();
  }
}

/** Root mean square in dB of full scale. */
function level(block: Float32Array): number {
  const power = block.reduce((sum, sample) => sum + sample * sample, 0) / block.length;
  return 10 * Math.log10(power + 1e-12);
}

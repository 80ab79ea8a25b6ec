/** Records from the microphone. */

import { Microphone, type Block } from "./microphone.js";
import { MAXIMUM_SECONDS, type Sound } from "../clip.js";
import { joined, levelOf } from "./blocks.js";

/** Shows a recording while it goes on. */
export interface RecordingDisplay {
  /** @param elapsed seconds; @param level of the last block, dB of full scale */
  show(elapsed: number, level: number): void;
  hide(): void;
}

export class Recorder {
  readonly #display: RecordingDisplay;
  readonly #ended: () => void;
  #microphone: Microphone | undefined;
  #blocks: Block[] = [];
  #received = 0;

  /** @param ended is called when the maximum length is reached or the device is disconnected */
  constructor(display: RecordingDisplay, ended: () => void) {
    this.#display = display;
    this.#ended = ended;
  }

  /** @throws Fault of a "microphone-" kind */
  async start(): Promise<void> {
    this.#blocks = [];
    this.#received = 0;
    this.#microphone = await Microphone.open(
      (block) => this.#receive(block),
      () => this.#ended(),
    );
    this.#display.show(0, -Infinity);
  }

  /** @returns the recording at the microphone's sample rate */
  async stop(): Promise<Sound> {
    const [microphone, blocks] = [this.#microphone, this.#blocks];
    this.#display.hide();
    this.#microphone = undefined; // ignore blocks that arrive later
    this.#blocks = [];
    await microphone?.close();
    return { channels: joined(blocks), sampleRate: microphone?.sampleRate ?? 0 };
  }

  #receive(block: Block): void {
    if (this.#microphone === undefined) return;
    this.#blocks.push(block);
    this.#received += block[0]!.length;
    const elapsed = this.#received / this.#microphone.sampleRate;
    this.#display.show(elapsed, levelOf(block));
    if (elapsed >= MAXIMUM_SECONDS - 1) this.#ended();
  }
}

/** Runs in the audio thread: posts the microphone's samples to the page in blocks. */

// TypeScript's libraries have no types for the audio thread.
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void;

const BLOCK = 2_048; // samples of each channel; a multiple of the 128 of a call

class Capture extends AudioWorkletProcessor {
  /** A block for each channel. */
  #block: Float32Array<ArrayBuffer>[] = [];
  #filled = 0;

  /** @param inputs one input of one or two channels; none while the device gives nothing */
  process([input = []]: Float32Array[][]): boolean {
    if (input.length === 0) return true;
    if (input.length !== this.#block.length) this.#begin(input.length);
    input.forEach((samples, channel) => this.#block[channel]!.set(samples, this.#filled));
    this.#filled += input[0]!.length;
    if (this.#filled >= BLOCK) this.#send();
    return true;
  }

  #begin(channels: number): void {
    this.#block = Array.from({ length: channels }, () => new Float32Array(BLOCK));
    this.#filled = 0;
  }

  #send(): void {
    const block = this.#block;
    this.port.postMessage(
      block,
      block.map(({ buffer }) => buffer),
    );
    this.#begin(block.length);
  }
}

registerProcessor("capture", Capture);

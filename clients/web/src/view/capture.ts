/** Shows the time and the level while the microphone is open. */

import { find } from "../dom.js";
import { format, input } from "../strings/index.js";

export class CaptureDisplay {
  readonly #box: HTMLElement;
  readonly #elapsed: HTMLElement;
  readonly #level: HTMLMeterElement;
  readonly #text: (elapsed: string) => string;

  /** @param prefix of the ids of the elements; @param text says how long it has been open */
  constructor(prefix = "", text: (elapsed: string) => string = input.recording) {
    this.#text = text;
    this.#box = find(`${prefix}capture`, HTMLElement);
    this.#elapsed = find(`${prefix}elapsed`, HTMLElement);
    this.#level = find(`${prefix}level`, HTMLMeterElement);
  }

  /** @param elapsed seconds; @param level dB relative to full scale */
  show(elapsed: number, level: number): void {
    this.#box.hidden = false;
    this.#elapsed.textContent = this.#text(format.clock(elapsed));
    const { min } = this.#level;
    this.#level.value = Math.max(min, level); // silence is minus infinity
    document.body.style.setProperty("--level", String(1 - this.#level.value / min));
  }

  hide(): void {
    this.#box.hidden = true;
  }
}

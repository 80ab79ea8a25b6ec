/** A button that starts and stops an activity. */

import { find } from "../dom.js";

export class Toggle {
  readonly #button: HTMLButtonElement;
  readonly #texts: { readonly start: string; readonly stop: string };
  #on = false;

  /** @param flip is called with the requested state; `set` changes the button */
  constructor(id: string, texts: { start: string; stop: string }, flip: (on: boolean) => void) {
    this.#button = find(id, HTMLButtonElement);
    this.#texts = texts;
    this.#button.addEventListener("click", () => flip(!this.#on));
  }

  set(on: boolean): void {
    this.#on = on;
    this.#button.classList.toggle("on", on);
    this.#button.textContent = on ? this.#texts.stop : this.#texts.start;
  }

  set disabled(disabled: boolean) {
    this.#button.disabled = disabled;
  }
}

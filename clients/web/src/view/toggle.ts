/** A button that starts something, and then stops it. */

import { find } from "../dom.js";

export class Toggle {
  readonly #button: HTMLButtonElement;
  readonly #texts: { readonly start: string; readonly stop: string };
  #on = false;

  /** @param flip is told the state that the user wants; the button itself follows `set` */
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

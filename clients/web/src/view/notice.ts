/** Shows an error with its remedy. */

import { find, make } from "../dom.js";
import { WITH_DETAIL, type Fault } from "../faults.js";
import { action, faults, named, retryAfter } from "../strings/index.js";

export class Notice {
  readonly #box = find("notice", HTMLElement);

  /**
   * @param retry is called by the button "Try again"; without it there is no button
   * @param name of the recording
   * @returns removes this error, if it is still shown
   */
  show({ kind, detail, retryAfter: wait }: Fault, retry?: () => void, name?: string): () => void {
    const { title, advice } = faults[kind];
    const box = make(
      "div",
      { className: "card notice" },
      make("h2", {}, name === undefined ? title : named(name, title)),
      make("p", {}, wait === undefined ? advice : `${advice} ${retryAfter(wait)}`),
    );
    box.dataset["kind"] = kind;
    if (detail && WITH_DETAIL.includes(kind)) box.append(make("p", { className: "hint" }, detail));
    const buttons = make("div", { className: "buttons" });
    if (retry) buttons.append(this.#button(action.retry, retry));
    buttons.append(this.#button(action.dismiss));
    box.append(buttons);
    this.#box.replaceChildren(box);
    return () => box.remove();
  }

  clear(): void {
    this.#box.replaceChildren();
  }

  #button(text: string, act?: () => void): HTMLButtonElement {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", () => {
      this.clear();
      act?.();
    });
    return button;
  }
}

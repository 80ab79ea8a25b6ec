/** Whether this browser computes what the server expects. */

import type { Verification as Verdict } from "speech-emotion-extractor";

import { find } from "../dom.js";
import { status } from "../strings.js";

export class Verification {
  readonly #line = find("verification", HTMLElement);

  connecting(): void {
    this.#say("waiting", status.connecting);
  }

  checking(): void {
    this.#say("waiting", status.checking);
  }

  unknown(): void {
    this.#say("unknown", status.unchecked);
  }

  show(verdicts: readonly Verdict[]): void {
    const wrong = verdicts.find(({ verdict }) => verdict !== "agreement");
    if (wrong) this.#say("disagreement", `${status.disagrees} ${wrong.detail}`);
    else this.#say("agreement", status.agrees);
  }

  #say(state: string, text: string): void {
    this.#line.dataset["state"] = state;
    this.#line.textContent = text;
  }
}

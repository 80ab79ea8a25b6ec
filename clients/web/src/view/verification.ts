/** Shows whether this browser computes the features correctly. */

import type { Verification as Verdict } from "speech-emotion-extractor";

import { find } from "../dom.js";
import { status } from "../strings/index.js";

export class Verification {
  readonly #line = find("verification", HTMLElement);

  connecting(): void {
    this.#setState("waiting", status.connecting);
  }

  checking(): void {
    this.#setState("waiting", status.checking);
  }

  unknown(): void {
    this.#setState("unknown", status.unchecked);
  }

  show(verdicts: readonly Verdict[]): void {
    const wrong = verdicts
      .flatMap(({ prosody, ...mfccs }) => (prosody ? [mfccs, prosody] : [mfccs]))
      .find(({ verdict }) => verdict !== "agreement");
    if (wrong) this.#setState("disagreement", `${status.disagrees} ${wrong.detail}`);
    else this.#setState("agreement", status.agrees);
  }

  #setState(state: string, text: string): void {
    this.#line.dataset["state"] = state;
    this.#line.textContent = text;
  }
}

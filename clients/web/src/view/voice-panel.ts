/** The user's usual voice: a switch, how many clips it holds, and buttons to fill and forget it. */

import type { Network } from "speech-emotion-extractor";

import { find } from "../dom.js";
import { voice as words } from "../strings/index.js";
import type { Voice } from "../voice/voice.js";

export interface VoiceActions {
  /** Called when the user turns the comparison on or off. */
  compare(on: boolean): void;
  /** Called to add the clips of this visit. */
  add(): void;
  forget(): void;
}

export class VoicePanel {
  readonly #panel = find("voice", HTMLElement);
  readonly #switch = find("voice-compare", HTMLInputElement);
  readonly #kept = find("voice-kept", HTMLElement);
  readonly #add = find("voice-add", HTMLButtonElement);
  readonly #forget = find("voice-forget", HTMLButtonElement);

  constructor(actions: VoiceActions) {
    this.#switch.addEventListener("change", () => actions.compare(this.#switch.checked));
    this.#add.addEventListener("click", () => actions.add());
    this.#forget.addEventListener("click", () => {
      this.#switch.focus(); // the button becomes disabled
      actions.forget();
    });
  }

  /** Shows the panel if the network can use a baseline. */
  showFor(network: Network | undefined): void {
    this.#panel.hidden = !network?.optionalMembers.includes("baseline");
  }

  /** @param waiting clips of this visit that may be added */
  show({ clips, on, isKept }: Voice, waiting: number): void {
    this.#switch.checked = on;
    this.#switch.disabled = clips === 0;
    this.#forget.disabled = clips === 0;
    this.#add.disabled = waiting === 0;
    this.#add.textContent = words.add(waiting);
    this.#kept.textContent = words.kept(clips, isKept);
  }

  working(): void {
    this.#kept.textContent = words.computing;
  }
}

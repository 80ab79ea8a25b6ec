/** The choice of a network, with its recall and the uses that it is not for. */

import type { Network } from "speech-emotion-extractor";

import { find, make } from "../dom.js";
import { network as words } from "../strings.js";

export class NetworkChoice {
  readonly #group = find("networks", HTMLFieldSetElement);
  readonly #details = find("network-details", HTMLElement);
  #chosen: Network | undefined;

  /** @param changed is called when the user chooses another network */
  constructor(networks: readonly Network[], changed: () => void) {
    const best = [...networks].sort((a, b) => b.speakerIndependentUar - a.speakerIndependentUar)[0];
    this.#group.replaceChildren(
      this.#group.querySelector("legend")!,
      ...networks.map((each) => this.#option(each, each === best, changed)),
    );
    if (best) this.#choose(best);
    else this.#details.textContent = words.none;
  }

  /** The chosen network, or undefined if the server has none. */
  get chosen(): Network | undefined {
    return this.#chosen;
  }

  #option(network: Network, checked: boolean, changed: () => void): HTMLLabelElement {
    const { networkType, speakerIndependentUar, emotions } = network;
    const radio = make("input", { type: "radio", name: "network", value: networkType, checked });
    radio.addEventListener("change", () => {
      this.#choose(network);
      changed();
    });
    const quality = make(
      "span",
      { className: "hint" },
      `${words.accuracy(speakerIndependentUar)} (${words.chance(1 / emotions.length)})`,
    );
    return make("label", {}, radio, make("span", {}, make("b", {}, networkType), quality));
  }

  #choose(network: Network): void {
    this.#chosen = network;
    const { corpus, protocol, intendedUse, optionalMembers } = network;
    const uses = Object.entries(words.uses).filter(([name]) => optionalMembers.includes(name));
    const limits = intendedUse.not_for ?? [];
    this.#details.replaceChildren(
      make("p", { className: "hint" }, words.explanation(String(corpus.name ?? ""), protocol)),
      make("p", { hidden: uses.length === 0 }, words.alsoUses(uses.map(([, text]) => text))),
      make("h3", { hidden: limits.length === 0 }, words.notFor),
      make("ul", {}, ...limits.map((limit) => make("li", {}, limit))),
    );
  }
}

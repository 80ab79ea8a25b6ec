/** The choice of a network, the best one first, with its recall and the uses that it is not for. */

import type { Network } from "speech-emotion-extractor";

import { find, make } from "../../dom.js";
import { isBetter } from "../../engine/ranking.js";
import { network as words } from "../../strings/index.js";
import { meaningsOf } from "./meanings.js";
import { qualityOf, spoken, tableOf, usesOf } from "./recall.js";

export class NetworkChoice {
  readonly #group = find("networks", HTMLFieldSetElement);
  readonly #details = find("network-details", HTMLElement);
  #chosen: Network | undefined;

  /** @param changed is called when the user chooses another network */
  constructor(networks: readonly Network[], changed: () => void) {
    const ordered = [...networks].sort(isBetter);
    const best = ordered[0];
    this.#group.replaceChildren(
      this.#group.querySelector("legend")!,
      ...meaningsOf(ordered).map(([each, meaning]) =>
        this.#option(each, meaning, each === best, changed),
      ),
    );
    if (best) this.#choose(best);
    else this.#details.textContent = words.none;
  }

  /** The chosen network, or undefined if the server has none. */
  get chosen(): Network | undefined {
    return this.#chosen;
  }

  #option(
    network: Network,
    meaning: string,
    checked: boolean,
    changed: () => void,
  ): HTMLLabelElement {
    const { networkType } = network;
    const radio = make("input", { type: "radio", name: "network", value: networkType, checked });
    radio.addEventListener("change", () => {
      this.#choose(network);
      changed();
    });
    const quality = qualityOf(network).map((text) => make("span", { className: "hint" }, text));
    const name = make("p", {}, make("b", {}, meaning), " ", make("code", {}, networkType));
    return make("label", {}, radio, make("span", {}, name, ...quality));
  }

  #choose(network: Network): void {
    this.#chosen = network;
    const { corpus, protocol, intendedUse, otherCorpora } = network;
    const limits = intendedUse.not_for ?? [];
    const protocolText = words.explanation(spoken(corpus.name ?? ""), protocol);
    const explanation = make("p", { className: "hint" }, protocolText);
    this.#details.replaceChildren(
      make("p", { className: "hint", hidden: !otherCorpora }, words.explanationElsewhere),
      ...tableOf(network),
      make("details", {}, make("summary", {}, words.protocol), explanation),
      ...usesOf(network),
      make("h3", { hidden: limits.length === 0 }, words.notFor),
      make("ul", {}, ...limits.map((limit) => make("li", {}, words.limit(limit)))),
    );
  }
}

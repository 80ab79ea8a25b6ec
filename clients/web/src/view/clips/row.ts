/** One clip of the list: its name is a button that shows its result. */

import type { Entry, Outcome } from "../../clips/entry.js";
import { make } from "../../dom.js";
import { action, clips as words, emotionName, faults, format, named } from "../../strings/index.js";
import { emotionsIn, ranked } from "../result/verdict.js";

export class ClipRow {
  readonly element = make("li", {});
  readonly #entry: Entry;
  readonly #choose: () => void;
  readonly #name: HTMLButtonElement;
  readonly #length = make("span", { className: "hint" });
  readonly #finding = make("div", { className: "finding" });
  /** The state that is drawn, with all that it depends on. */
  #drawn: unknown;

  /** @param choose is called to show the result, or to try again */
  constructor(entry: Entry, choose: () => void) {
    this.#entry = entry;
    this.#choose = choose;
    this.#name = make("button", { type: "button", className: "plain" }, entry.source.name);
    this.#name.addEventListener("click", choose);
    this.element.append(this.#name, this.#length, this.#finding);
  }

  /** @param network the chosen one, which need not be named */
  update(isShown: boolean, network: string): void {
    const { state, seconds } = this.#entry;
    this.element.dataset["state"] = state.kind;
    this.element.dataset["doubt"] = this.#entry.doubt ?? "";
    this.#name.ariaCurrent = isShown ? "true" : null;
    const by = this.#entry.outcome?.network;
    this.#name.disabled = state.kind === "failed" && by === undefined;
    this.#length.textContent = seconds === undefined ? "" : format.seconds(seconds);
    const drawn = String(by === network);
    if (state.kind === "running") return this.#progress(state.share);
    if (this.#drawn === state && this.element.dataset["drawn"] === drawn) return;
    this.#drawn = state;
    this.element.dataset["drawn"] = drawn;
    this.#finding.replaceChildren(...this.#findings(network));
  }

  #progress(share: number | undefined): void {
    this.#drawn = undefined;
    const bar = make("progress", { ariaLabel: words.running(this.#entry.source.name) });
    if (share !== undefined) bar.value = share;
    this.#finding.replaceChildren(bar);
  }

  #retry(): HTMLButtonElement {
    const button = make("button", { type: "button" }, action.retry);
    button.setAttribute("aria-label", named(this.#entry.source.name, action.retry));
    button.addEventListener("click", () => {
      this.#choose();
      this.#name.focus(); // the button has disappeared
    });
    return button;
  }

  #findings(network: string): Node[] {
    const { state, outcome } = this.#entry;
    const found = outcome ? this.#result(outcome, network) : [];
    if (state.kind === "waiting") found.push(make("span", { className: "hint" }, words.waiting));
    if (state.kind !== "failed") return found;
    const { title } = faults[state.fault.kind];
    const reason = outcome ? words.notAgain(title) : title;
    found.push(make("span", { className: "failed" }, reason));
    return state.fault.isOfRecording ? found : [...found, this.#retry()];
  }

  /** The most probable ones with their shares; of a mixed clip those of its headline. */
  #emotions({ overall, passages }: Outcome): string[] {
    if (this.#entry.doubt === "mixed") return emotionsIn(passages).map(emotionName);
    return ranked(overall).map(({ emotionType, prediction }) =>
      words.share(emotionName(emotionType), prediction),
    );
  }

  #result(outcome: Outcome, network: string): Node[] {
    const by = outcome.network === network ? [] : [words.by(outcome.network)];
    return [
      mix(outcome.overall.results),
      make("span", {}, this.#emotions(outcome).join(", ")),
      make("span", { className: "hint" }, [words.doubts[this.#entry.doubt!], ...by].join("; ")),
    ];
  }
}

type Results = readonly { readonly emotionType: string; readonly prediction: number }[];

/** The probabilities side by side in one small bar. */
function mix(results: Results): HTMLElement {
  const bar = make("span", { className: "mix", ariaHidden: "true" });
  results.forEach(({ prediction }, series) => {
    const part = make("span", {});
    part.dataset["series"] = String(series);
    part.style.inlineSize = `${100 * prediction}%`;
    bar.append(part);
  });
  return bar;
}

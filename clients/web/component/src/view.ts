/** What an element shows in its shadow. */

import { make } from "../../src/dom.js";
import { sentence, winnerOf } from "../../src/engine/judgement.js";
import type { Fault, FaultKind } from "../../src/faults.js";
import type { Predicted } from "./connection.js";
import css from "./style.css?inline";
import { wordsOf, type Texts } from "./texts.js";

/** The kinds of errors that are shown with the message of the server or of the extractor. */
const WITH_DETAIL: readonly FaultKind[] = ["refused", "extractor", "unexpected", "wrong-server"];

export interface Actions {
  /** Starts or stops the recording. */
  record(): void;
  take(file: File): void;
}

export class View {
  readonly #record = make("button", { type: "button", className: "record" });
  readonly #file = make("input", { type: "file", accept: "audio/*,video/*" });
  readonly #choose = make("span");
  readonly #headline = make("p", { className: "headline", role: "status" });
  readonly #advice = make("p", { className: "hint", hidden: true });
  readonly #bars = make("ul", { className: "bars" });
  readonly #promise = make("p", { className: "hint" });
  readonly #fault = make("p", { className: "fault", role: "alert" });
  readonly #box: HTMLElement;
  #texts: Texts;

  constructor(root: ShadowRoot, texts: Texts, actions: Actions) {
    this.#texts = texts;
    const style = new CSSStyleSheet(); // a content security policy forbids style elements
    style.replaceSync(css);
    root.adoptedStyleSheets = [style];
    this.#record.addEventListener("click", () => actions.record());
    this.#file.addEventListener("change", () => {
      const file = this.#file.files?.[0];
      if (file) actions.take(file);
      this.#file.value = ""; // otherwise choosing the same file again fires no event
    });
    this.#box = make(
      "div",
      { className: "box" },
      make(
        "div",
        { className: "actions" },
        this.#record,
        make("label", { className: "button" }, this.#file, this.#choose),
      ),
      this.#fault,
      this.#headline,
      this.#bars,
      this.#advice,
      this.#promise,
    );
    root.replaceChildren(this.#box);
    this.reset(texts, "en");
  }

  /** Empties the result and takes the texts of a language. */
  reset(texts: Texts, lang: string): void {
    this.#texts = texts;
    this.#box.lang = lang;
    this.#choose.textContent = texts.input.choose;
    this.#bars.ariaLabel = texts.result.probabilities;
    this.#headline.textContent = texts.page.lead;
    this.#promise.textContent = texts.page.promise;
    this.#fault.textContent = "";
    this.#bars.replaceChildren();
    this.#advice.hidden = true;
    this.idle();
  }

  idle(): void {
    this.#record.disabled = this.#file.disabled = false;
    this.#record.textContent = this.#texts.input.recordTexts.start;
  }

  /** Until the next state neither button can be used. */
  busy(): void {
    this.#fault.textContent = "";
    this.#record.disabled = this.#file.disabled = true;
  }

  recording(): void {
    this.#record.disabled = false;
    this.#record.textContent = this.#texts.input.recordTexts.stop;
  }

  /** @param elapsed seconds */
  elapsed(elapsed: number): void {
    const text = this.#texts.input.recording(elapsed);
    if (this.#headline.textContent !== text) this.#headline.textContent = text;
  }

  computing(): void {
    this.busy();
    this.#headline.textContent = this.#texts.status.computing;
  }

  show({ prediction, passages }: Predicted, isLocal: boolean): void {
    const words = wordsOf(this.#texts);
    const { warning, results } = prediction;
    this.#headline.textContent = sentence(words, prediction, passages);
    const advice: ReadonlyMap<string, string> = new Map(Object.entries(this.#texts.warnings));
    this.#advice.hidden = warning === undefined;
    this.#advice.textContent = warning ? (advice.get(warning.code) ?? warning.detail) : "";
    const { emotionType: winner } = winnerOf(prediction);
    this.#bars.replaceChildren(
      ...results.map(({ emotionType, prediction: share }) => {
        const bar = this.#bar(words.nameOf(emotionType), share);
        bar.classList.toggle("first", emotionType === winner && !warning);
        bar.dataset["emotion"] = emotionType;
        bar.dataset["probability"] = String(share);
        return bar;
      }),
    );
    this.#promise.textContent = isLocal ? this.#texts.element.local : this.#texts.element.remote;
  }

  #bar(name: string, share: number): HTMLLIElement {
    const fill = make("span", { className: "fill", ariaHidden: "true" });
    fill.style.inlineSize = `${100 * share}%`;
    const value = make("span", { className: "value" }, this.#texts.format.percent(share));
    return make("li", {}, make("span", {}, name), fill, value);
  }

  fail({ kind, detail, retryAfter }: Fault): void {
    const { title, advice } = this.#texts.faults[kind];
    const wait = retryAfter === undefined ? "" : ` ${this.#texts.retryAfter(retryAfter)}`;
    const more = detail && WITH_DETAIL.includes(kind) ? ` ${detail}` : "";
    const text = `${title}. ${advice}${wait}${more}`;
    this.say(kind === "key-needed" ? this.#texts.element.keyNeeded : text);
    this.#fault.dataset["kind"] = kind;
  }

  /** Shows an error of the page's author or of the visitor. */
  say(text: string): void {
    this.#fault.textContent = text;
    if (this.#bars.childElementCount === 0) this.#headline.textContent = this.#texts.page.lead;
  }
}

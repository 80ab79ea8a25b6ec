/** What an element shows in its shadow. */

import { make } from "../../src/dom.js";
import { sentence, winnerOf } from "../../src/engine/judgement.js";
import { WITH_DETAIL, type Fault } from "../../src/faults.js";
import { clock } from "../../src/strings/clock.js";
import type { Predicted } from "./connection.js";
import css from "./style.css?inline";
import { wordsOf, type Texts } from "./texts.js";

/** What an element does; while it starts or computes, neither button can be used. */
export type State = "idle" | "starting" | "recording" | "computing";

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
  /** Not live: screen readers would read each second. */
  readonly #elapsed = make("p", { className: "elapsed", role: "timer", hidden: true });
  readonly #advice = make("p", { className: "hint", hidden: true });
  readonly #bars = make("ul", { className: "bars" });
  readonly #promise = make("p", { className: "hint" });
  readonly #fault = make("p", { className: "fault", role: "alert" });
  readonly #box: HTMLElement;
  #texts: Texts;
  /** Of the result that is shown. */
  #sentence: string | undefined;

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
      this.#elapsed,
      this.#bars,
      this.#advice,
      this.#promise,
    );
    root.replaceChildren(this.#box);
  }

  /** Empties the result and takes the texts of a language. */
  reset(texts: Texts, lang: string): void {
    this.#texts = texts;
    this.#box.lang = lang;
    this.#choose.textContent = texts.input.choose;
    this.#bars.ariaLabel = texts.result.probabilities;
    this.#sentence = undefined;
    this.#promise.textContent = texts.page.promise;
    this.#fault.textContent = "";
    this.#bars.replaceChildren();
    this.#advice.hidden = true;
  }

  become(state: State): void {
    const { input, page, element, status } = this.#texts;
    const isRecording = state === "recording";
    const found = this.#sentence ?? page.lead;
    const headlines = { recording: element.recording, computing: status.computing };
    this.#record.disabled = state === "starting" || state === "computing";
    this.#record.textContent = isRecording ? input.recordTexts.stop : input.recordTexts.start;
    this.#file.disabled = state !== "idle";
    this.#elapsed.hidden = !isRecording;
    replace(this.#headline, { idle: found, starting: found, ...headlines }[state]);
    if (state !== "idle") this.#fault.textContent = "";
  }

  /** @param elapsed seconds */
  elapsed(elapsed: number): void {
    replace(this.#elapsed, clock(elapsed));
  }

  /** The headline follows with the next state. */
  show({ prediction, passages }: Predicted, isLocal: boolean): void {
    const words = wordsOf(this.#texts);
    const { warning, results } = prediction;
    this.#sentence = sentence(words, prediction, passages);
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
  }
}

/** Screen readers would read the same text again. */
function replace(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows a prediction: what it says in a sentence, its warning, and the probabilities as bars. */

import type { Network, Prediction } from "speech-emotion-extractor";

import type { PredictedPassage } from "../../analysis.js";
import { find, make } from "../../dom.js";
import { emotionName, format, result, warnings, warningTitle } from "../../strings/index.js";
import { trustIn } from "../networks/recall.js";
import { headline, winnerOf } from "./verdict.js";

interface Bar {
  readonly row: HTMLLIElement;
  readonly fill: HTMLElement;
  readonly value: HTMLElement;
}

/** What the result is of. */
export interface Subject {
  /** Names the recording and the network. */
  readonly source: string;
  readonly network: Network | undefined;
}

export class Verdict {
  readonly #winner = find("winner", HTMLElement);
  /** The same beside the networks, for screens on which the result is far above them. */
  readonly #brief = find("brief-result", HTMLElement);
  readonly #source = find("source", HTMLElement);
  readonly #trust = find("trust", HTMLElement);
  readonly #warning = find("warning", HTMLElement);
  readonly #list = find("bars", HTMLUListElement);
  #bars = new Map<string, Bar>();
  #shown: Prediction | undefined;

  show(prediction: Prediction, { source, network }: Subject): void {
    this.#shown = prediction;
    this.#say(headline(prediction));
    this.#source.textContent = source;
    this.#trust.textContent = network ? trustIn(network) : "";
    this.#warn(prediction.warning);
    this.#draw(prediction, winnerOf(prediction).emotionType);
  }

  /** Says so if the windows of the clip that is shown have several emotions. */
  consider(passages: readonly PredictedPassage[]): void {
    if (this.#shown) this.#say(headline(this.#shown, passages));
  }

  clear(): void {
    this.#shown = undefined;
    this.#winner.textContent = result.empty;
    this.#brief.textContent = this.#source.textContent = this.#trust.textContent = "";
    this.#warn(undefined);
    this.#bars.clear();
    this.#list.replaceChildren();
  }

  /** Screen readers read the headline when it changes. */
  #say(text: string): void {
    if (this.#winner.textContent !== text) this.#winner.textContent = text;
    this.#brief.textContent = text;
  }

  #warn(found: Prediction["warning"]): void {
    this.#warning.hidden = found === undefined;
    this.#warning.replaceChildren();
    if (found === undefined) return;
    const advice = warnings.get(found.code) ?? found.detail;
    this.#warning.append(make("strong", {}, warningTitle), make("p", {}, advice));
  }

  #draw({ results, warning }: Prediction, winner: string): void {
    const emotions = results.map(({ emotionType }) => emotionType);
    if (emotions.join() !== [...this.#bars.keys()].join()) this.#build(emotions);
    this.#list.classList.toggle("doubtful", warning !== undefined);
    for (const { emotionType, prediction } of results) {
      const { row, fill, value } = this.#bars.get(emotionType)!;
      row.classList.toggle("first", emotionType === winner);
      row.dataset["probability"] = String(prediction);
      fill.style.inlineSize = `${100 * prediction}%`;
      value.textContent = format.percent(prediction);
    }
  }

  #build(emotions: readonly string[]): void {
    this.#bars = new Map(emotions.map((emotion, series) => [emotion, bar(emotion, series)]));
    this.#list.replaceChildren(...Array.from(this.#bars.values(), ({ row }) => row));
  }
}

function bar(emotion: string, series: number): Bar {
  const fill = make("span", { className: "fill" });
  const track = make("span", { className: "track", ariaHidden: "true" }, fill);
  const value = make("span", { className: "value" });
  const name = make("span", { className: "name" }, emotionName(emotion));
  const row = make("li", {}, name, track, value);
  row.dataset["series"] = String(series);
  row.dataset["emotion"] = emotion;
  return { row, fill, value };
}

/** Shows the probabilities as bars, and the most probable emotion as text. */

import type { Prediction } from "speech-emotion-extractor";

import { find, make } from "../dom.js";
import { format, result, warnings, warningTitle } from "../strings.js";

/** If the two highest probabilities differ by less, the result is shown as unclear. */
const CLEAR_LEAD = 0.1;

interface Bar {
  readonly row: HTMLLIElement;
  readonly fill: HTMLElement;
  readonly value: HTMLElement;
}

export class Verdict {
  readonly #winner = find("winner", HTMLElement);
  readonly #inWords = find("in-words", HTMLElement);
  readonly #source = find("source", HTMLElement);
  readonly #warning = find("warning", HTMLElement);
  readonly #list = find("bars", HTMLUListElement);
  #bars = new Map<string, Bar>();

  /**
   * @param source names the recording and the network
   * @param inWords text for screen readers; they read it only when it changes
   */
  show(prediction: Prediction, source: string, inWords = sentence(prediction)): void {
    const [first, second] = ranked(prediction);
    this.#winner.textContent =
      first.prediction - second.prediction < CLEAR_LEAD
        ? result.unsure(first.emotionType, second.emotionType)
        : result.winner(first.emotionType, first.prediction);
    this.#source.textContent = source;
    if (this.#inWords.textContent !== inWords) this.#inWords.textContent = inWords;
    this.#warn(prediction.warning);
    this.#draw(prediction, first.emotionType);
  }

  clear(): void {
    this.#winner.textContent = result.empty;
    this.#inWords.textContent = this.#source.textContent = "";
    this.#warn(undefined);
    this.#bars.clear();
    this.#list.replaceChildren();
  }

  #warn(found: Prediction["warning"]): void {
    this.#warning.hidden = found === undefined;
    this.#warning.replaceChildren();
    if (found === undefined) return;
    const known = warnings.get(found.code);
    this.#warning.append(
      make("strong", {}, known?.title ?? warningTitle),
      make("p", {}, known?.advice ?? found.detail),
    );
  }

  #draw({ results }: Prediction, winner: string): void {
    const emotions = results.map(({ emotionType }) => emotionType);
    if (emotions.join() !== [...this.#bars.keys()].join()) this.#build(emotions);
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
  const row = make("li", {}, make("span", { className: "name" }, emotion), track, value);
  row.dataset["series"] = String(series);
  row.dataset["emotion"] = emotion;
  return { row, fill, value };
}

type Result = Prediction["results"][number];

/** The two most probable emotions. */
function ranked({ results }: Prediction): [Result, Result] {
  const [first, second] = [...results].sort((a, b) => b.prediction - a.prediction);
  return [first!, second ?? first!];
}

function sentence(prediction: Prediction): string {
  const [first, second] = ranked(prediction);
  return result.inWords(first.emotionType, first.prediction, second.emotionType);
}

/** The most probable emotion. */
export function winnerOf(prediction: Prediction): Result {
  return ranked(prediction)[0];
}

/** Shows emotions over time: a chart of stacked probabilities, its axis and legend, and a table. */

import type { PredictedPassage } from "../../analysis.js";
import { find, make, makeRow, makeSvg } from "../../dom.js";
import { emotionName, format, views } from "../../strings/index.js";
import { winnerOf } from "../result/verdict.js";
import { axis, legend } from "./axis.js";

/** A window and its part of the chart, in seconds. */
interface Stretch {
  readonly passage: PredictedPassage;
  readonly from: number;
  readonly to: number;
}

/** What plays the sound below the chart, once there is one. */
export interface Player {
  readonly hasSound: boolean;
  playFrom(seconds: number): void;
}

/** Windows with the same winner, one after the other. */
interface Run {
  readonly name: string;
  readonly from: number;
  readonly label: HTMLElement;
}

export class Timeline {
  readonly #figure = find("timeline-figure", HTMLElement);
  readonly #chart = find("timeline", HTMLElement);
  readonly #axis = find("timeline-axis", HTMLElement);
  readonly #legend = find("timeline-legend", HTMLUListElement);
  readonly #table = find("timeline-table", HTMLTableElement);
  readonly #moment = find("moment", HTMLElement);
  readonly #player: Player;
  #passages: readonly PredictedPassage[] = [];
  /** The passages that are drawn, and where. */
  #drawn: readonly PredictedPassage[] = [];
  #place = "";
  #bars = makeSvg("svg", {});
  #names = make("div");
  #lastRun: Run | undefined;
  #begin = 0;
  #length = 1;
  #chosen: PredictedPassage | undefined;

  constructor(player: Player) {
    this.#player = player;
    this.#chart.addEventListener("keydown", (event) => this.#press(event));
    this.#chart.addEventListener("pointermove", ({ clientX }) => {
      const { left, width } = this.#chart.getBoundingClientRect();
      this.showMoment(this.at(this.#begin + (this.#length * (clientX - left)) / width));
    });
    this.#chart.addEventListener("pointerleave", () => this.showMoment(undefined));
  }

  /**
   * @param length length of the chart in seconds; the part of missing windows is empty
   * @param begin beginning of the chart in seconds
   */
  show(passages: readonly PredictedPassage[], length: number, begin = 0): void {
    this.#passages = passages;
    this.#begin = begin;
    this.#length = length;
    this.#figure.hidden = passages.length === 0;
    const place = `${begin} ${length}`;
    const isSame = place === this.#place && this.#drawn.every((each, at) => each === passages[at]);
    if (!isSame || this.#drawn.length === 0) this.#drawFrame(begin, length);
    this.#place = place;
    this.#append(passages.slice(this.#drawn.length), this.#drawn.at(-1));
    this.#drawn = [...passages];
    const isStill = this.#chosen && passages.includes(this.#chosen);
    this.showMoment(isStill ? this.#chosen : undefined);
  }

  clear(): void {
    this.show([], 1);
  }

  /** The window whose centre is nearest to a time in seconds. */
  at(time: number): PredictedPassage | undefined {
    const distance = ({ start, end }: PredictedPassage): number =>
      Math.abs((start + end) / 2 - time);
    return this.#passages.reduce<PredictedPassage | undefined>(
      (best, each) => (best && distance(best) <= distance(each) ? best : each),
      undefined,
    );
  }

  /** Shows the emotion of a window as text. */
  showMoment(passage: PredictedPassage | undefined): void {
    this.#chosen = passage;
    const text = passage ? `${span(passage)}: ${inWords(passage)}` : "";
    const { hasSound } = this.#player;
    this.#moment.textContent = text || (hasSound ? views.timelineHint : views.timelineHintOfLive);
    this.#chart.ariaLabel = hasSound ? views.timelineName : views.timelineNameOfLive;
    const place = passage ? this.#passages.indexOf(passage) : 0;
    this.#chart.ariaValueMax = String(Math.max(0, this.#passages.length - 1));
    this.#chart.ariaValueNow = String(Math.max(0, place));
    this.#chart.ariaValueText = text || views.timelineLabel(this.#passages.length);
  }

  #press(event: KeyboardEvent): void {
    const last = this.#passages.length - 1;
    const place = this.#chosen ? this.#passages.indexOf(this.#chosen) : -1;
    const places: Readonly<Record<string, number>> = {
      ArrowRight: place + 1,
      ArrowUp: place + 1,
      ArrowLeft: place - 1,
      ArrowDown: place - 1,
      Home: 0,
      End: last,
    };
    const wanted = places[event.key];
    if (wanted !== undefined) this.showMoment(this.#passages[Math.max(0, Math.min(last, wanted))]);
    else if (event.key === "Enter" || event.key === " ")
      this.#player.playFrom(this.#chosen?.start ?? 0);
    else return;
    event.preventDefault();
  }

  /** An empty chart. */
  #drawFrame(begin: number, length: number): void {
    this.#drawn = [];
    this.#lastRun = undefined;
    this.#bars = makeSvg("svg", {
      viewBox: `${begin} 0 ${length} 1`,
      preserveAspectRatio: "none",
      "aria-hidden": "true", // the slider around it and the table have its content
    });
    this.#names = make("div", { className: "names", ariaHidden: "true" });
    const cursor = make("div", { className: "cursor", hidden: true });
    this.#chart.replaceChildren(this.#bars, this.#names, cursor);
    this.#axis.replaceChildren(axis(begin, length));
    this.#legend.replaceChildren();
    this.#table.replaceChildren(make("thead", {}, headings()), make("tbody"));
  }

  /** Adds windows; drawing all of a long clip again each time would stop the page. */
  #append(added: readonly PredictedPassage[], before: PredictedPassage | undefined): void {
    added.forEach((passage, index) => {
      const part = stretch(passage, index === 0 ? before : added[index - 1]);
      this.#bars.append(...bars(part));
      this.#name(part);
    });
    this.#table.tBodies[0]!.append(...added.map(tableRow));
    const known = added.find(({ predicted }) => predicted)?.predicted?.results;
    if (known && this.#legend.childElementCount === 0) {
      this.#legend.replaceChildren(...legend(known.map(({ emotionType }) => emotionType)));
    }
  }

  /** One label for each run of windows with the same winner; the style sheet hides narrow texts. */
  #name({ passage, from, to }: Stretch): void {
    const name = winnerIn(passage);
    const run = this.#lastRun;
    if (run)
      run.label.style.width = `${(100 * ((run.name === name ? to : from) - run.from)) / this.#length}%`;
    if (run?.name === name) return;
    const label = make("span", { title: name }, make("b", {}, name));
    label.style.left = `${(100 * (from - this.#begin)) / this.#length}%`;
    label.style.width = `${(100 * (to - from)) / this.#length}%`;
    this.#names.append(label);
    this.#lastRun = { name, from, label };
  }
}

/** The part of the chart begins midway between the centres of this window and of the one before. */
function stretch(passage: PredictedPassage, before: PredictedPassage | undefined): Stretch {
  const middle = (passage.start + passage.end) / 2;
  const half = before ? (middle - (before.start + before.end) / 2) / 2 : middle - passage.start;
  return { passage, from: middle - half, to: passage.end };
}

/** Stacked probabilities; later windows cover the ends of earlier ones. */
function bars({ passage, from, to }: Stretch): SVGRectElement[] {
  let y = 1;
  return (passage.predicted?.results ?? []).map(({ prediction }, series) => {
    y -= prediction;
    const box = { x: from, y, width: to - from, height: prediction, "data-series": series };
    return makeSvg("rect", box);
  });
}

function headings(): HTMLTableRowElement {
  const titles = [views.time, views.emotion, views.probability];
  return make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)));
}

function tableRow(passage: PredictedPassage): HTMLTableRowElement {
  if (!passage.predicted) return makeRow(span(passage), views.silence, "");
  const { prediction } = winnerOf(passage.predicted);
  return makeRow(span(passage), winnerIn(passage), format.percent(prediction));
}

function span({ start, end }: PredictedPassage): string {
  return `${format.clock(start)}–${format.clock(end)}`;
}

function winnerIn({ predicted }: PredictedPassage): string {
  return predicted ? emotionName(winnerOf(predicted).emotionType) : views.silence;
}

function inWords(passage: PredictedPassage): string {
  if (!passage.predicted) return views.silence;
  const { prediction } = winnerOf(passage.predicted);
  return `${winnerIn(passage)}, ${format.percent(prediction)}`;
}

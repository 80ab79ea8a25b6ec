/** Shows emotions over time: a chart of stacked probabilities with labels, and a table. */

import type { PredictedPassage } from "../../analysis.js";
import { find, make, makeRow, makeSvg } from "../../dom.js";
import { format, views } from "../../strings.js";
import { winnerOf } from "../bars.js";

/** A window and its part of the chart, in seconds. */
interface Stretch {
  readonly passage: PredictedPassage;
  readonly from: number;
  readonly to: number;
}

export class Timeline {
  readonly #figure = find("timeline-figure", HTMLElement);
  readonly #chart = find("timeline", HTMLElement);
  readonly #table = find("timeline-table", HTMLTableElement);
  readonly #moment = find("moment", HTMLElement);
  #passages: readonly PredictedPassage[] = [];

  /**
   * @param length length of the chart in seconds; the part of missing windows is empty
   * @param begin beginning of the chart in seconds
   */
  show(passages: readonly PredictedPassage[], length: number, begin = 0): void {
    this.#passages = passages;
    this.#figure.hidden = passages.length === 0;
    const stretches = passages.map((passage, index) => stretch(passage, passages[index - 1]));
    this.#chart.replaceChildren(
      chart(stretches, begin, length),
      names(stretches, begin, length),
      make("div", { className: "cursor", hidden: true }),
    );
    this.#fillTable();
    this.showMoment(undefined);
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
    this.#moment.textContent = passage ? `${span(passage)}: ${inWords(passage)}` : "";
  }

  #fillTable(): void {
    this.#table.replaceChildren(
      make("thead", {}, headings()),
      make("tbody", {}, ...this.#passages.map(tableRow)),
    );
  }
}

/** The part of the chart begins midway between the centres of this window and of the one before. */
function stretch(passage: PredictedPassage, before: PredictedPassage | undefined): Stretch {
  const middle = (passage.start + passage.end) / 2;
  const half = before ? (middle - (before.start + before.end) / 2) / 2 : middle - passage.start;
  return { passage, from: middle - half, to: passage.end };
}

function chart(stretches: readonly Stretch[], begin: number, length: number): SVGSVGElement {
  const svg = makeSvg("svg", {
    viewBox: `${begin} 0 ${length} 1`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": views.timelineLabel(stretches.length),
  });
  // Later windows cover the ends of earlier ones.
  for (const { passage, from, to } of stretches) {
    let y = 1;
    (passage.predicted?.results ?? []).forEach(({ prediction }, series) => {
      y -= prediction;
      const box = { x: from, y, width: to - from, height: prediction, "data-series": series };
      svg.append(makeSvg("rect", box));
    });
  }
  return svg;
}

/** One label for each run of windows with the same winner. */
function names(stretches: readonly Stretch[], begin: number, length: number): HTMLElement {
  const runs: { name: string; from: number; to: number }[] = [];
  stretches.forEach(({ passage, from, to }, index) => {
    const until = stretches[index + 1]?.from ?? to;
    const name = passage.predicted ? winnerOf(passage.predicted).emotionType : views.silence;
    const last = runs.at(-1);
    if (last?.name === name) last.to = until;
    else runs.push({ name, from, to: until });
  });
  const row = make("div", { className: "names", ariaHidden: "true" });
  for (const { name, from, to } of runs) {
    const label = make("span", { title: name }, name);
    label.style.insetInlineStart = `${(100 * (from - begin)) / length}%`;
    label.style.inlineSize = `${(100 * (to - from)) / length}%`;
    row.append(label);
  }
  return row;
}

function headings(): HTMLTableRowElement {
  const titles = [views.time, views.emotion, views.probability];
  return make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)));
}

function tableRow(passage: PredictedPassage): HTMLTableRowElement {
  if (!passage.predicted) return makeRow(span(passage), views.silence, "");
  const { emotionType, prediction } = winnerOf(passage.predicted);
  return makeRow(span(passage), emotionType, format.percent(prediction));
}

function span({ start, end }: PredictedPassage): string {
  return `${format.clock(start)}–${format.clock(end)}`;
}

function inWords({ predicted }: PredictedPassage): string {
  if (!predicted) return views.silence;
  const { emotionType, prediction } = winnerOf(predicted);
  return `${emotionType}, ${format.percent(prediction)}`;
}

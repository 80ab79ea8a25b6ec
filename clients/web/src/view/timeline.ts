/** Emotions over time: stacked probabilities, the winners named below, and the same as a table. */

import type { HeardPassage } from "../analysis.js";
import { find, make, makeRow, makeSvg } from "../dom.js";
import { format, views } from "../strings.js";
import { winnerOf } from "./bars.js";

/** A window, and the stretch of the chart that it fills, in seconds. */
interface Stretch {
  readonly passage: HeardPassage;
  readonly from: number;
  readonly to: number;
}

export class Timeline {
  readonly #figure = find("timeline-figure", HTMLElement);
  readonly #chart = find("timeline", HTMLElement);
  readonly #table = find("timeline-table", HTMLTableElement);
  readonly #moment = find("moment", HTMLElement);
  #passages: readonly HeardPassage[] = [];

  /**
   * @param length of the whole chart, seconds; windows that are still to come leave it empty
   * @param begin of the chart, seconds
   */
  show(passages: readonly HeardPassage[], length: number, begin = 0): void {
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

  /** The window whose middle is nearest to a time, in seconds. */
  at(time: number): HeardPassage | undefined {
    const distance = ({ start, end }: HeardPassage): number => Math.abs((start + end) / 2 - time);
    return this.#passages.reduce<HeardPassage | undefined>(
      (best, each) => (best && distance(best) <= distance(each) ? best : each),
      undefined,
    );
  }

  /** Says in words what is heard in a window. */
  showMoment(passage: HeardPassage | undefined): void {
    this.#moment.textContent = passage ? `${span(passage)}: ${inWords(passage)}` : "";
  }

  #fillTable(): void {
    this.#table.replaceChildren(
      make("thead", {}, headings()),
      make("tbody", {}, ...this.#passages.map(tableRow)),
    );
  }
}

/** From where the window before it ends being the nearest to its own middle. */
function stretch(passage: HeardPassage, before: HeardPassage | undefined): Stretch {
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
    (passage.heard?.results ?? []).forEach(({ prediction }, series) => {
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
    const name = passage.heard ? winnerOf(passage.heard).emotionType : views.silence;
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

function tableRow(passage: HeardPassage): HTMLTableRowElement {
  if (!passage.heard) return makeRow(span(passage), views.silence, "");
  const { emotionType, prediction } = winnerOf(passage.heard);
  return makeRow(span(passage), emotionType, format.percent(prediction));
}

function span({ start, end }: HeardPassage): string {
  return `${format.clock(start)}–${format.clock(end)}`;
}

function inWords({ heard }: HeardPassage): string {
  if (!heard) return views.silence;
  const { emotionType, prediction } = winnerOf(heard);
  return `${emotionType}, ${format.percent(prediction)}`;
}

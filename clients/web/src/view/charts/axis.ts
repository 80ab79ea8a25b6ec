/** The time axis of a chart, and the legend of its colours. */

import { make } from "../../dom.js";
import { emotionName, format } from "../../strings/index.js";

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300]; // seconds
const MOST_TICKS = 6;
/** A tick further right would have its text outside of the chart. */
const LAST_TICK = 0.92; // of the length

/**
 * Times below a chart.
 *
 * @param begin beginning of the chart in seconds
 * @param length length of the chart in seconds
 */
export function axis(begin: number, length: number): HTMLElement {
  const step = STEPS.find((each) => length / each <= MOST_TICKS) ?? STEPS.at(-1)!;
  const row = make("div", { className: "axis", ariaHidden: "true" });
  for (
    let time = Math.ceil(begin / step) * step;
    time <= begin + LAST_TICK * length;
    time += step
  ) {
    const tick = make("span", {}, format.clock(time));
    tick.style.left = `${(100 * (time - begin)) / length}%`;
    row.append(tick);
  }
  return row;
}

/** The names of the emotions beside their colours. */
export function legend(emotions: readonly string[]): HTMLElement[] {
  return emotions.map((emotion, series) => {
    const item = make("li", {}, make("span", { className: "swatch" }), emotionName(emotion));
    item.dataset["series"] = String(series);
    return item;
  });
}

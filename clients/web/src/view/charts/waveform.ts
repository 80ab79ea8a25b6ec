/** Draws the waveform as one path that scales with the page. */

import { duration, type Sound } from "../../clip.js";
import { make, makeSvg } from "../../dom.js";
import { views } from "../../strings/index.js";

const COLUMNS = 800;

/** @param container its content is replaced */
export function drawWaveform(container: HTMLElement, sound: Sound): void {
  const svg = makeSvg("svg", {
    viewBox: `0 -1 ${COLUMNS} 2`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": views.waveformLabel(duration(sound)),
  });
  svg.append(makeSvg("path", { d: outline(sound.channels) }));
  container.replaceChildren(svg, make("div", { className: "cursor", hidden: true }));
}

/** A closed line along the highest samples of the columns and back along the lowest. */
function outline(channels: Sound["channels"]): string {
  const { length } = channels[0]!;
  const columns = Array.from({ length: COLUMNS }, (_, column) => {
    const start = Math.floor((column * length) / COLUMNS);
    const end = Math.max(start + 1, Math.floor(((column + 1) * length) / COLUMNS));
    return extremes(channels.map((samples) => samples.subarray(start, end)));
  });
  const loudest = Math.max(0.05, ...columns.map(([low, high]) => Math.max(-low, high)));
  const line = (side: 0 | 1): string[] =>
    columns.map((column, x) => `${x} ${(-column[side] / loudest).toFixed(3)}`);
  return `M${[...line(1), ...line(0).reverse()].join("L")}Z`;
}

function extremes(parts: readonly Float32Array[]): [low: number, high: number] {
  let low = 0;
  let high = 0;
  for (const samples of parts) {
    for (const sample of samples) {
      low = Math.min(low, sample);
      high = Math.max(high, sample);
    }
  }
  return [low, high];
}

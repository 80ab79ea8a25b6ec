/** Writes the clips of the list as CSV and as JSON. */

import type { Entry, Outcome } from "./entry.js";

const COLUMNS = ["file", "seconds", "network", "emotion", "doubt", "warning", "error"] as const;
/** A spreadsheet would compute a cell that starts with one of these. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * A row for each clip that was analysed or failed. `emotion` is empty if the network warns; a label
 * that a network does not know has an empty cell.
 */
export function asCsv(entries: readonly Entry[]): string {
  const found = finished(entries);
  const results = found.map(({ outcome }) => outcome?.overall.results ?? []);
  const labels = [...new Set(results.flat().map(({ emotionType }) => emotionType))];
  const rows = found.map((entry, index) => {
    const shares = new Map(results[index]!.map((each) => [each.emotionType, each.prediction]));
    const texts = cells(entry);
    return [
      ...COLUMNS.map((column) => quoted(safe(texts[column]))),
      ...labels.map((label) => shares.get(label)?.toFixed(6) ?? ""),
    ];
  });
  const head = [...COLUMNS, ...labels].map((name) => quoted(safe(name)));
  return [head, ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

export function asJson(entries: readonly Entry[]): string {
  const clips = finished(entries).map((entry) => {
    const { outcome, source, seconds } = entry;
    if (!outcome) return { file: source.name, seconds, error: errorOf(entry) };
    const { results, warning } = outcome.overall;
    const timeline = outcome.passages.map(({ start, end, predicted }) => ({
      start,
      end,
      results: predicted?.results ?? null, // silence
    }));
    return {
      file: source.name,
      seconds,
      network: outcome.network,
      emotion: emotionOf(outcome) || null,
      doubt: entry.doubt,
      results,
      ...(warning && { warning }),
      ...(timeline.length > 0 && { timeline }),
    };
  });
  return `${JSON.stringify({ clips }, undefined, 2)}\n`;
}

function finished(entries: readonly Entry[]): Entry[] {
  return entries.filter(({ state }) => state.kind === "done" || state.kind === "failed");
}

function cells(entry: Entry): Record<(typeof COLUMNS)[number], string> {
  const { outcome, source, seconds } = entry;
  return {
    file: source.name,
    seconds: seconds?.toFixed(3) ?? "",
    network: outcome?.network ?? "",
    emotion: outcome ? emotionOf(outcome) : "",
    doubt: entry.doubt ?? "",
    warning: outcome?.overall.warning?.code ?? "",
    error: errorOf(entry),
  };
}

/** The most probable label; empty if the network warns. */
function emotionOf({ overall: { results, warning } }: Outcome): string {
  if (warning) return "";
  return results.reduce((best, each) => (each.prediction > best.prediction ? each : best))
    .emotionType;
}

function errorOf({ state }: Entry): string {
  return state.kind === "failed" ? state.fault.kind : "";
}

function safe(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

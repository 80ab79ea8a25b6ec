/** Writes the clips of the list as CSV and as JSON. */

import { winnerOf } from "../engine/judgement.js";
import type { Entry, Outcome } from "./entry.js";

/** Without it Excel takes UTF-8 for another encoding. */
const BYTE_ORDER_MARK = "\uFEFF";
const COLUMNS = ["file", "seconds", "network", "emotion", "doubt", "warning", "error"] as const;
/** A spreadsheet would compute a cell that starts with one of these. */
const FORMULA = /^[=+\-@\t\r\n]/;

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
      ...COLUMNS.map((column) => texts[column]),
      ...labels.map((label) => shares.get(label)?.toFixed(6) ?? ""),
    ];
  });
  const lines = [[...COLUMNS, ...labels], ...rows].map((row) => row.map(quoted).join(","));
  return BYTE_ORDER_MARK + lines.map((line) => `${line}\r\n`).join("");
}

export function asJson(entries: readonly Entry[]): string {
  const clips = finished(entries).map((entry) => {
    const { outcome, source, seconds } = entry;
    const error = errorOf(entry);
    if (!outcome) return { file: source.name, seconds, error };
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
      ...(error && { error }), // of the prediction that came after this one
    };
  });
  return `${JSON.stringify({ clips }, undefined, 2)}\n`;
}

function finished(entries: readonly Entry[]): Entry[] {
  return entries.filter(({ state, outcome }) => outcome || state.kind === "failed");
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
function emotionOf({ overall }: Outcome): string {
  return overall.warning ? "" : winnerOf(overall).emotionType;
}

function errorOf({ state }: Entry): string {
  return state.kind === "failed" ? state.fault.kind : "";
}

/** A cell that no spreadsheet computes. */
function quoted(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

/** The texts of the page in the language of the document, which first.ts chooses. */

import { clock } from "./clock.js";
import type * as english from "./english.js";

/**
 * A language without one of the English texts does not compile.
 *
 * The page waits for this file, so that it may import nothing that the page imports too.
 */
const texts: typeof english =
  document.documentElement.lang === "de"
    ? await import("./german.js")
    : await import("./english.js");

export const {
  action,
  apiKey,
  clips,
  device,
  faults,
  input,
  language,
  log,
  named,
  network,
  repeat,
  retryAfter,
  samples,
  status,
  trust,
  views,
  voice,
  warningTitle,
  why,
} = texts;

export const format = { ...texts.format, clock };

/** By the code of the warning. */
export const warnings = byName(texts.warnings);
export const result = { ...texts.result, doubts: byName(texts.doubts) };

const EMOTIONS = byName(texts.emotions);

/** The emotion of a label, as an adjective. */
export function emotionName(label: string): string {
  return EMOTIONS.get(label) ?? label;
}

/** Texts for names that come from the server; an object also has members that it inherits. */
function byName(known: Record<string, string>): ReadonlyMap<string, string> {
  return new Map(Object.entries(known));
}

/** The text at a path such as `page.title`, which index.html names. */
export function textAt(path: string): string {
  return String(
    path.split(".").reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], texts),
  );
}

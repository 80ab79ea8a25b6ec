/** How good a network is: its recall on the recordings of several corpora. */

import { isShare } from "./answers.js";

/** The recall on one corpus; all shares are from 0 to 1. */
export interface CorpusRecall {
  readonly name: string;
  readonly uar: number;
  /** The recall of guessing among the emotions of the corpus. */
  readonly chance: number;
  /** With prosody and a baseline of ten clips. */
  readonly baselineUar?: number | null;
  /** The recall of people on these recordings, if it is known. */
  readonly listeners?: number | null;
}

/** Unweighted average recall, the mean over corpora; with prosody where the network uses it. */
export interface Recall extends Omit<CorpusRecall, "name" | "listeners"> {
  readonly corpora: readonly CorpusRecall[];
}

const MOST_CORPORA = 100;
const LONGEST_NAME = 100;

/** Whether the value is a recall, or says that there is none. */
export function isRecall(value: unknown): value is Recall | null | undefined {
  if (value === undefined || value === null) return true;
  const { corpora } = value as { readonly corpora?: unknown };
  return (
    hasShares(value) &&
    Array.isArray(corpora) &&
    corpora.length > 0 &&
    corpora.length <= MOST_CORPORA &&
    corpora.every(isOfCorpus)
  );
}

function isOfCorpus(value: unknown): boolean {
  const { name, listeners } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const isName = typeof name === "string" && name.length <= LONGEST_NAME;
  return isName && hasShares(value) && isKnownShare(listeners);
}

function hasShares(value: unknown): boolean {
  const { uar, chance, baselineUar } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return isShare(uar) && isShare(chance) && isKnownShare(baselineUar);
}

function isKnownShare(value: unknown): boolean {
  return value === undefined || value === null || isShare(value);
}

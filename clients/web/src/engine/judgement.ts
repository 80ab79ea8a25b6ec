/** What a prediction says, in one sentence that follows its doubt. */

import type { Prediction } from "speech-emotion-extractor";

import type { PredictedPassage } from "../analysis.js";

/** If the two highest probabilities differ by less, or the highest is lower, it is unclear. */
const CLEAR_LEAD = 0.1;
const LIKELY = 0.5;
const SURE = 0.8;
/** A clip is mixed if its most frequent emotion wins fewer windows, or another one that many. */
const MOST_WINDOWS = 0.6;
const MANY_WINDOWS = 0.25;
const LEAST_WINDOWS = 3;
const MOST_NAMES = 3;

/** The texts of a language that a headline needs. */
export interface Words {
  readonly clear: (emotion: string) => string;
  readonly likely: (emotion: string) => string;
  readonly unclear: (first: string, second: string) => string;
  readonly mixed: (emotions: readonly string[]) => string;
  readonly doubt: string;
  /** By the code of the warning. */
  readonly doubts: ReadonlyMap<string, string>;
  /** The emotion of a label. */
  readonly nameOf: (label: string) => string;
}

type Result = Prediction["results"][number];

/** How sure a prediction is; a network warns of foreign input. */
export type Doubt = "clear" | "likely" | "unclear" | "mixed" | "warned";

/**
 * The sentence for a prediction.
 *
 * @param passages the windows of the clip, if there are some
 */
export function sentence(
  words: Words,
  prediction: Prediction,
  passages: readonly PredictedPassage[] = [],
): string {
  const [name, other] = ranked(prediction).map(({ emotionType }) => words.nameOf(emotionType));
  switch (doubtOf(prediction, passages)) {
    case "warned":
      return words.doubts.get(prediction.warning?.code ?? "") ?? words.doubt;
    case "mixed":
      return words.mixed(emotionsIn(passages).map(words.nameOf));
    case "unclear":
      return words.unclear(name!, other!);
    case "likely":
      return words.likely(name!);
    case "clear":
      return words.clear(name!);
  }
}

/** @param passages the windows of the clip, if there are some */
export function doubtOf(prediction: Prediction, passages: readonly PredictedPassage[] = []): Doubt {
  if (prediction.warning) return "warned";
  if (emotionsIn(passages).length > 0) return "mixed";
  const [first, second] = ranked(prediction);
  const lead = first.prediction - second.prediction;
  if (lead < CLEAR_LEAD || first.prediction < LIKELY) return "unclear";
  return first.prediction < SURE ? "likely" : "clear";
}

/** The emotions of a mixed clip, in the order in which they occur; none of another. */
export function emotionsIn(passages: readonly PredictedPassage[]): string[] {
  const winners = passages.flatMap(({ predicted }) =>
    predicted && !predicted.warning ? winnerOf(predicted).emotionType : [],
  );
  const counts = new Map<string, number>();
  for (const winner of winners) counts.set(winner, (counts.get(winner) ?? 0) + 1);
  const ordered = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST_NAMES);
  const [first = 0, second = 0] = ordered.map(([, count]) => count / winners.length);
  if (winners.length < LEAST_WINDOWS || second === 0) return [];
  if (first >= MOST_WINDOWS && second < MANY_WINDOWS) return [];
  const frequent = ordered.map(([emotion]) => emotion);
  return [...counts.keys()].filter((emotion) => frequent.includes(emotion));
}

/** The two most probable emotions. */
export function ranked({ results }: Prediction): [Result, Result] {
  const [first, second] = [...results].sort((a, b) => b.prediction - a.prediction);
  return [first!, second ?? first!];
}

/** The most probable emotion. */
export function winnerOf(prediction: Prediction): Result {
  return ranked(prediction)[0];
}

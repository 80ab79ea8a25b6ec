/** What a prediction says, in one sentence that follows its doubt. */

import type { Prediction } from "speech-emotion-extractor";

import type { PredictedPassage } from "../analysis.js";
import { emotionName, result } from "../strings/index.js";

/** If the two highest probabilities differ by less, or the highest is lower, it is unclear. */
const CLEAR_LEAD = 0.1;
const LIKELY = 0.5;
const SURE = 0.8;
/** A clip is mixed if its most frequent emotion wins fewer windows, or another one that many. */
const MOST_WINDOWS = 0.6;
const MANY_WINDOWS = 0.25;
const LEAST_WINDOWS = 3;
const MOST_NAMES = 3;

type Result = Prediction["results"][number];

/**
 * The sentence for a prediction.
 *
 * @param passages the windows of the clip, if there are some
 */
export function headline(
  prediction: Prediction,
  passages: readonly PredictedPassage[] = [],
): string {
  const { warning } = prediction;
  if (warning) return result.doubts.get(warning.code) ?? result.doubt;
  const several = emotionsIn(passages);
  if (several.length > 0) return result.mixed(several.map(emotionName));
  const [first, second] = ranked(prediction);
  const [name, other] = [emotionName(first.emotionType), emotionName(second.emotionType)];
  const lead = first.prediction - second.prediction;
  if (lead < CLEAR_LEAD || first.prediction < LIKELY) return result.unclear(name, other);
  return first.prediction < SURE ? result.likely(name) : result.clear(name);
}

/** The emotions of a mixed clip, in the order in which they occur; none of another. */
function emotionsIn(passages: readonly PredictedPassage[]): string[] {
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
function ranked({ results }: Prediction): [Result, Result] {
  const [first, second] = [...results].sort((a, b) => b.prediction - a.prediction);
  return [first!, second ?? first!];
}

/** The most probable emotion. */
export function winnerOf(prediction: Prediction): Result {
  return ranked(prediction)[0];
}

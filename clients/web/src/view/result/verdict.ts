/** What a prediction says, in one sentence that follows its doubt. */

import type { Prediction } from "speech-emotion-extractor";

import type { PredictedPassage } from "../../analysis.js";
import { sentence } from "../../engine/judgement.js";
import { emotionName, result } from "../../strings/index.js";

export { doubtOf, emotionsIn, ranked, winnerOf, type Doubt } from "../../engine/judgement.js";

const WORDS = { ...result, nameOf: emotionName };

/**
 * The sentence for a prediction.
 *
 * @param passages the windows of the clip, if there are some
 */
export function headline(
  prediction: Prediction,
  passages: readonly PredictedPassage[] = [],
): string {
  return sentence(WORDS, prediction, passages);
}

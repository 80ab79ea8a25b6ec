/** Which of several networks is the best. */

import type { Network } from "speech-emotion-extractor";

/** Sorts the best network first: a recall on other corpora counts more than one on new speakers. */
export function isBetter(a: Network, b: Network): number {
  const measured = Number(b.otherCorpora !== null) - Number(a.otherCorpora !== null);
  return measured || recallOf(b) - recallOf(a);
}

function recallOf({ otherCorpora, speakerIndependentUar }: Network): number {
  return otherCorpora?.uar ?? speakerIndependentUar;
}

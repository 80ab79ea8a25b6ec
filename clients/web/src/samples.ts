/** Clips to try without a microphone. Each is loaded when it is chosen. */

import { Fault } from "./faults.js";
import { samples as words } from "./strings/index.js";

const ADDRESSES = {
  calm: new URL("./samples/calm.flac", import.meta.url).href,
  angry: new URL("./samples/angry.flac", import.meta.url).href,
  happy: new URL("./samples/happy.flac", import.meta.url).href,
} as const;

type Sample = keyof typeof ADDRESSES;

/** @param choose is called with a function that loads the chosen clip */
export function offerSamples(choose: (load: () => Promise<File>) => void): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-sample]")) {
    const sample = button.dataset["sample"] as Sample;
    button.addEventListener("click", () => choose(() => load(sample)));
  }
}

/** @throws Fault of kind "away" */
async function load(sample: Sample): Promise<File> {
  try {
    const answer = await fetch(ADDRESSES[sample]);
    if (!answer.ok) throw new Error(`${answer.status} for ${answer.url}`);
    return new File([await answer.blob()], words.file(words.names[sample]));
  } catch (error) {
    throw new Fault({ kind: "away", detail: String(error) });
  }
}

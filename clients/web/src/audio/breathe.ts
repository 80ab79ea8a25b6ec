/** Long loops over samples pause, so that the page stays responsive. */

const LONGEST_MS = 20;
/** Samples between two looks at the clock. */
const STRIDE = 1 << 18;

/** Lets the page handle events and draw. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/**
 * Works through `length` samples in strides, with pauses.
 *
 * @param work handles the samples from the first index to before the second; true ends it
 */
export async function inStrides(
  length: number,
  work: (from: number, to: number) => boolean | void,
): Promise<void> {
  let begin = performance.now();
  for (let from = 0; from < length; from += STRIDE) {
    if (work(from, Math.min(length, from + STRIDE))) return;
    if (performance.now() < begin + LONGEST_MS) continue;
    await breathe();
    begin = performance.now();
  }
}

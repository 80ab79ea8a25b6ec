/** Draws the MFCC frames as a heat map: one pixel per coefficient, scaled by the style sheet. */

import type { Features } from "speech-emotion-extractor";

/** Five colours of Viridis, which has uniform lightness and suits colour-blind readers. */
const COLOURS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
] as const;
/** Range of the colours: standard deviations on each side of a row's mean. */
const SPAN = 2.5;

export function drawHeatmap(canvas: HTMLCanvasElement, features: Features): void {
  const { frames, frameCount } = features;
  const coefficients = features.mfccs.length;
  canvas.width = frameCount;
  canvas.height = coefficients;
  const image = new ImageData(frameCount, coefficients);
  for (let coefficient = 0; coefficient < coefficients; coefficient++) {
    const row = Array.from(
      { length: frameCount },
      (_, t) => frames[t * coefficients + coefficient]!,
    );
    const y = coefficients - 1 - coefficient;
    standardised(row).forEach((value, x) => {
      image.data.set([...colour((value + SPAN) / (2 * SPAN)), 255], 4 * (y * frameCount + x));
    });
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/** Standardises each row, because the first coefficients are much larger than the others. */
function standardised(row: readonly number[]): number[] {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  const deviation = Math.sqrt(variance) || 1;
  return row.map((value) => (value - mean) / deviation);
}

function colour(level: number): number[] {
  const place = Math.max(0, Math.min(1, level)) * (COLOURS.length - 1);
  const index = Math.min(COLOURS.length - 2, Math.floor(place));
  const [from, to] = [COLOURS[index]!, COLOURS[index + 1]!];
  return from.map((value, channel) => value + (to[channel]! - value) * (place - index));
}

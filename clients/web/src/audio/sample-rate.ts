/** Reads a file's sample rate and length from its header. */

import { Fault } from "../faults.js";

/** Used if the header has no rate; most compressed audio has this rate or a similar one. */
const USUAL_RATE = 48_000;
/** The range that every browser's decoder supports. */
const LOWEST_RATE = 8_000;
const HIGHEST_RATE = 96_000;

export interface Header {
  /** Sample rate in Hz at which a decoder need not resample the file, or only a little. */
  readonly sampleRate: number;
  /** Seconds, if the header contains the length. */
  readonly duration: number | undefined;
}

/** @throws Fault of kind "away" if the parser cannot be loaded from the server */
export async function readHeader(file: Blob): Promise<Header> {
  const { parseBlob } = await loadParser();
  try {
    const { format } = await parseBlob(file, { skipCovers: true });
    return { sampleRate: decodable(format.sampleRate), duration: format.duration };
  } catch {
    return { sampleRate: USUAL_RATE, duration: undefined }; // the decoder may still read the file
  }
}

/** Loads the parser when the first file is opened. */
async function loadParser(): Promise<typeof import("music-metadata")> {
  try {
    return await import("music-metadata");
  } catch (error) {
    throw new Fault({ kind: "away", detail: String(error) });
  }
}

function decodable(rate: number | undefined): number {
  if (rate === undefined || !Number.isInteger(rate)) return USUAL_RATE;
  return rate >= LOWEST_RATE && rate <= HIGHEST_RATE ? rate : USUAL_RATE;
}

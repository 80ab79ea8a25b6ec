/** A file's own sample rate and length, from its header. */

import { Fault } from "../faults.js";

/** Where the header does not tell; nearly all compressed audio is made at this rate or near it. */
const USUAL_RATE = 48_000;
/** What every browser's decoder takes. */
const LOWEST_RATE = 8_000;
const HIGHEST_RATE = 96_000;

export interface Header {
  /** Hz, of a decoder that need not resample the file, or hardly. */
  readonly sampleRate: number;
  /** Seconds, if the header tells. */
  readonly duration: number | undefined;
}

/** @throws Fault of kind "away" where the server does not hand out the parser any more */
export async function readHeader(file: Blob): Promise<Header> {
  const { parseBlob } = await loadParser();
  try {
    const { format } = await parseBlob(file, { skipCovers: true });
    return { sampleRate: decodable(format.sampleRate), duration: format.duration };
  } catch {
    return { sampleRate: USUAL_RATE, duration: undefined }; // the decoder has the last word
  }
}

/** Needed only once there is a file. */
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

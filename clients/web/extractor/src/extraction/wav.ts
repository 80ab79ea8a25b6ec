/** Reads the server's reference clips; a browser's decoder would resample them. */

import { ExtractorError } from "../errors.js";

const FULL_SCALE = 32_768;
const PCM = 1;

/**
 * Reads 16-bit PCM from a RIFF/WAVE file.
 *
 * @returns samples in [-1, 1), the channels interleaved
 * @throws ExtractorError if the file has another format, sample rate or number of channels
 */
export function readWav(content: Uint8Array, sampleRate: number, channels = 1): Float32Array {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const format = findChunk(view, "fmt ");
  const kind = [0, 2, 4, 14].map((offset) =>
    offset === 4 ? format.getUint32(offset, true) : format.getUint16(offset, true),
  );
  const expected = [PCM, channels, sampleRate, 16];
  if (kind.join() !== expected.join()) {
    throw new ExtractorError(
      `The reference clip's format, channels, rate and bits are ${kind.join(", ")}; ` +
        `expected ${expected.join(", ")}.`,
    );
  }
  const data = findChunk(view, "data");
  return Float32Array.from(
    { length: data.byteLength >> 1 },
    (_, index) => data.getInt16(2 * index, true) / FULL_SCALE,
  );
}

function findChunk(view: DataView, wanted: string): DataView {
  let offset = 12; // after "RIFF", the size and "WAVE"
  while (offset + 8 <= view.byteLength) {
    const name = String.fromCharCode(...bytes(view, offset, 4));
    const size = view.getUint32(offset + 4, true);
    if (name === wanted && offset + 8 + size <= view.byteLength) {
      return new DataView(view.buffer, view.byteOffset + offset + 8, size);
    }
    offset += 8 + size + (size % 2); // chunks begin at even offsets
  }
  throw new ExtractorError(`The reference clip is not a WAVE file: it has no "${wanted}" chunk.`);
}

function bytes(view: DataView, offset: number, count: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, count);
}

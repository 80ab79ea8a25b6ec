/** Cuts long WAVE files into shorter ones. */

/** Seconds of a part. */
const PART = 10;
const RIFF_BYTES = 12;
const CHUNK_BYTES = 8;
const MOST_CHUNKS = 100;

interface Layout {
  /** The chunk that describes the samples. */
  readonly format: Blob;
  /** The samples. */
  readonly data: Blob;
  /** Hz */
  readonly rate: number;
  /** Bytes of one sample of all channels. */
  readonly block: number;
}

/**
 * The file in parts of ten seconds; only itself if it is short or no WAVE file.
 *
 * @param sampleRate at which it will be decoded; parts must not be resampled one by one
 */
export async function partsOf(file: Blob, sampleRate: number): Promise<Blob[]> {
  const layout = await layoutOf(file);
  if (layout?.rate !== sampleRate) return [file];
  const { format, data, block } = layout;
  const size = PART * sampleRate * block;
  if (!(size > 0) || data.size <= size) return [file];
  const parts: Blob[] = [];
  for (let start = 0; start + block <= data.size; start += size) {
    parts.push(waveFile(format, data.slice(start, start + size)));
  }
  return parts;
}

/** Undefined if it is no WAVE file. */
async function layoutOf(file: Blob): Promise<Layout | undefined> {
  const head = await viewOf(file, 0, RIFF_BYTES);
  if (textAt(head, 0) !== "RIFF" || textAt(head, 8) !== "WAVE") return undefined;
  let format: Blob | undefined;
  for (let offset = RIFF_BYTES, count = 0; count < MOST_CHUNKS; count++) {
    const chunk = await viewOf(file, offset, CHUNK_BYTES);
    if (chunk.byteLength < CHUNK_BYTES) return undefined;
    const size = chunk.getUint32(4, true);
    const end = offset + CHUNK_BYTES + size;
    if (textAt(chunk, 0) === "fmt ") format = file.slice(offset, end);
    if (textAt(chunk, 0) === "data" && format) {
      const view = await viewOf(format, CHUNK_BYTES, 16);
      if (view.byteLength < 16) return undefined;
      const data = file.slice(offset + CHUNK_BYTES, end);
      return { format, data, rate: view.getUint32(4, true), block: view.getUint16(12, true) };
    }
    offset = end + (size % 2); // chunks are padded
  }
  return undefined;
}

function waveFile(format: Blob, data: Blob): Blob {
  const size = new DataView(new ArrayBuffer(4));
  const sizeOf = (bytes: number): ArrayBuffer => {
    size.setUint32(0, bytes, true);
    return size.buffer.slice(0);
  };
  const riff = sizeOf(4 + format.size + CHUNK_BYTES + data.size);
  return new Blob(["RIFF", riff, "WAVE", format, "data", sizeOf(data.size), data]);
}

async function viewOf(file: Blob, start: number, length: number): Promise<DataView> {
  return new DataView(await file.slice(start, start + length).arrayBuffer());
}

function textAt(view: DataView, offset: number): string {
  if (view.byteLength < offset + 4) return "";
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(offset + index)));
}

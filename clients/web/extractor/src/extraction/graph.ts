/** Checks an ONNX file before the runtime opens it. */

import { ExtractorError } from "../errors.js";

/** The fields of each message of ONNX that lead to tensors: field number to message. */
const FIELDS = {
  model: { 7: "graph", 20: "training", 25: "function" },
  training: { 1: "graph", 2: "graph" },
  graph: { 1: "node", 5: "tensor", 15: "sparseTensor" },
  function: { 7: "node", 11: "attribute" },
  node: { 5: "attribute" },
  attribute: {
    5: "tensor",
    6: "graph",
    10: "tensor",
    11: "graph",
    22: "sparseTensor",
    23: "sparseTensor",
  },
  sparseTensor: { 1: "tensor", 2: "tensor" },
  tensor: {},
} as const;

type Message = keyof typeof FIELDS;

const METADATA = 14; // a field of the model
const EXTERNAL_DATA = 13; // fields of a tensor
const DATA_LOCATION = 14;
const DEEPEST = 100; // messages in each other; protobuf itself reads no more

/**
 * Refuses a graph with a tensor whose data is in another file.
 *
 * @throws ExtractorError also for a file that is not in the format of ONNX
 */
export function checkGraph(model: Uint8Array): void {
  const other = String.fromCharCode(...model.subarray(4, 8)) === "ORTM"; // ONNX Runtime's format
  if (other) throw notOnnx("it is in another format");
  check(new Reader(model), "model", 0);
}

function check(reader: Reader, message: Message, depth: number): void {
  if (depth > DEEPEST) throw notOnnx("its messages are nested too deeply");
  const fields: Readonly<Record<number, Message>> = FIELDS[message];
  while (!reader.atEnd) {
    const { field, number, content } = reader.next();
    if (message === "tensor") checkTensorField(field, number);
    const inner = fields[field];
    if (inner && content) check(content, inner, depth + 1);
  }
}

function checkTensorField(field: number, number: number): void {
  if (field === EXTERNAL_DATA || (field === DATA_LOCATION && number !== 0)) {
    throw new ExtractorError(
      "The extractor was not loaded: it reads other files. A speech emotion server's extractor " +
        "contains all its data.",
    );
  }
}

function notOnnx(reason: string): ExtractorError {
  return new ExtractorError(`The extractor cannot be started: it is not an ONNX file, ${reason}.`);
}

interface Field {
  readonly field: number;
  /** The value, if it is a whole number. */
  readonly number: number;
  /** The content, if it has a length. */
  readonly content?: Reader;
}

/** The metadata of an ONNX file, by key. */
export function readMetadata(model: Uint8Array): Map<string, string> {
  const metadata = new Map<string, string>();
  const reader = new Reader(model);
  while (!reader.atEnd) {
    const { field, content } = reader.next();
    if (field !== METADATA || !content) continue;
    const texts = new Map<number, string>();
    while (!content.atEnd) {
      const { field: part, content: text } = content.next();
      texts.set(part, text?.text ?? "");
    }
    metadata.set(texts.get(1) ?? "", texts.get(2) ?? "");
  }
  return metadata;
}

/** Reads the fields of one message in the format of Protocol Buffers. */
class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The whole content as UTF-8. */
  get text(): string {
    return new TextDecoder().decode(this.#bytes);
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  next(): Field {
    const tag = this.#varint();
    const field = Math.floor(tag / 8);
    if (field === 0 || tag >= 2 ** 32) throw notOnnx(`it has a field with the tag ${tag}`);
    switch (tag % 8) {
      case 0:
        return { field, number: this.#varint() };
      case 1:
        return (this.#take(8), { field, number: 1 });
      case 2:
        return { field, number: 1, content: new Reader(this.#take(this.#varint())) };
      case 5:
        return (this.#take(4), { field, number: 1 });
      default:
        throw notOnnx(`it has a field with the tag ${tag}`);
    }
  }

  #varint(): number {
    let value = 0;
    for (let place = 0; place < 10; place++) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) throw notOnnx("it ends too early");
      value += (byte & 127) * 128 ** place;
      if (byte < 128) return value;
    }
    throw notOnnx("it has a number of more than ten bytes");
  }

  #take(count: number): Uint8Array {
    const end = this.#offset + count;
    if (end > this.#bytes.length) throw notOnnx("it ends too early");
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }
}

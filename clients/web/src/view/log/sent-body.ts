/** What the body of a request contains, in words and number by number. */

import type { SentRequest } from "../../engine/messages.js";
import { log } from "../../strings/index.js";

export interface SentBody {
  /** Such as `130 × 25 MFCCs; 13.2 kB in binary`. */
  readonly summary: string;
  readonly hasBaseline: boolean;
  /** The JSON as it was sent, and then each number of its tensors. */
  text(): string;
}

type Sent = Pick<SentRequest, "body" | "tensors">;

/** @param sent with a body */
export function describeBody(sent: Sent): SentBody {
  return sent.tensors.length > 0 ? describeTensors(sent) : describeJson(sent.body);
}

interface Json {
  readonly mfccs?: Numbers;
  readonly prosody?: Numbers;
  readonly baseline?: object;
}

type Numbers = readonly number[] | readonly (readonly number[])[];

function describeJson(body: string): SentBody {
  const { mfccs, prosody, baseline } = JSON.parse(body) as Json;
  const parts = [
    ...(mfccs ? [log.mfccs(sizeOf(mfccs))] : []),
    ...(prosody ? [log.prosody(sizeOf(prosody))] : []),
    ...(baseline ? [log.baseline(String(countOf(baseline)))] : []),
  ];
  const summary = log.body(parts, body.length);
  return { summary, hasBaseline: baseline !== undefined, text: () => body };
}

/** Such as `25`, or `130 × 25` for rows. */
function sizeOf(numbers: Numbers): string {
  const [first] = numbers;
  return Array.isArray(first) ? size([numbers.length, first.length]) : size([numbers.length]);
}

function size(shape: readonly number[]): string {
  return shape.join(" × ");
}

/** The numbers in any JSON value. */
function countOf(value: unknown): number {
  if (typeof value === "number") return 1;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, each) => sum + countOf(each), 0);
}

/** A tensor as the JSON before it declares it. */
interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly parameters: { readonly binary_data_size: number };
}

const NAMES: ReadonlyMap<string, (size: string) => string> = new Map([
  ["frames", log.mfccs],
  ["prosody", log.prosody],
  ["baseline", log.baseline],
]);

function describeTensors({ body, tensors }: Sent): SentBody {
  const { inputs } = JSON.parse(body) as { readonly inputs: readonly Tensor[] };
  const parts = inputs.map(({ name, shape }) => NAMES.get(name)!(size(shape.slice(1))));
  return {
    summary: log.binaryBody(parts, body.length + tensors.length),
    hasBaseline: inputs.some(({ name }) => name === "baseline"),
    text: () => [body, ...numbersOf(inputs, tensors)].join("\n"),
  };
}

/** A heading for each tensor, and a line for each of its rows. */
function numbersOf(inputs: readonly Tensor[], tensors: Uint8Array): string[] {
  let offset = 0;
  return inputs.flatMap(({ name, shape, datatype, parameters }) => {
    const length = parameters.binary_data_size;
    const bytes = tensors.slice(offset, (offset += length)); // a copy is aligned
    const heading = log.tensor(name, size(shape), datatype, length);
    return [heading, ...rowsOf(new Float32Array(bytes.buffer), shape.at(-1)!)];
  });
}

function rowsOf(values: Float32Array, columns: number): string[] {
  return Array.from({ length: values.length / columns }, (_, row) =>
    Array.from(values.subarray(row * columns, (row + 1) * columns), written).join(" "),
  );
}

const DIGITS = [6, 7, 8]; // nine are enough for every float32

/** The fewest digits that are exactly this float32. */
function written(value: number): string {
  if (Object.is(value, -0)) return "-0";
  const texts = DIGITS.map((digits) => value.toPrecision(digits));
  const exact = texts.find((text) => Math.fround(Number(text)) === value) ?? value.toPrecision(9);
  return String(Number(exact));
}

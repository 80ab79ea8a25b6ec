/** Frames as binary tensors of the Open Inference Protocol, and the protocol's answer. */

import type { Baseline } from "../baseline.js";
import type { Features } from "../extraction/features.js";
import type { Prediction } from "../handshake/answers.js";
import type { Network } from "../handshake/handshake.js";
import { PROSODY_COLUMNS } from "../handshake/recordings.js";
import { takes } from "./members.js";

/** The header with the length of the JSON before the tensors. */
const JSON_BYTES = "Inference-Header-Content-Length";

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface BinaryRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The inference request for one clip, with what a network for frames can use. */
export function binaryRequest(
  network: Network,
  features: Features,
  baseline: Baseline | undefined,
): BinaryRequest {
  const tensors = tensorsOf(network, features, baseline);
  const text = JSON.stringify({
    inputs: tensors.map(declared),
    outputs: [probabilitiesOf(network)],
    parameters: { warning_details: true },
  });
  return {
    headers: { "Content-Type": "application/octet-stream", [JSON_BYTES]: String(text.length) },
    body: joined([new TextEncoder().encode(text), ...tensors.map(({ values }) => bytesOf(values))]),
  };
}

/**
 * The answer in the form of that of `POST /prediction`, to be checked like it.
 *
 * @throws TypeError if it is no such answer
 */
export function predictionDocument(answer: unknown): unknown {
  const { outputs, parameters } = answer as Answer;
  const data = new Map(outputs.map((output) => [output.name, output.data]));
  const results = data.get("probabilities")!.map(resultOf).sort(byEmotion);
  if (parameters?.warning === undefined) return { results };
  const { warning, warning_detail, warning_distance, warning_limit } = parameters;
  const members = { distance: warning_distance, limit: warning_limit };
  return { results, warning: { code: warning, detail: warning_detail, ...members } };
}

/** What a correct answer has. */
interface Answer {
  readonly outputs: readonly { readonly name: string; readonly data: readonly unknown[] }[];
  readonly parameters?: Readonly<
    Record<"warning" | "warning_detail" | "warning_distance" | "warning_limit", unknown>
  >;
}

type Result = Prediction["results"][number];

/** Of `probability:index:label`. */
function resultOf(value: unknown): Result {
  const [probability, , ...label] = (value as string).split(":");
  return { emotionType: label.join(":"), prediction: Number(probability || NaN) };
}

/** The protocol's answer has the most probable label first. */
function byEmotion(one: Result, other: Result): number {
  return one.emotionType < other.emotionType ? -1 : 1;
}

function tensorsOf(network: Network, features: Features, baseline: Baseline | undefined): Tensor[] {
  const { frames, frameCount, mfccs, prosody } = features;
  const tensors = [{ name: "frames", shape: [1, frameCount, mfccs.length], values: frames }];
  if (prosody && takes(network, "prosody")) {
    const shape = [1, frameCount, PROSODY_COLUMNS.length];
    tensors.push({ name: "prosody", shape, values: prosody });
  }
  if (baseline && takes(network, "baseline")) {
    const values = baselineRow(baseline);
    tensors.push({ name: "baseline", shape: [1, values.length], values });
  }
  return tensors;
}

/** The means of MFCCs and prosody, then their spreads, then the number of clips. */
export function baselineRow({ clips, mfccs, prosody }: Baseline): Float32Array {
  const none = PROSODY_COLUMNS.map(() => 0);
  const { mean, spread } = prosody ?? { mean: none, spread: none };
  return new Float32Array([...mfccs.mean, ...mean, ...mfccs.spread, ...spread, clips]);
}

function declared({ name, shape, values }: Tensor): object {
  return { name, shape, datatype: "FP32", parameters: { binary_data_size: values.byteLength } };
}

/** The output that the request asks for: each probability with its label. */
function probabilitiesOf(network: Network): object {
  return { name: "probabilities", parameters: { classification: network.emotions.length } };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** Runs a network of the server, an ONNX graph, in WebAssembly. */

import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";

import { ExtractorError } from "../errors.js";
import { predictionFault, type Prediction } from "../handshake/answers.js";
import type { PredictionBody } from "../prediction/members.js";
import { baselineRow } from "../prediction/tensors.js";
import { plainText } from "../text.js";
import { checkGraph, readMetadata } from "./graph.js";

interface Limits {
  readonly distance: number;
  /** Infinite for a network that takes no baseline. */
  readonly baseline: number;
}

type Rows = readonly number[] | readonly (readonly number[])[];

export class LocalNetwork {
  readonly #session: InferenceSession;
  readonly #emotions: readonly string[];
  readonly #limits: Limits;

  private constructor(session: InferenceSession, emotions: readonly string[], limits: Limits) {
    this.#session = session;
    this.#emotions = emotions;
    this.#limits = limits;
  }

  /**
   * Starts the WebAssembly runtime if necessary, and loads the network.
   *
   * @param emotions the labels of the handshake
   * @throws ExtractorError also if the file has other labels or lacks its limits
   */
  static async load(model: Uint8Array, emotions: readonly string[]): Promise<LocalNetwork> {
    checkGraph(model);
    const metadata = readMetadata(model);
    if (JSON.stringify(parsed(metadata, "labels")) !== JSON.stringify(emotions)) {
      throw new ExtractorError("The network was not loaded: its labels are not the handshake's.");
    }
    env.wasm.numThreads = 1; // more threads require cross-origin isolation
    try {
      const session = await InferenceSession.create(model, { executionProviders: ["wasm"] });
      const takesBaseline = session.inputNames.includes("baseline");
      return new LocalNetwork(session, emotions, {
        distance: limit(metadata, "distance_limit"),
        baseline: takesBaseline ? limit(metadata, "baseline_limit") : Infinity,
      });
    } catch (cause) {
      throw new ExtractorError(`The network cannot be started: ${reason(cause)}.`, { cause });
    }
  }

  /**
   * The prediction that the server would make.
   *
   * @param body the numbers that would be posted
   * @throws ExtractorError
   */
  async predict(body: PredictionBody): Promise<Prediction> {
    const prediction = await this.#run(body);
    const fault = predictionFault(prediction);
    if (fault !== undefined) throw new ExtractorError(`The network is not valid: ${fault}.`);
    return prediction;
  }

  async #run(body: PredictionBody): Promise<Prediction> {
    try {
      const outputs = await this.#session.run(this.#inputs(body));
      const { probabilities, distance, baseline_distance } = outputs;
      const warning = this.#warning(first(distance), first(baseline_distance));
      const results = this.#emotions.map((emotionType, index) => ({
        emotionType,
        prediction: Number(probabilities?.data[index]),
      }));
      return { results, ...(warning && { warning }) };
    } catch (cause) {
      throw new ExtractorError(`The network failed: ${reason(cause)}.`, { cause });
    }
  }

  /** Zeros stand for a member that is missing. */
  #inputs({ mfccs, prosody, baseline }: PredictionBody): Record<string, Tensor> {
    const names = this.#session.inputNames;
    const inputs: Record<string, Tensor> = {};
    inputs[names.includes("frames") ? "frames" : "mfccs"] = tensor(mfccs);
    if (names.includes("lengths")) {
      inputs["lengths"] = new Tensor("int64", BigInt64Array.of(BigInt(mfccs.length)), [1]);
    }
    if (names.includes("prosody")) {
      const width = this.#width("prosody");
      const isRows = Array.isArray(mfccs[0]);
      const zeros = (): number[] => Array.from({ length: width }, () => 0);
      inputs["prosody"] = tensor(prosody ?? (isRows ? mfccs.map(zeros) : zeros()));
    }
    if (names.includes("baseline")) {
      const row = baseline ? baselineRow(baseline) : new Float32Array(this.#width("baseline"));
      inputs["baseline"] = new Tensor("float32", row, [1, row.length]);
    }
    return inputs;
  }

  #width(name: string): number {
    const found = this.#session.inputMetadata.find((input) => input.name === name);
    const width = found?.isTensor ? found.shape.at(-1) : undefined;
    if (typeof width !== "number") throw new Error(`the input ${name} has no fixed width`);
    return width;
  }

  /**
   * As the server warns: of foreign input, or else of a baseline of another voice. It does not warn
   * of a distance that is not a number.
   */
  #warning(distance: number, fromBaseline: number): Prediction["warning"] {
    if (distance > this.#limits.distance) {
      const detail = "The features lie outside the training distribution.";
      const code = "outside-training-distribution";
      return { code, detail, distance, limit: this.#limits.distance };
    }
    if (fromBaseline > this.#limits.baseline) {
      const detail = "The baseline is one of another voice or microphone.";
      const code = "baseline-of-another-voice";
      return { code, detail, distance: fromBaseline, limit: this.#limits.baseline };
    }
    return undefined;
  }
}

/** A vector, or rows, as a batch of one. */
function tensor(values: Rows): Tensor {
  const rows = values as readonly (readonly number[])[];
  const isRows = Array.isArray(values[0]);
  const shape = isRows ? [1, rows.length, rows[0]!.length] : [1, values.length];
  return new Tensor("float32", Float32Array.from((values as number[]).flat()), shape);
}

function first(output: Tensor | undefined): number {
  return output === undefined ? 0 : Number(output.data[0]);
}

function parsed(metadata: ReadonlyMap<string, string>, key: string): unknown {
  try {
    return JSON.parse(metadata.get(key) ?? "null");
  } catch {
    return undefined;
  }
}

function limit(metadata: ReadonlyMap<string, string>, key: string): number {
  const value = parsed(metadata, key);
  if (typeof value === "number" && value > 0) return value;
  throw new Error(`its metadata lack ${key}`);
}

function reason(cause: unknown): string {
  return plainText(cause instanceof Error ? cause.message : String(cause));
}

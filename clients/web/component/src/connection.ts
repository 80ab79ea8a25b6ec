/** A connection to a server: computes features and predictions beside the page. */

import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { Client, Resampler, type Network } from "speech-emotion-extractor";

import { Analysis, average, type PredictedPassage } from "../../src/analysis.js";
import { check, type Sound } from "../../src/clip.js";
import { describe } from "../../src/engine/describe.js";
import type { PredictionWithRequest } from "../../src/engine/messages.js";
import { isBetter } from "../../src/engine/ranking.js";
import { Fault } from "../../src/faults.js";
import { Predictor, type Computation } from "../../src/predictor.js";
import ExtractorWorker from "./worker.js?worker&inline";

/** The prediction of a whole recording. */
export interface Predicted {
  readonly prediction: PredictionWithRequest;
  /** The windows of a long recording. */
  readonly passages: readonly PredictedPassage[];
}

export class Connection {
  readonly networks: readonly Network[];
  readonly #predictor: Predictor;

  private constructor(client: Client) {
    this.networks = client.networks;
    const isLocal = (name: string): boolean =>
      client.networks.find(({ networkType }) => networkType === name)?.file !== undefined;
    const none = (): undefined => undefined;
    this.#predictor = new Predictor(computationOf(client), client.handshake, none, isLocal);
  }

  /** @throws Fault */
  static async open(address: string): Promise<Connection> {
    return new Connection(await told(() => Client.connect(address, { worker: startWorker })));
  }

  /** The network that is best on recordings from elsewhere, or else on new voices. */
  get best(): Network | undefined {
    return [...this.networks].sort(isBetter)[0];
  }

  isLocal(network: Network): boolean {
    return this.#predictor.isLocal(network.networkType);
  }

  /** @throws Fault */
  async predict(recorded: Sound, { networkType }: Network): Promise<Predicted> {
    await check(recorded);
    const analysis = new Analysis(this.#predictor, await this.#predictor.prepared(recorded));
    if (analysis.whole) {
      return { prediction: await analysis.predict(analysis.whole, networkType), passages: [] };
    }
    const passages: PredictedPassage[] = [];
    for await (const passage of analysis.predictWindows(networkType)) passages.push(passage);
    const prediction = average(passages);
    if (!prediction) throw new Fault({ kind: "silent" });
    return { prediction, passages };
  }
}

function startWorker(): Worker {
  const worker = new ExtractorWorker();
  worker.postMessage({ wasm: new URL(wasm, location.href).href });
  return worker;
}

function computationOf(client: Client): Computation {
  return {
    resample: async (samples, rate) => new Resampler(rate, client.sampleRate).resample(samples),
    extract: (...args) => told(() => client.extract(...args)),
    predict: (network, features, baseline, locally) =>
      told(async () => {
        const predicted = locally
          ? await client.predictLocally(network, features, baseline)
          : await client.predict(network, features, baseline);
        return { ...predicted, request: client.predictionRequest(network, features, baseline) };
      }),
  };
}

/** @throws Fault in the place of the client's errors */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Fault ? error : new Fault(describe(error));
  }
}

/** Runs extractors in a worker, which is ended if an extractor takes too long. */

import { AudioError, AudioTooShortError, ExtractorError } from "../errors.js";
import type { Prediction } from "../handshake/answers.js";
import type { PredictionBody } from "../prediction/members.js";
import type { FeatureExtractor } from "./extractor.js";
import type { Features, Recording, Shape } from "./features.js";
import type { LocalNetwork } from "./network.js";

/** Slow networks need a minute for the WebAssembly runtime. */
const LOADING_SECONDS = 120;
const EXTRACTION_SECONDS = 10;

/** An extractor to load, under a name of the client's. */
export interface Load {
  readonly name: string;
  readonly model: Uint8Array;
  readonly recipe: Shape;
  /** Undefined for `mfcc.onnx`. */
  readonly recording: Recording | undefined;
}

/** A clip for an extractor that was loaded. */
export interface Extract {
  readonly name: string;
  readonly samples: Float32Array;
  readonly channels: number;
}

/** A network to load, under a name of the client's. */
export interface LoadNetwork {
  readonly name: string;
  readonly model: Uint8Array;
  readonly emotions: readonly string[];
}

/** Numbers for a network that was loaded. */
export interface Predict {
  readonly name: string;
  readonly body: PredictionBody;
}

type Order =
  | { readonly load: Load }
  | { readonly extract: Extract }
  | { readonly loadNetwork: LoadNetwork }
  | { readonly predict: Predict };

/** Features, a prediction, or nothing after loading. */
type Made = Features | Prediction | undefined;

type Reply =
  | { readonly made: Made }
  | { readonly failed: { readonly name: string; readonly message: string } };

/** The worker's end: `self` in a web worker. */
export interface Port {
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  postMessage(message: unknown): void;
}

/** Loads and runs the extractors for a `Client` with the option `worker`; call it in the worker. */
export function serveExtractor(port: Port): void {
  const loading = import("./runtime.js"); // apart, so that the client's script lacks ONNX Runtime
  const extractors = new Map<string, FeatureExtractor>();
  const networks = new Map<string, LocalNetwork>();
  const obey = async (order: Order): Promise<Made> => {
    const runtime = await loading;
    if ("extract" in order) {
      const { name, samples, channels } = order.extract;
      return extractors.get(name)?.extract(samples, channels);
    }
    if ("predict" in order) return networks.get(order.predict.name)?.predict(order.predict.body);
    if ("loadNetwork" in order) {
      const { name, model, emotions } = order.loadNetwork;
      networks.set(name, await runtime.LocalNetwork.load(model, emotions));
      return undefined;
    }
    const { name, model, recipe, recording } = order.load;
    extractors.set(name, await runtime.FeatureExtractor.load(model, recipe, recording));
    return undefined;
  };
  port.addEventListener("message", ({ data }: MessageEvent<Order>) => {
    obey(data).then(
      (made) => port.postMessage({ made } satisfies Reply),
      ({ name, message }: Error) => port.postMessage({ failed: { name, message } } satisfies Reply),
    );
  });
}

/** The extractors in a worker. */
export class ExtractorWorker {
  readonly #worker: Worker;
  readonly #seconds: number;
  #previous: Promise<unknown> = Promise.resolve();
  #ended = false;

  /** @param seconds time for a clip, beside the clip's own length */
  constructor(worker: Worker, seconds = EXTRACTION_SECONDS) {
    this.#worker = worker;
    this.#seconds = seconds;
  }

  /** Whether the worker has been ended; the extractors must be loaded again in another. */
  get ended(): boolean {
    return this.#ended;
  }

  /** @throws ExtractorError */
  async load(load: Load): Promise<void> {
    await this.#order({ load }, LOADING_SECONDS);
  }

  /**
   * @param length of the clip, in seconds
   * @throws AudioTooShortError, AudioError, ExtractorError
   */
  async extract(extract: Extract, length: number): Promise<Features> {
    return (await this.#order({ extract }, this.#seconds + length)) as Features;
  }

  /** @throws ExtractorError */
  async loadNetwork(loadNetwork: LoadNetwork): Promise<void> {
    await this.#order({ loadNetwork }, LOADING_SECONDS);
  }

  /** @throws ExtractorError */
  async predict(predict: Predict): Promise<Prediction> {
    return (await this.#order({ predict }, this.#seconds)) as Prediction;
  }

  /** One order after the other, so that each has its own time. */
  #order(order: Order, seconds: number): Promise<Made> {
    const turn = this.#previous.then(() => this.#send(order, seconds));
    this.#previous = turn.catch(() => undefined);
    return turn;
  }

  #send(order: Order, seconds: number): Promise<Made> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => {
        this.#end();
        reject(new ExtractorError(`The extractor ${reason}. Nothing was sent.`));
      };
      if (this.#ended) return fail("was ended");
      const late = `was ended: it did not finish within ${seconds.toFixed(0)} s`;
      const timer = setTimeout(fail, 1_000 * seconds, late);
      this.#worker.onerror = ({ message }) => {
        clearTimeout(timer);
        fail(`failed: ${message || "its worker cannot be started"}`);
      };
      this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => {
        if (!("made" in data || "failed" in data)) return; // a message of the page's own
        clearTimeout(timer);
        if ("made" in data) return resolve(data.made);
        const error = asError(data.failed);
        if (error instanceof ExtractorError) this.#end(); // frees its memory
        reject(error);
      };
      this.#worker.postMessage(order);
    });
  }

  #end(): void {
    this.#ended = true;
    this.#worker.terminate();
  }
}

function asError({ name, message }: { name: string; message: string }): Error {
  const types = { AudioError, AudioTooShortError };
  return new (types[name as keyof typeof types] ?? ExtractorError)(message);
}

/** Runs extractors in a worker, which is ended if an extractor takes too long. */

import { AudioError, AudioTooShortError, ExtractorError } from "../errors.js";
import { FeatureExtractor } from "./extractor.js";
import type { Features, Recording, Shape } from "./features.js";

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

type Order = { readonly load: Load } | { readonly extract: Extract };

type Reply =
  | { readonly features: Features | undefined }
  | { readonly failed: { readonly name: string; readonly message: string } };

/** The worker's end: `self` in a web worker. */
export interface Port {
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  postMessage(message: unknown): void;
}

/** Loads and runs the extractors for a `Client` with the option `worker`; call it in the worker. */
export function serveExtractor(port: Port): void {
  const extractors = new Map<string, FeatureExtractor>();
  const obey = async (order: Order): Promise<Features | undefined> => {
    if ("extract" in order) {
      const { name, samples, channels } = order.extract;
      return extractors.get(name)?.extract(samples, channels);
    }
    const { name, model, recipe, recording } = order.load;
    extractors.set(name, await FeatureExtractor.load(model, recipe, recording));
    return undefined;
  };
  port.addEventListener("message", ({ data }: MessageEvent<Order>) => {
    obey(data).then(
      (features) => port.postMessage({ features } satisfies Reply),
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
    return (await this.#order({ extract }, this.#seconds + length))!;
  }

  /** One order after the other, so that each has its own time. */
  #order(order: Order, seconds: number): Promise<Features | undefined> {
    const turn = this.#previous.then(() => this.#send(order, seconds));
    this.#previous = turn.catch(() => undefined);
    return turn;
  }

  #send(order: Order, seconds: number): Promise<Features | undefined> {
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
        if (!("features" in data || "failed" in data)) return; // a message of the page's own
        clearTimeout(timer);
        if ("features" in data) return resolve(data.features);
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

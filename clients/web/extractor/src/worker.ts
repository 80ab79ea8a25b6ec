/** Runs the extractor in a worker, which is ended if the extractor takes too long. */

import { AudioError, AudioTooShortError, ExtractorError } from "./errors.js";
import { FeatureExtractor, type Features, type Shape } from "./extractor.js";

/** Slow networks need a minute for the WebAssembly runtime. */
const LOADING_SECONDS = 120;
const EXTRACTION_SECONDS = 10;

type Order =
  | { readonly load: { readonly model: Uint8Array; readonly recipe: Shape } }
  | { readonly extract: Float32Array };

type Reply =
  | { readonly features: Features | undefined }
  | { readonly failed: { readonly name: string; readonly message: string } };

/** The worker's end: `self` in a web worker. */
export interface Port {
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  postMessage(message: unknown): void;
}

/** Loads and runs the extractor for a `Client` with the option `worker`; call it in the worker. */
export function serveExtractor(port: Port): void {
  let extractor: FeatureExtractor | undefined;
  const obey = async (order: Order): Promise<Features | undefined> => {
    if ("extract" in order) return extractor?.extract(order.extract);
    extractor = await FeatureExtractor.load(order.load.model, order.load.recipe);
    return undefined;
  };
  port.addEventListener("message", ({ data }: MessageEvent<Order>) => {
    obey(data).then(
      (features) => port.postMessage({ features } satisfies Reply),
      ({ name, message }: Error) => port.postMessage({ failed: { name, message } } satisfies Reply),
    );
  });
}

/** An extractor in a worker. */
export class WorkerExtractor {
  readonly #worker: Worker;
  readonly #sampleRate: number;
  readonly #seconds: number;
  #previous: Promise<unknown> = Promise.resolve();
  #ended = false;

  private constructor(worker: Worker, sampleRate: number, seconds: number) {
    this.#worker = worker;
    this.#sampleRate = sampleRate;
    this.#seconds = seconds;
  }

  /**
   * Loads the graph in the worker.
   *
   * @param seconds time for a clip, beside the clip's own length
   * @throws ExtractorError
   */
  static async load(
    worker: Worker,
    model: Uint8Array,
    recipe: Shape,
    seconds = EXTRACTION_SECONDS,
  ): Promise<WorkerExtractor> {
    const extractor = new WorkerExtractor(worker, recipe.sampleRate, seconds);
    try {
      await extractor.#order({ load: { model, recipe } }, LOADING_SECONDS);
    } catch (error) {
      extractor.#end();
      throw error;
    }
    return extractor;
  }

  /** Whether the worker has been ended; the extractor must be loaded again. */
  get ended(): boolean {
    return this.#ended;
  }

  /** @throws AudioTooShortError, AudioError, ExtractorError */
  async extract(samples: Float32Array): Promise<Features> {
    const limit = this.#seconds + samples.length / this.#sampleRate;
    return (await this.#order({ extract: samples }, limit))!;
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

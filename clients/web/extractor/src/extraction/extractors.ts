/** The server's extractors: chosen by the recording's sample rate, loaded on first use, kept. */

import { AudioError, ExtractorError } from "../errors.js";
import type { PublishedFile } from "../handshake/file.js";
import type { Handshake } from "../handshake/handshake.js";
import { fetchFile } from "../http/files.js";
import type { Transport } from "../http/transport.js";
import type { Network } from "../handshake/handshake.js";
import type { Prediction } from "../handshake/answers.js";
import type { PredictionBody } from "../prediction/members.js";
import { checkChannels, MOST_CHANNELS, type Features, type Recording } from "./features.js";
import { ExtractorWorker } from "./worker.js";

export interface ExtractorOptions {
  /**
   * The only extractors to run: the SHA-256 of one, or of several; each 64 hexadecimal digits.
   */
  readonly extractorSha256?: string | readonly string[];
  /** Starts a worker that calls `serveExtractor`; by default the extractor runs on this thread. */
  readonly worker?: () => Worker;
  /**
   * Seconds, beside the length of the clip, after which the worker is ended; 10 by default.
   * Without a worker nothing can end the extractor.
   */
  readonly extractionSeconds?: number;
}

interface Source {
  readonly file: PublishedFile;
  /** Undefined for `mfcc.onnx`. */
  readonly recording: Recording | undefined;
}

type Run = (samples: Float32Array, channels: number) => Promise<Features>;
type RunNetwork = (body: PredictionBody) => Promise<Prediction>;

export class Extractors {
  readonly #transport: Transport;
  readonly #handshake: Handshake;
  readonly #options: ExtractorOptions;
  readonly #pinned: readonly string[] | undefined;
  /** By the name of the source. */
  readonly #loaded = new Map<string, Promise<Run>>();
  readonly #networks = new Map<string, Promise<RunNetwork>>();
  #worker: ExtractorWorker | undefined;

  /** @throws ExtractorError if none of the server's extractors is one of the options */
  constructor(transport: Transport, handshake: Handshake, options: ExtractorOptions) {
    this.#transport = transport;
    this.#handshake = handshake;
    this.#options = options;
    const { extractorSha256: pinned } = options;
    this.#pinned = pinned === undefined ? undefined : [pinned].flat().map(lowerCase);
    const all = [handshake.extractor, ...(handshake.recordings?.extractors ?? [])];
    if (!all.some((file) => this.#isAllowed(file))) this.#refuse(handshake.extractor);
  }

  /** The sample rates of recordings for which there is an extractor that may run, in Hz. */
  get sampleRates(): number[] {
    const { extractor, features, recordings } = this.#handshake;
    const rates = (recordings?.extractors ?? [])
      .filter((each) => this.#isAllowed(each))
      .map(({ sampleRate }) => sampleRate);
    if (this.#isAllowed(extractor)) rates.push(features.sampleRate);
    return [...new Set(rates)].sort((a, b) => a - b);
  }

  /** @throws AudioTooShortError, AudioError, ExtractorError, NoServerError, ServerProblemError */
  async extract(samples: Float32Array, rate: number, channels: number): Promise<Features> {
    checkChannels(samples, channels, MOST_CHANNELS);
    const run = await this.#load(this.#choose(rate));
    try {
      return await run(samples, channels);
    } finally {
      this.#forgetEnded();
    }
  }

  /**
   * Predicts with the network's file; it is fetched on first use and then kept.
   *
   * @throws ExtractorError, NoServerError, ServerProblemError
   */
  async predict(network: Network, body: PredictionBody): Promise<Prediction> {
    const { networkType } = network;
    let loading = this.#networks.get(networkType);
    if (loading === undefined) {
      loading = this.#fetchNetwork(network);
      this.#networks.set(networkType, loading);
      loading.catch(() => this.#networks.delete(networkType)); // the next call tries again
    }
    try {
      return await (
        await loading
      )(body);
    } finally {
      this.#forgetEnded();
    }
  }

  async #fetchNetwork({ networkType: name, emotions, file }: Network): Promise<RunNetwork> {
    if (!file) throw new ExtractorError(`The server does not offer the file of ${name}.`);
    const model = await fetchFile(this.#transport, file);
    const { worker: start } = this.#options;
    if (!start) {
      const { LocalNetwork } = await import("./runtime.js");
      const network = await LocalNetwork.load(model, emotions);
      return (body) => network.predict(body);
    }
    const worker = this.#working(start);
    await worker.loadNetwork({ name, model, emotions });
    return (body) => worker.predict({ name, body });
  }

  #working(start: () => Worker): ExtractorWorker {
    this.#forgetEnded();
    return (this.#worker ??= new ExtractorWorker(start(), this.#options.extractionSeconds));
  }

  #choose(rate: number): Source {
    const { extractor, features, recordings, prosody } = this.#handshake;
    const found = recordings?.extractors.find(({ sampleRate }) => sampleRate === rate);
    const file = found && this.#isAllowed(found) ? found : undefined;
    if (file && prosody) return { file, recording: { sampleRate: rate, prosody } };
    if (rate !== features.sampleRate) {
      if (found) this.#refuse(found);
      const rates = this.sampleRates.join(", ");
      throw new AudioError(`The server has no extractor for ${rate} Hz; expected one of ${rates}.`);
    }
    if (!this.#isAllowed(extractor)) this.#refuse(extractor);
    return { file: extractor, recording: undefined };
  }

  #isAllowed({ sha256 }: PublishedFile): boolean {
    return this.#pinned === undefined || this.#pinned.includes(lowerCase(sha256));
  }

  #refuse({ sha256 }: PublishedFile): never {
    throw new ExtractorError(
      `The server's extractor has the SHA-256 ${sha256}, expected ${this.#pinned?.join(" or ")}. ` +
        "It was not loaded.",
    );
  }

  #load(source: Source): Promise<Run> {
    const key = nameOf(source);
    let loading = this.#loaded.get(key);
    if (loading === undefined) {
      loading = this.#fetch(source);
      this.#loaded.set(key, loading);
      loading.catch(() => {
        if (this.#loaded.get(key) === loading) this.#loaded.delete(key); // the next call tries again
        this.#forgetEnded();
      });
    }
    return loading;
  }

  async #fetch(source: Source): Promise<Run> {
    const { file, recording } = source;
    const model = await fetchFile(this.#transport, file);
    const recipe = this.#handshake.features;
    const { worker: start } = this.#options;
    if (!start) {
      const { FeatureExtractor } = await import("./runtime.js");
      const extractor = await FeatureExtractor.load(model, recipe, recording);
      return (samples, channels) => extractor.extract(samples, channels);
    }
    const name = nameOf(source);
    const rate = recording?.sampleRate ?? recipe.sampleRate;
    const worker = this.#working(start);
    await worker.load({ name, model, recipe, recording });
    return (samples, channels) =>
      worker.extract({ name, samples, channels }, samples.length / channels / rate);
  }

  /** An ended worker has lost its extractors. */
  #forgetEnded(): void {
    if (!this.#worker?.ended) return;
    this.#worker = undefined;
    this.#loaded.clear();
    this.#networks.clear();
  }
}

/** Not the address alone: a server may name one file for two rates, with other limits of features. */
function nameOf({ file: { url, sha256 }, recording }: Source): string {
  return [url, lowerCase(sha256), recording?.sampleRate].join(" ");
}

function lowerCase(text: string): string {
  return text.toLowerCase();
}

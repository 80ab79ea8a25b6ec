/** The entry point of the module: `Client.connect(address)`. */

import { isVerdict, predictionFault, type Prediction, type Verification } from "./answers.js";
import { ExtractorError, InvalidOptionError } from "./errors.js";
import { FeatureExtractor, type Features } from "./extractor.js";
import { fetchFile } from "./files.js";
import { fetchHandshake, type Handshake, type Network } from "./handshake.js";
import { Transport, type TransportOptions } from "./transport.js";
import { readWav } from "./wav.js";
import { WorkerExtractor } from "./worker.js";

const VERIFICATION_PATH = "/init/verification";
/** Decimals of a posted coefficient. Its rounding error is far below the server's tolerance. */
const DECIMALS = 4;
const LONGEST_SECONDS = 3_600; // of an option

export interface ClientOptions extends TransportOptions {
  /** The only extractor to run: its SHA-256, 64 hexadecimal digits. */
  readonly extractorSha256?: string;
  /** Starts a worker that calls `serveExtractor`; by default the extractor runs on this thread. */
  readonly worker?: () => Worker;
  /**
   * Seconds, beside the length of the clip, after which the worker is ended; 10 by default.
   * Without a worker nothing can end the extractor.
   */
  readonly extractionSeconds?: number;
}

/** Predicts emotions with a server. The features are computed locally; no audio is sent. */
export class Client {
  /** The feature recipe and the networks of the server. */
  readonly handshake: Handshake;
  readonly #transport: Transport;
  readonly #options: ClientOptions;
  #extractor: Promise<FeatureExtractor | WorkerExtractor> | undefined;

  private constructor(transport: Transport, handshake: Handshake, options: ClientOptions) {
    this.#transport = transport;
    this.#options = options;
    this.handshake = handshake;
  }

  /**
   * Performs the handshake. The extractor is fetched on first use and then kept.
   *
   * @param address `http://host:port`, optionally with a path prefix
   * @throws InvalidAddressError, InvalidOptionError, NoServerError, WrongServerError,
   *   ServerProblemError; ExtractorError if the server's extractor is not the one of the options
   */
  static async connect(address: string | URL, options: ClientOptions = {}): Promise<Client> {
    checkOptions(options);
    const transport = new Transport(address, options);
    const handshake = await fetchHandshake(transport);
    checkHash(handshake.extractor.sha256, options.extractorSha256);
    return new Client(transport, handshake, options);
  }

  /** Sample rate of the samples that `extract` takes, in Hz. */
  get sampleRate(): number {
    return this.handshake.features.sampleRate;
  }

  get networks(): readonly Network[] {
    return this.handshake.networks;
  }

  /**
   * Computes the features of a clip.
   *
   * @param samples mono, at `sampleRate`, in [-1, 1], at least 0.1 s
   * @throws AudioTooShortError, AudioError, ExtractorError, NoServerError, ServerProblemError
   */
  async extract(samples: Float32Array): Promise<Features> {
    const extractor = await this.#loadExtractor();
    try {
      return await extractor.extract(samples);
    } catch (error) {
      if (extractor instanceof WorkerExtractor && extractor.ended) this.#extractor = undefined;
      throw error;
    }
  }

  /**
   * Predicts the emotions of a clip from its features.
   *
   * @param network name, case-insensitive
   * @throws ServerProblemError, such as status 404 for an unknown network; NoServerError
   */
  async predict(network: string, features: Features): Promise<Prediction> {
    const path = predictionPath(network);
    const mfccs = this.#form(network, features);
    const answer = await this.#transport.postJson(path, { mfccs });
    const fault = predictionFault(answer);
    if (fault !== undefined) {
      throw this.#transport.wrongServer(`unexpected response for ${path}: ${fault}`);
    }
    return answer as Prediction;
  }

  /** The POST request that `predict` makes, with its JSON body, for pages that show it. */
  predictionRequest(network: string, features: Features): { url: string; body: string } {
    return {
      url: this.#transport.url(predictionPath(network)).href,
      body: JSON.stringify({ mfccs: this.#form(network, features) }),
    };
  }

  /**
   * Computes the features of the server's reference clip and posts them for verification, as a
   * vector and as frames.
   *
   * @throws ExtractorError, NoServerError, ServerProblemError
   */
  async verify(): Promise<Verification[]> {
    const clip = await fetchFile(this.#transport, this.handshake.reference);
    const features = await this.extract(readWav(clip, this.sampleRate));
    return [
      await this.#verify("vector", rounded(features.mfccs)),
      await this.#verify("frames", rows(features)),
    ];
  }

  async #verify(form: Verification["form"], mfccs: unknown): Promise<Verification> {
    const answer = await this.#transport.postJson(VERIFICATION_PATH, { mfccs });
    if (!isVerdict(answer)) {
      throw this.#transport.wrongServer(`the response for ${VERIFICATION_PATH} has no verdict`);
    }
    return { form, verdict: answer.verdict, detail: answer.detail };
  }

  /** Any network accepts frames, including one that was added after the handshake. */
  #form(name: string, features: Features): number[] | number[][] {
    const wanted = name.toLowerCase();
    const network = this.networks.find((each) => each.networkType.toLowerCase() === wanted);
    return network?.input === "vector" ? rounded(features.mfccs) : rows(features);
  }

  #loadExtractor(): Promise<FeatureExtractor | WorkerExtractor> {
    this.#extractor ??= this.#fetchExtractor().catch((error: unknown) => {
      this.#extractor = undefined; // the next call tries again
      throw error;
    });
    return this.#extractor;
  }

  async #fetchExtractor(): Promise<FeatureExtractor | WorkerExtractor> {
    const model = await fetchFile(this.#transport, this.handshake.extractor);
    const { worker, extractionSeconds } = this.#options;
    const recipe = this.handshake.features;
    return worker
      ? WorkerExtractor.load(worker(), model, recipe, extractionSeconds)
      : FeatureExtractor.load(model, recipe);
  }
}

function checkOptions({ extractorSha256, requestSeconds, extractionSeconds }: ClientOptions): void {
  if (extractorSha256 !== undefined && !/^[0-9a-f]{64}$/i.test(extractorSha256)) {
    throw new InvalidOptionError(
      `extractorSha256 is "${extractorSha256}"; expected 64 hexadecimal digits.`,
    );
  }
  for (const [name, value] of Object.entries({ requestSeconds, extractionSeconds })) {
    if (value !== undefined && !(value > 0 && value <= LONGEST_SECONDS)) {
      throw new InvalidOptionError(
        `${name} is ${value}; expected more than 0 and at most ${LONGEST_SECONDS}.`,
      );
    }
  }
}

function checkHash(found: string, pinned: string | undefined): void {
  if (pinned !== undefined && found.toLowerCase() !== pinned.toLowerCase()) {
    throw new ExtractorError(
      `The server's extractor has the SHA-256 ${found}, expected ${pinned}. It was not loaded.`,
    );
  }
}

function predictionPath(network: string): string {
  return `/prediction/${encodeURIComponent(network)}`;
}

function rows({ frames, frameCount, mfccs: { length } }: Features): number[][] {
  return Array.from({ length: frameCount }, (_, row) =>
    rounded(frames.subarray(row * length, (row + 1) * length)),
  );
}

function rounded(coefficients: Float32Array): number[] {
  return Array.from(coefficients, (value) => Number(value.toFixed(DECIMALS)));
}

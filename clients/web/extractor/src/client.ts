/** The entry point of the module: `Client.connect(address)`. */

import { FeatureExtractor, type Features } from "./extractor.js";
import { fetchFile } from "./files.js";
import { fetchHandshake, type Handshake, type Network } from "./handshake.js";
import { Transport } from "./transport.js";
import { readWav } from "./wav.js";

const VERIFICATION_PATH = "/init/verification";
/** Decimals of a posted coefficient. Its rounding error is far below the server's tolerance. */
const DECIMALS = 4;

/** The emotion probabilities of a clip. */
export interface Prediction {
  /** In alphabetical order of the emotions; the probabilities sum to 1. */
  readonly results: readonly { readonly emotionType: string; readonly prediction: number }[];
  /** Present if the input lies outside the training distribution: do not rely on the results. */
  readonly warning?: {
    readonly code: string;
    readonly detail: string;
    readonly distance: number;
    readonly limit: number;
  };
}

/** The server's verdict on the features that this module computed from the reference clip. */
export interface Verification {
  readonly form: "vector" | "frames";
  readonly verdict: "agreement" | "mistake" | "unrecognised";
  readonly detail: string;
}

/** Predicts emotions with a server. The features are computed locally; no audio is sent. */
export class Client {
  /** The feature recipe and the networks of the server. */
  readonly handshake: Handshake;
  readonly #transport: Transport;
  #extractor: Promise<FeatureExtractor> | undefined;

  private constructor(transport: Transport, handshake: Handshake) {
    this.#transport = transport;
    this.handshake = handshake;
  }

  /**
   * Performs the handshake. The extractor is fetched on first use and then kept.
   *
   * @param address `http://host:port`, optionally with a path prefix
   * @param send makes the requests: `fetch`, or a wrapper around it
   * @throws InvalidAddressError, NoServerError, WrongServerError, ServerProblemError
   */
  static async connect(address: string | URL, send?: typeof fetch): Promise<Client> {
    const transport = new Transport(address, send);
    return new Client(transport, await fetchHandshake(transport));
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
    return extractor.extract(samples);
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
    const answer = (await this.#post(path, mfccs)) as Partial<Prediction>;
    if (!Array.isArray(answer.results)) {
      throw this.#transport.wrongServer(`the response for ${path} has no results`);
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
    const answer = (await this.#post(VERIFICATION_PATH, mfccs)) as Partial<Verification>;
    const { verdict, detail } = answer;
    if (verdict === undefined || detail === undefined) {
      throw this.#transport.wrongServer(`the response for ${VERIFICATION_PATH} has no verdict`);
    }
    return { form, verdict, detail };
  }

  /** Any network accepts frames, including one that was added after the handshake. */
  #form(name: string, features: Features): number[] | number[][] {
    const wanted = name.toLowerCase();
    const network = this.networks.find((each) => each.networkType.toLowerCase() === wanted);
    return network?.input === "vector" ? rounded(features.mfccs) : rows(features);
  }

  async #post(path: string, mfccs: unknown): Promise<object> {
    const answer = await this.#transport.postJson(path, { mfccs });
    return typeof answer === "object" && answer !== null ? answer : {};
  }

  #loadExtractor(): Promise<FeatureExtractor> {
    this.#extractor ??= this.#fetchExtractor().catch((error: unknown) => {
      this.#extractor = undefined; // the next call tries again
      throw error;
    });
    return this.#extractor;
  }

  async #fetchExtractor(): Promise<FeatureExtractor> {
    const model = await fetchFile(this.#transport, this.handshake.extractor);
    return FeatureExtractor.load(model, this.sampleRate);
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

/** The entry point of the module: `Client.connect(address)`. */

import type { Baseline } from "./baseline.js";
import { ExtractorError, InvalidOptionError } from "./errors.js";
import { Extractors, type ExtractorOptions } from "./extraction/extractors.js";
import type { Features } from "./extraction/features.js";
import { readWav } from "./extraction/wav.js";
import { isVerification, type Prediction, type Verification } from "./handshake/answers.js";
import { fetchHandshake, type Handshake, type Network } from "./handshake/handshake.js";
import { knownFeatures, type Reference } from "./handshake/recordings.js";
import { fetchFile } from "./http/files.js";
import { Transport, type TransportOptions } from "./http/transport.js";
import {
  framesBody,
  predictionBody,
  vectorBody,
  type PredictionBody,
} from "./prediction/members.js";
import { Predictor } from "./prediction/predictor.js";

const VERIFICATION_PATH = "/init/verification";
const LONGEST_SECONDS = 3_600; // of an option
/** The name of the clip that servers of version 1 of the contract have. */
const REFERENCE = "reference";

export interface ClientOptions extends TransportOptions, ExtractorOptions {}

/** Predicts emotions with a server. The features are computed locally; no audio is sent. */
export class Client {
  /** The feature recipe and the networks of the server. */
  readonly handshake: Handshake;
  readonly #transport: Transport;
  readonly #extractors: Extractors;
  readonly #predictor: Predictor;

  private constructor(transport: Transport, handshake: Handshake, options: ClientOptions) {
    this.#transport = transport;
    this.#extractors = new Extractors(transport, handshake, options);
    this.#predictor = new Predictor(transport, handshake.networks);
    this.handshake = handshake;
  }

  /**
   * Performs the handshake. The extractors are fetched on first use and then kept.
   *
   * @param address `http://host:port`, optionally with a path prefix
   * @throws InvalidAddressError, InvalidOptionError, NoServerError, WrongServerError,
   *   ServerProblemError; ExtractorError if no extractor of the server is one of the options
   */
  static async connect(address: string | URL, options: ClientOptions = {}): Promise<Client> {
    checkOptions(options);
    const transport = new Transport(address, options);
    return new Client(transport, await fetchHandshake(transport), options);
  }

  /** Sample rate of the features, in Hz. */
  get sampleRate(): number {
    return this.handshake.features.sampleRate;
  }

  /** The sample rates that `extract` takes, in Hz; resample other recordings to `sampleRate`. */
  get sampleRates(): readonly number[] {
    return this.#extractors.sampleRates;
  }

  get networks(): readonly Network[] {
    return this.handshake.networks;
  }

  /**
   * Computes the features of a clip.
   *
   * @param samples in [-1, 1], at least 0.1 s; two channels are interleaved
   * @param rate Hz, one of `sampleRates`
   * @param channels 1; also 2 if the server has extractors for recordings
   * @throws AudioTooShortError, AudioError, ExtractorError, NoServerError, ServerProblemError
   */
  async extract(samples: Float32Array, rate = this.sampleRate, channels = 1): Promise<Features> {
    return this.#extractors.extract(samples, rate, channels);
  }

  /**
   * Predicts the emotions of a clip from its features.
   *
   * @param network name, case-insensitive
   * @param baseline of the user's voice; sent only to a network that can use it, as is prosody
   * @throws ServerProblemError, such as status 404 for an unknown network; NoServerError
   */
  async predict(network: string, features: Features, baseline?: Baseline): Promise<Prediction> {
    return this.#predictor.predict(network, features, baseline);
  }

  /**
   * Predicts as `predict` does, but with the network's file on this device: nothing is posted.
   *
   * @param network name, case-insensitive; its entry in the handshake must have a `file`
   * @throws ExtractorError, NoServerError, ServerProblemError
   */
  async predictLocally(
    network: string,
    features: Features,
    baseline?: Baseline,
  ): Promise<Prediction> {
    const found = this.#network(network);
    if (!found) throw new ExtractorError(`The server has no network ${network}.`);
    return this.#extractors.predict(found, predictionBody(found, features, baseline));
  }

  /**
   * The request of `POST /prediction`, with its JSON body, that has the answer of `predict`, for
   * pages that show it. `predict` itself posts frames in binary if the server takes that.
   */
  predictionRequest(
    network: string,
    features: Features,
    baseline?: Baseline,
  ): { url: string; body: string } {
    return this.#predictor.request(network, features, baseline);
  }

  /**
   * Computes the features of the server's reference clips and posts them for verification: each as
   * frames, with the prosody if there is any, and the first one also as a vector.
   *
   * @throws ExtractorError, NoServerError, ServerProblemError
   */
  async verify(): Promise<Verification[]> {
    const { sampleRates } = this;
    const found: Verification[] = [];
    for (const reference of this.#references()) {
      if (!sampleRates.includes(reference.sampleRate)) continue;
      const features = await this.#featuresOf(reference);
      if (found.length === 0) {
        const { mfccs } = vectorBody(features);
        found.push(await this.#verify(reference.name, "vector", { mfccs }));
      }
      found.push(await this.#verify(reference.name, "frames", framesBody(features)));
    }
    return found;
  }

  /**
   * Compares the features of the server's reference clips with those of the handshake; nothing is
   * posted. `verify` also says which known mistake explains a difference.
   *
   * @throws ExtractorError, NoServerError, ServerProblemError, WrongServerError
   */
  async verifyLocally(): Promise<Verification[]> {
    const { sampleRates } = this;
    const found: Verification[] = [];
    for (const reference of this.#references()) {
      if (!sampleRates.includes(reference.sampleRate)) continue;
      const known = knownFeatures(reference, this.handshake.numberOfMfccs);
      if (!known) throw this.#transport.wrongServer(`the MFCCs of ${reference.name} are missing`);
      const { mfccs } = await this.#featuresOf(reference);
      const differences = known.mfccs.map((value, index) => Math.abs(value - mfccs[index]!));
      const largest = Math.max(...differences);
      const verdict = largest <= known.tolerance.mfccs ? "agreement" : "unrecognised";
      const detail = `The largest difference of a coefficient is ${largest.toFixed(3)}.`;
      found.push({ reference: reference.name, form: "vector", verdict, detail });
    }
    return found;
  }

  #references(): readonly Reference[] {
    const { reference, references } = this.handshake;
    const { sampleRate } = this;
    return references ?? [{ ...reference, name: REFERENCE, sampleRate, channels: 1 }];
  }

  async #featuresOf(reference: Reference): Promise<Features> {
    const { sampleRate, channels } = reference;
    const clip = await fetchFile(this.#transport, reference);
    return this.extract(readWav(clip, sampleRate, channels), sampleRate, channels);
  }

  async #verify(
    reference: string,
    form: Verification["form"],
    body: PredictionBody,
  ): Promise<Verification> {
    // Servers of version 1 know no name.
    const named = this.handshake.references ? { ...body, reference } : body;
    const answer = await this.#transport.postJson(VERIFICATION_PATH, named);
    if (!isVerification(answer, body.prosody !== undefined)) {
      throw this.#transport.wrongServer(`the response for ${VERIFICATION_PATH} has no verdict`);
    }
    const { verdict, detail, prosody } = answer;
    const spoken = prosody && { verdict: prosody.verdict, detail: prosody.detail };
    return { reference, form, verdict, detail, ...(spoken && { prosody: spoken }) };
  }

  #network(name: string): Network | undefined {
    const wanted = name.toLowerCase();
    return this.networks.find((each) => each.networkType.toLowerCase() === wanted);
  }
}

function checkOptions(options: ClientOptions): void {
  const { extractorSha256, requestSeconds, extractionSeconds, apiKey } = options;
  if (apiKey !== undefined && !/^[!-~]+$/.test(apiKey)) {
    throw new InvalidOptionError(
      `apiKey, of ${apiKey.length} characters, cannot be sent; ` +
        "expected printable ASCII characters without spaces.",
    );
  }
  const wrong = [extractorSha256 ?? []].flat().find((hash) => !/^[0-9a-f]{64}$/i.test(hash));
  if (wrong !== undefined || extractorSha256?.length === 0) {
    throw new InvalidOptionError(
      `extractorSha256 is "${wrong ?? ""}"; expected 64 hexadecimal digits.`,
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

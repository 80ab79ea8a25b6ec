/** Posts the features of clips in the smallest form that the server takes. */

import type { Baseline } from "../baseline.js";
import type { Features } from "../extraction/features.js";
import { predictionFault, type Prediction } from "../handshake/answers.js";
import type { Network } from "../handshake/handshake.js";
import type { Answer, Transport } from "../http/transport.js";
import { predictionBody, type PredictionBody } from "./members.js";
import { binaryRequest, predictionDocument } from "./tensors.js";

/** Such a refusal of a binary request says nothing of the next one: time-out, size, rate. */
const PASSING: readonly number[] = [408, 413, 429];
/** A server may invent codes without end. */
const MOST_DETAILS = 10;

/** What an answer to a binary request says. */
interface Found {
  /** Whether the server may take binary requests. */
  readonly isBinary: boolean;
  readonly prediction?: Prediction;
}

/**
 * Asks a server for predictions.
 *
 * Frames are posted to `/v2/models/{name}/infer` in binary. Whatever that does not answer is posted
 * to `/prediction/{name}` in JSON, whose answer or refusal is final. Vectors are posted in JSON at
 * once: they are smaller than the header of a binary request.
 */
export class Predictor {
  readonly #transport: Transport;
  readonly #networks: readonly Network[];
  /** Until the server refuses it. */
  #takesBinary: boolean;
  /** The texts of warnings, by code. */
  readonly #details = new Map<string, string>();

  constructor(transport: Transport, networks: readonly Network[]) {
    this.#transport = transport;
    this.#networks = networks;
    this.#takesBinary = isOwnOrigin(transport.address);
  }

  /** @throws ServerProblemError, NoServerError, WrongServerError */
  async predict(name: string, features: Features, baseline?: Baseline): Promise<Prediction> {
    const network = this.#find(name);
    if (network?.input !== "frames" || !this.#takesBinary) {
      return this.#postJson(name, features, baseline);
    }
    const { isBinary, prediction } = await this.#postBinary(network, features, baseline);
    if (prediction) return prediction;
    const other = await this.#postJson(name, features, baseline);
    if (!isBinary) this.#takesBinary = false; // only now: a request that both refuse says nothing
    this.#rememberDetail(other);
    return other;
  }

  /** The request of `POST /prediction` that has the same answer. */
  request(name: string, features: Features, baseline?: Baseline): { url: string; body: string } {
    return {
      url: this.#transport.url(predictionPath(name)).href,
      body: JSON.stringify(this.#body(name, features, baseline)),
    };
  }

  async #postBinary(network: Network, features: Features, baseline?: Baseline): Promise<Found> {
    const path = `/v2/models/${encodeURIComponent(network.networkType)}/infer`;
    const { headers, body } = binaryRequest(network, features, baseline);
    return this.#read(path, await this.#transport.post(path, body, headers));
  }

  #read(path: string, { status, content }: Answer): Found {
    if (status !== 200) return { isBinary: PASSING.includes(status) || status >= 500 };
    try {
      const document = predictionDocument(this.#transport.parse(path, content), this.#details);
      if (document === undefined) return { isBinary: true };
      if (predictionFault(document) !== undefined) return { isBinary: false };
      return { isBinary: true, prediction: document as Prediction };
    } catch {
      return { isBinary: false };
    }
  }

  async #postJson(name: string, features: Features, baseline?: Baseline): Promise<Prediction> {
    const path = predictionPath(name);
    const answer = await this.#transport.postJson(path, this.#body(name, features, baseline));
    const fault = predictionFault(answer);
    if (fault !== undefined) {
      throw this.#transport.wrongServer(`unexpected response for ${path}: ${fault}`);
    }
    return answer as Prediction;
  }

  #body(name: string, features: Features, baseline: Baseline | undefined): PredictionBody {
    return predictionBody(this.#find(name), features, baseline);
  }

  #find(name: string): Network | undefined {
    const wanted = name.toLowerCase();
    return this.#networks.find((each) => each.networkType.toLowerCase() === wanted);
  }

  #rememberDetail({ warning }: Prediction): void {
    if (warning && this.#details.size < MOST_DETAILS) {
      this.#details.set(warning.code, warning.detail);
    }
  }
}

function predictionPath(network: string): string {
  return `/prediction/${encodeURIComponent(network)}`;
}

/** Where the address is of another origin, the server must allow each header: JSON needs fewer. */
function isOwnOrigin(address: string): boolean {
  const { origin } = globalThis as { readonly origin?: string }; // undefined outside browsers
  return origin === undefined || origin === new URL(address).origin;
}

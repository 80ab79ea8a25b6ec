/** Posts the features of clips in the smallest form that the server takes. */

import type { Baseline } from "../baseline.js";
import type { Features } from "../extraction/features.js";
import { predictionFault, type Prediction } from "../handshake/answers.js";
import { pathOf } from "../handshake/file.js";
import type { Network } from "../handshake/handshake.js";
import type { Answer, Transport } from "../http/transport.js";
import { predictionBody, type PredictionBody } from "./members.js";
import { binaryRequest, predictionDocument } from "./tensors.js";

/** Such a refusal of a binary request says nothing of the next one: time-out, size, failure. */
const PASSING: readonly number[] = [408, 413, 500];

/**
 * Asks a server for predictions.
 *
 * Frames are posted in binary where the handshake says that the server takes them. What is refused
 * there is posted to `/prediction/{name}` in JSON, whose answer or refusal is final. Vectors are
 * posted in JSON at once: they are smaller than the header of a binary request.
 */
export class Predictor {
  readonly #transport: Transport;
  readonly #networks: readonly Network[];
  /** Until a proxy, which the handshake does not know, refuses it. */
  #takesBinary: boolean;

  constructor(transport: Transport, networks: readonly Network[]) {
    this.#transport = transport;
    this.#networks = networks;
    this.#takesBinary = isOwnOrigin(transport.address);
  }

  /** @throws ServerProblemError, NoServerError, WrongServerError */
  async predict(name: string, features: Features, baseline?: Baseline): Promise<Prediction> {
    const network = this.#find(name);
    const path = network?.input === "frames" ? binaryPath(network) : undefined;
    if (network === undefined || path === undefined || !this.#takesBinary) {
      return this.#postJson(name, features, baseline);
    }
    const { headers, body } = binaryRequest(network, features, baseline);
    const answer = await this.#transport.post(path, body, headers);
    const prediction = this.#read(path, answer);
    if (prediction) return prediction;
    const other = await this.#postJson(name, features, baseline);
    // Only now: a request that both refuse says nothing.
    this.#takesBinary = PASSING.includes(answer.status);
    return other;
  }

  /** The request of `POST /prediction` that has the same answer. */
  request(name: string, features: Features, baseline?: Baseline): { url: string; body: string } {
    return {
      url: this.#transport.url(predictionPath(name)).href,
      body: JSON.stringify(this.#body(name, features, baseline)),
    };
  }

  /** The prediction in the answer to a binary request; undefined: there is none. */
  #read(path: string, { status, content }: Answer): Prediction | undefined {
    if (status !== 200) return undefined;
    try {
      const document = predictionDocument(this.#transport.parse(path, content));
      return predictionFault(document) === undefined ? (document as Prediction) : undefined;
    } catch {
      return undefined; // it is the answer of something else
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
}

/** Where the network takes binary tensors and answers with whole warnings. */
function binaryPath({ inference }: Network): string | undefined {
  return inference?.binary && inference.warningDetails ? pathOf(inference) : undefined;
}

function predictionPath(network: string): string {
  return `/prediction/${encodeURIComponent(network)}`;
}

/** Where the address is of another origin, the server must allow each header: JSON needs fewer. */
function isOwnOrigin(address: string): boolean {
  const { origin } = globalThis as { readonly origin?: string }; // undefined outside browsers
  return origin === undefined || origin === new URL(address).origin;
}

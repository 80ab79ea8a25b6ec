/** The messages between the page and its worker. */

import type {
  Baseline,
  Features,
  Handshake,
  Prediction,
  Verification,
} from "speech-emotion-extractor";

import type { FaultMessage } from "../faults.js";

/** A request of the client, with the status of its response. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
  /** The JSON of the body; empty if there was no body. */
  readonly body: string;
  /** The bytes of the body after its JSON. */
  readonly tensors: Uint8Array;
  /** Undefined if there was no response. */
  readonly status: number | undefined;
}

export interface PredictionWithRequest extends Prediction {
  /** The POST request of this prediction, with its JSON body; locally it was not made. */
  readonly request: { readonly url: string; readonly body: string };
}

/** The worker's functions: all computation, and all requests to the server. */
export interface Engine {
  /** Performs the handshake with the server at an address, with an API key if it needs one. */
  connect(address: string, apiKey?: string): Promise<Handshake>;
  /** Compares the features that this browser computes with the server's; locally posts nothing. */
  verify(locally: boolean): Promise<Verification[]>;
  /** Resamples mono samples from `rate` Hz to the sample rate of the features. */
  resample(samples: Float32Array<ArrayBuffer>, rate: number): Promise<Float32Array<ArrayBuffer>>;
  /** Computes the features of samples at `rate` Hz; two channels are interleaved. */
  extract(samples: Float32Array, rate: number, channels: number): Promise<Features>;
  predict(
    network: string,
    features: Features,
    baseline: Baseline | undefined,
    locally: boolean,
  ): Promise<PredictionWithRequest>;
}

export type Method = keyof Engine;

export interface Call {
  readonly id: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

export type FromWorker =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly fault: FaultMessage }
  | { readonly sent: SentRequest }
  | { readonly fetched: readonly string[] };

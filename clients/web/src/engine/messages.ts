/** What the page and its worker say to each other. */

import type { Features, Handshake, Prediction, Verification } from "speech-emotion-extractor";

import type { FaultMessage } from "../faults.js";

/** A request that the client made, and what came of it. */
export interface SentRequest {
  readonly method: string;
  readonly url: string;
  /** The body, JSON text; empty where nothing was sent. */
  readonly body: string;
  /** Of the answer; undefined where there was none. */
  readonly status: number | undefined;
}

export interface Heard extends Prediction {
  /** The request that was answered: a POST of JSON text. */
  readonly request: { readonly url: string; readonly body: string };
}

/** What the worker does; everything that takes time or talks to the server. */
export interface Engine {
  /** Does the handshake with the server at an address. */
  connect(address: string): Promise<Handshake>;
  /** Checks the features that are computed here against the server's. */
  verify(): Promise<Verification[]>;
  /** Mono samples at `rate` Hz to the rate of the features. */
  resample(samples: Float32Array<ArrayBuffer>, rate: number): Promise<Float32Array<ArrayBuffer>>;
  /** At the rate of the features. */
  extract(samples: Float32Array): Promise<Features>;
  predict(network: string, features: Features): Promise<Heard>;
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

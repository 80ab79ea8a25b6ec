/** The worker: computes features and makes requests without blocking the page. */

import { Client, NoServerError, Resampler } from "speech-emotion-extractor";

import { describe } from "./describe.js";
import type { Call, Engine, FromWorker, SentRequest } from "./messages.js";

/** The header with the length of the JSON before binary tensors. */
const JSON_BYTES = "Inference-Header-Content-Length";

let connected: Client | undefined;
const resamplers = new Map<number, Resampler>();

function client(): Client {
  if (connected === undefined) throw new NoServerError("There is no connection yet.");
  return connected;
}

/** Fetches, and posts a record of the request to the page. */
const loggingFetch: typeof fetch = async (resource, options) => {
  let status: number | undefined;
  try {
    const response = await fetch(resource, options);
    status = response.status;
    return response;
  } finally {
    const method = options?.method ?? "GET";
    post({ sent: { method, url: String(resource), ...partsOf(options), status } });
  }
};

/** The JSON of a request's body, and the bytes after it. */
function partsOf(options: RequestInit | undefined): Pick<SentRequest, "body" | "tensors"> {
  const { body, headers } = options ?? {};
  if (!(body instanceof Uint8Array)) return { body: String(body ?? ""), tensors: new Uint8Array() };
  const bytes: Uint8Array = body;
  const length = Number(new Headers(headers).get(JSON_BYTES));
  return {
    body: new TextDecoder().decode(bytes.subarray(0, length)),
    tensors: bytes.slice(length),
  };
}

function startExtractor(): Worker {
  const worker = new Worker(new URL("./extractor.worker.ts", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<object>) => {
    if ("fetched" in data) post(data as FromWorker);
  });
  return worker;
}

const engine: Engine = {
  async connect(address, apiKey) {
    const key = apiKey === undefined ? {} : { apiKey };
    const options = { send: loggingFetch, worker: startExtractor, ...key };
    connected = await Client.connect(address, options);
    return connected.handshake;
  },

  async verify(locally) {
    return locally ? client().verifyLocally() : client().verify();
  },

  async resample(samples, rate) {
    const resampler = resamplers.get(rate) ?? new Resampler(rate, client().sampleRate);
    resamplers.set(rate, resampler);
    return resampler.resample(samples);
  },

  async extract(samples, rate, channels) {
    return client().extract(samples, rate, channels);
  },

  async predict(network, features, baseline, locally) {
    const prediction = locally
      ? await client().predictLocally(network, features, baseline)
      : await client().predict(network, features, baseline);
    return { ...prediction, request: client().predictionRequest(network, features, baseline) };
  },
};

function post(message: FromWorker): void {
  postMessage(message);
}

addEventListener("message", async ({ data: { id, method, args } }: MessageEvent<Call>) => {
  try {
    const call = engine[method] as (...args: readonly unknown[]) => Promise<unknown>;
    post({ id, value: await call(...args) });
  } catch (error) {
    post({ id, fault: describe(error) });
  }
});

new PerformanceObserver((list) =>
  post({ fetched: list.getEntries().map((entry) => entry.name) }),
).observe({ type: "resource", buffered: true });

/**
 * Runs the module under Node for tests. It reads one JSON request per line from stdin and writes
 * one response per line to stdout. Audio is read from files of raw float32; arrays are written as
 * base64 of raw float32.
 */

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Worker as Thread } from "node:worker_threads";

import { env } from "onnxruntime-web/wasm";
import {
  Client,
  FeatureExtractor,
  readBaseline,
  Resampler,
  withClip,
  type Baseline,
  type ClientOptions,
  type Features,
  type Recording,
  type Shape,
} from "speech-emotion-extractor";

interface Request {
  readonly command: keyof typeof commands;
  readonly [argument: string]: unknown;
}

/** A thread of Node with the interface of a web worker. */
function startThread(): Worker {
  const thread = new Thread(new URL("./thread.js", import.meta.url));
  const worker = {
    postMessage: (message: unknown) => thread.postMessage(message),
    terminate: () => void thread.terminate(),
  } as Worker;
  thread.on("message", (data) => worker.onmessage?.(new MessageEvent("message", { data })));
  thread.on("error", (error) => worker.onerror?.(error as unknown as ErrorEvent));
  thread.unref();
  return worker;
}

// A browser fetches the runtime from the script's folder; Node cannot fetch files.
const runtime = import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm");
env.wasm.wasmBinary = (await readFile(fileURLToPath(runtime))).buffer;

/** Computes the features of the clip of a request. */
let extract: (samples: Float32Array, request: Request) => Promise<Features>;
let client: Client;

const commands = {
  async load({ model, recipe, recording }: Request): Promise<object> {
    const content = await readFile(String(model));
    const extractor = await FeatureExtractor.load(
      content,
      recipe as Shape,
      recording as Recording | undefined,
    );
    extract = (samples, { channels }) => extractor.extract(samples, channels as number | undefined);
    return {};
  },

  /** @param origin of a page, which only browsers have */
  async connect({ address, inThread, options, origin }: Request): Promise<object> {
    Object.assign(globalThis, { origin });
    client = await Client.connect(String(address), {
      ...(options as ClientOptions | undefined),
      ...(inThread === true && { worker: startThread }),
    });
    extract = (samples, { rate, channels }) =>
      client.extract(samples, rate as number | undefined, channels as number | undefined);
    return client.handshake;
  },

  async extract(request: Request): Promise<object> {
    const start = performance.now();
    const features = await extract(await readSamples(request["audio"]), request);
    const milliseconds = performance.now() - start;
    const { frames, frameCount, mfccs, prosody, prosodyStatistics } = features;
    return {
      frames: base64(frames),
      frameCount,
      mfccs: base64(mfccs),
      ...(prosody && { prosody: base64(prosody) }),
      ...(prosodyStatistics && { prosodyStatistics: base64(prosodyStatistics) }),
      milliseconds,
    };
  },

  async predict(request: Request): Promise<object> {
    const features = await extract(await readSamples(request["audio"]), request);
    const baseline = request["baseline"] as Baseline | undefined;
    return client.predict(String(request["network"]), features, baseline);
  },

  async predictLocally(request: Request): Promise<object> {
    const features = await extract(await readSamples(request["audio"]), request);
    return client.predictLocally(String(request["network"]), features);
  },

  async resample({ audio, from, to }: Request): Promise<object> {
    const resampler = new Resampler(Number(from), Number(to));
    return { samples: base64(resampler.resample(await readSamples(audio))) };
  },

  async sampleRates(): Promise<object> {
    return client.sampleRates;
  },

  /** The baseline of one clip more than the given one. */
  async withClip(request: Request): Promise<object> {
    const features = await extract(await readSamples(request["audio"]), request);
    const baseline = request["baseline"];
    return withClip(baseline == null ? undefined : readBaseline(baseline), features);
  },

  async readBaseline({ baseline }: Request): Promise<object> {
    return readBaseline(baseline);
  },

  async verify(): Promise<object> {
    return client.verify();
  },
};

async function readSamples(path: unknown): Promise<Float32Array> {
  const { buffer, byteOffset, byteLength } = await readFile(String(path));
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

function base64({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

async function answer(line: string): Promise<object> {
  const request = JSON.parse(line) as Request;
  try {
    return { result: await commands[request.command](request) };
  } catch (error) {
    const { name, message } = error as Error;
    return { error: { ...(error as object), name, message } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(line)));
}

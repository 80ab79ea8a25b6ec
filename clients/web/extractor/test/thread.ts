/** Runs the extractor in a thread of Node. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parentPort } from "node:worker_threads";

import { env } from "onnxruntime-web/wasm";
import { serveExtractor, type Port } from "speech-emotion-extractor";

const runtime = import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm");
env.wasm.wasmBinary = (await readFile(fileURLToPath(runtime))).buffer;
serveExtractor(parentPort as unknown as Port);

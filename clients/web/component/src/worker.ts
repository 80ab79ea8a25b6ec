/** Runs the extractors and networks; the page names the WebAssembly, which this script cannot find. */

import { env } from "onnxruntime-web/wasm";
import { serveExtractor } from "speech-emotion-extractor";

addEventListener("message", (event: MessageEvent<{ readonly wasm?: string }>) => {
  const { wasm } = event.data;
  if (wasm === undefined) return;
  env.wasm.wasmPaths = { wasm };
  event.stopImmediatePropagation(); // it is no order for the extractor
});
serveExtractor(self);

/** Runs the server's extractor, so that one that never ends can be ended. */

import { serveExtractor } from "speech-emotion-extractor";

import type { FromWorker } from "./messages.js";

serveExtractor(self);

new PerformanceObserver((list) => {
  const fetched = list.getEntries().map((entry) => entry.name);
  postMessage({ fetched } satisfies FromWorker);
}).observe({ type: "resource", buffered: true });

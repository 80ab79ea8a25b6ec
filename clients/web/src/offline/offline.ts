/** Keeps the page and the server's files in the browser, so that it works without a network. */

import type { Handshake } from "speech-emotion-extractor";

import { find } from "../dom.js";
import type { RequestObserver } from "../engine/engine.js";

/** What the service worker fetched, as it tells the page. */
interface Fetched {
  readonly fetched: readonly string[];
}

/** Starts the service worker, where the browser allows one, and names the files to keep. */
export function keepOffline(handshake: Handshake, observer: RequestObserver): void {
  // Browsers have none on pages that another machine serves over HTTP.
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!container) return;
  container.addEventListener("message", ({ data }: MessageEvent<Fetched>) => {
    observer.fetched(data.fetched);
    find("offline", HTMLElement).hidden = false;
  });
  void keep(container, filesOf(handshake)).catch(() => undefined); // the page works without it
}

async function keep(container: ServiceWorkerContainer, files: readonly string[]): Promise<void> {
  await container.register("service-worker.js", { scope: "./", updateViaCache: "none" });
  const { active } = await container.ready;
  active?.postMessage({ keep: files });
}

/** The handshake and the files of all sample rates and networks. */
function filesOf({ extractor, reference, recordings, references, networks }: Handshake): string[] {
  const files = [
    extractor,
    reference,
    ...(recordings?.extractors ?? []),
    ...(references ?? []),
    ...networks.flatMap(({ file }) => file ?? []),
  ];
  const paths = ["init/configuration", ...files.map(({ url }) => url.replace(/^\/+/, ""))];
  return paths.map((path) => new URL(path, new URL(".", location.href)).href);
}

/**
 * The service worker: keeps the page's own files, the handshake and the files that it names.
 *
 * Assets and files with a hash never change and come from the cache. The page and the handshake come
 * from the server, and from the cache if there is no network. Posts are never touched.
 */

// TypeScript's libraries of pages and of service workers exclude each other.
interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Sent extends Extendable {
  readonly data: { readonly keep: readonly string[] };
  readonly source: { postMessage(message: unknown): void } | null;
}
declare const __FILES__: readonly string[]; // of the build, relative to this script

const HERE = new URL(".", location.href);
// One origin may have several servers, each below a path of its own.
const PAGE = `speech-emotion-page ${HERE.pathname}`;
const FILES = `speech-emotion-files ${HERE.pathname}`;

function on<E extends Event>(type: string, listener: (event: E) => void): void {
  addEventListener(type, listener as (event: Event) => void);
}

on<Extendable>("install", (event) => {
  const worker = self as unknown as { skipWaiting(): Promise<void> };
  event.waitUntil(keep(PAGE, __FILES__.map(absolute)).then(() => worker.skipWaiting()));
});

on<Extendable>("activate", (event) => {
  const { clients } = self as unknown as { clients: { claim(): Promise<void> } };
  event.waitUntil(clients.claim());
});

on<Sent>("message", (event) => {
  const { source, data } = event;
  event.waitUntil(
    keep(FILES, data.keep).then(
      (fetched) => source?.postMessage({ fetched }),
      () => undefined,
    ),
  );
});

on<Fetching>("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(HERE.href)) return;
  event.respondWith(isFixed(request.url) ? cachedOrFetched(request) : fetchedOrCached(request));
});

/** Adds what is missing in a cache and removes what is no longer needed; returns what it fetched. */
async function keep(name: string, urls: readonly string[]): Promise<string[]> {
  const cache = await caches.open(name);
  const known = new Set((await cache.keys()).map(({ url }) => url));
  const missing = urls.filter((url) => !known.has(url) || !isFixed(url));
  await Promise.all(missing.map((url) => cache.add(url)));
  const wanted = new Set(urls);
  await Promise.all([...known].filter((url) => !wanted.has(url)).map((url) => cache.delete(url)));
  return missing;
}

/** Whether what is at an address below this script's never changes. */
function isFixed(url: string): boolean {
  return url.startsWith(absolute("assets/")) || url.includes("?sha256=");
}

async function cachedOrFetched(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

async function fetchedOrCached(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request, { ignoreSearch: request.mode === "navigate" });
    if (kept) return kept;
    throw error;
  }
}

function absolute(path: string): string {
  return new URL(path, HERE).href;
}

/** Every request that the page has made, as the browser and the client saw them. */

import { find, makeRow } from "../dom.js";
import type { SentRequest } from "../engine/messages.js";
import type { Witness } from "../engine/engine.js";
import { log } from "../strings.js";

export class RequestLog implements Witness {
  readonly #summary = find("log-summary", HTMLElement);
  readonly #rows = find("log-rows", HTMLTableSectionElement);
  readonly #hosts = new Set<string>();
  /** Addresses that the client tells of itself, with more than the browser's list holds. */
  readonly #told = new Set<string>();
  #requests = 0;
  #bytesSent = 0;

  constructor() {
    const observer = new PerformanceObserver((list) =>
      this.fetched(list.getEntries().map(({ name }) => name)),
    );
    observer.observe({ type: "resource", buffered: true });
    this.fetched([location.href]);
  }

  sent({ method, url, body, status }: SentRequest): void {
    this.#told.add(url);
    this.#bytesSent += body.length; // JSON of numbers: one byte a character
    this.#add(url, method, describe(body), status === undefined ? log.noAnswer : String(status));
  }

  fetched(urls: readonly string[]): void {
    for (const url of urls) {
      if (url.startsWith("http") && !this.#told.has(url)) this.#add(url, "GET", log.nothing, "");
    }
  }

  #add(address: string, method: string, sent: string, status: string): void {
    const url = new URL(address);
    this.#requests += 1;
    this.#hosts.add(url.host);
    this.#rows.append(makeRow(url.pathname, method, sent, status));
    this.#summarise();
  }

  #summarise(): void {
    const foreign = [...this.#hosts].filter((host) => host !== location.host);
    const summary = log.summary(this.#requests, this.#bytesSent, location.host);
    this.#summary.textContent =
      foreign.length === 0 ? summary : `${summary} ${log.foreign(foreign.join(", "))}`;
  }
}

/** A body in words: how many numbers it holds. */
function describe(body: string): string {
  if (body === "") return log.nothing;
  const frames = (body.match(/\[/g) ?? []).length - 1; // beside the list of all
  return frames === 0 ? log.vector(body.length) : log.frames(frames, body.length);
}

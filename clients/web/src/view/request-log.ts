/** Lists every request of the page, as reported by the browser and by the client. */

import { find, makeRow } from "../dom.js";
import type { SentRequest } from "../engine/messages.js";
import type { RequestObserver } from "../engine/engine.js";
import { log } from "../strings.js";

export class RequestLog implements RequestObserver {
  readonly #summary = find("log-summary", HTMLElement);
  readonly #rows = find("log-rows", HTMLTableSectionElement);
  readonly #hosts = new Set<string>();
  /** Addresses that the client reported; the browser's list of them has fewer details. */
  readonly #reported = new Set<string>();
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
    this.#reported.add(url);
    this.#bytesSent += body.length; // JSON of numbers: one byte per character
    this.#add(url, method, describe(body), status === undefined ? log.noAnswer : String(status));
  }

  fetched(urls: readonly string[]): void {
    for (const url of urls) {
      if (url.startsWith("http") && !this.#reported.has(url))
        this.#add(url, "GET", log.nothing, "");
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

/** Describes a body by the number of its values. */
function describe(body: string): string {
  if (body === "") return log.nothing;
  const frames = (body.match(/\[/g) ?? []).length - 1; // without the outer list
  return frames === 0 ? log.vector(body.length) : log.frames(frames, body.length);
}

/** Lists every request of the page, as reported by the browser and by the client. */

import { find, make, makeRow } from "../../dom.js";
import type { SentRequest } from "../../engine/messages.js";
import type { RequestObserver } from "../../engine/engine.js";
import { log } from "../../strings/index.js";
import { describeBody } from "./sent-body.js";

/** Live mode posts once a second, so that older bodies would fill the memory. */
const MOST_BODIES = 20;

export class RequestLog implements RequestObserver {
  readonly #summary = find("log-summary", HTMLElement);
  readonly #rows = find("log-rows", HTMLTableSectionElement);
  readonly #hosts = new Set<string>();
  /** Addresses that the client reported; the browser's list of them has fewer details. */
  readonly #reported = new Set<string>();
  /** Of the latest rows with a body. */
  #bodies: Shown[] = [];
  #requests = 0;
  #bytesSent = 0;
  #baselinesSent = 0;

  constructor() {
    const observer = new PerformanceObserver((list) =>
      this.fetched(list.getEntries().map(({ name }) => name)),
    );
    observer.observe({ type: "resource", buffered: true });
    this.fetched([location.href]);
  }

  sent(request: SentRequest): void {
    const { method, url, body, tensors, status } = request;
    this.#reported.add(url);
    this.#bytesSent += body.length + tensors.length; // JSON of numbers: one byte per character
    const sent = body === "" ? log.nothing : this.#describe(request);
    this.#add(url, method, sent, status === undefined ? log.noAnswer : String(status));
  }

  fetched(urls: readonly string[]): void {
    for (const url of urls) {
      if (url.startsWith("http") && !this.#reported.has(url))
        this.#add(url, "GET", log.nothing, "");
    }
  }

  /** Forgets the bodies with a baseline; what they contained stays in words. */
  forgetBaselines(): void {
    this.#bodies.filter(({ hasBaseline }) => hasBaseline).forEach(forget);
    this.#bodies = this.#bodies.filter(({ hasBaseline }) => !hasBaseline);
  }

  #add(address: string, method: string, sent: Node | string, status: string): void {
    const url = new URL(address);
    this.#requests += 1;
    this.#hosts.add(url.host);
    this.#rows.append(makeRow(url.pathname, method, sent, status));
    this.#summarise();
  }

  #summarise(): void {
    const foreign = [...this.#hosts].filter((host) => host !== location.host);
    const parts = [log.summary(this.#requests, this.#bytesSent, location.host)];
    if (this.#baselinesSent > 0) parts.push(log.baselines(this.#baselinesSent));
    if (foreign.length > 0) parts.push(log.foreign(foreign.join(", ")));
    this.#summary.textContent = parts.join(" ");
  }

  /** What the body contains; opened, it shows each number. */
  #describe(request: SentRequest): Node {
    const { summary, hasBaseline, text } = describeBody(request);
    if (hasBaseline) this.#baselinesSent += 1;
    const details = make("details", {}, make("summary", {}, summary));
    details.addEventListener("toggle", () => showBody(details, text()), { once: true });
    this.#bodies.push({ details, text: summary, hasBaseline });
    if (this.#bodies.length > MOST_BODIES) forget(this.#bodies.shift()!);
    return details;
  }
}

/** A row's body, and what the row shows without it. */
interface Shown {
  readonly details: HTMLDetailsElement;
  readonly text: string;
  readonly hasBaseline: boolean;
}

function showBody(details: HTMLDetailsElement, body: string): void {
  const text = make("pre", { className: "body", tabIndex: 0, ariaLabel: log.numbers }, body);
  text.setAttribute("role", "region");
  details.append(text);
}

function forget({ details, text }: Shown): void {
  details.replaceWith(text);
}

/** Lists every request of the page, as reported by the browser and by the client. */

import { find, make, makeRow } from "../dom.js";
import type { SentRequest } from "../engine/messages.js";
import type { RequestObserver } from "../engine/engine.js";
import { log } from "../strings.js";

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

  sent({ method, url, body, status }: SentRequest): void {
    this.#reported.add(url);
    this.#bytesSent += body.length; // JSON of numbers: one byte per character
    const sent = body === "" ? log.nothing : this.#describe(body);
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

  /** What the body contains; opened, it shows the body itself. */
  #describe(body: string): Node {
    const { mfccs, prosody, baseline } = JSON.parse(body) as Body;
    if (baseline) this.#baselinesSent += 1;
    const parts = [
      ...(mfccs ? [log.mfccs(sizeOf(mfccs))] : []),
      ...(prosody ? [log.prosody(sizeOf(prosody))] : []),
      ...(baseline ? [log.baseline(String(countOf(baseline)))] : []),
    ];
    const text = log.body(parts, body.length);
    const details = make("details", {}, make("summary", {}, text));
    details.addEventListener("toggle", () => showBody(details, body), { once: true });
    this.#bodies.push({ details, text, hasBaseline: baseline !== undefined });
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

interface Body {
  readonly mfccs?: Numbers;
  readonly prosody?: Numbers;
  readonly baseline?: object;
}

type Numbers = readonly number[] | readonly (readonly number[])[];

/** Such as `25`, or `130 × 25` for rows. */
function sizeOf(numbers: Numbers): string {
  const [first] = numbers;
  return Array.isArray(first) ? `${numbers.length} × ${first.length}` : String(numbers.length);
}

/** The numbers in any JSON value. */
function countOf(value: unknown): number {
  if (typeof value === "number") return 1;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce<number>((sum, each) => sum + countOf(each), 0);
}

function showBody(details: HTMLDetailsElement, body: string): void {
  const text = make("pre", { className: "body", tabIndex: 0, ariaLabel: log.numbers }, body);
  text.setAttribute("role", "region");
  details.append(text);
}

function forget({ details, text }: Shown): void {
  details.replaceWith(text);
}

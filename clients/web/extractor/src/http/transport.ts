/** HTTP requests to one server, with time-outs, and refusals as errors. */

import { BodyTooLongError, readBody } from "./body.js";
import {
  InvalidAddressError,
  NoServerError,
  ServerProblemError,
  WrongServerError,
  type ProblemDocument,
} from "../errors.js";
import { parseJson, plainText } from "../text.js";

const REQUEST_SECONDS = 30;
const MOST_JSON_BYTES = 1024 * 1024;
const LONGEST_RETRY_SECONDS = 3600;
/** Another form of the request would only be one more: rate, proxy, overload, time. */
const BUSY: readonly number[] = [429, 502, 503, 504];
const PROBLEM_TYPE = "application/problem+json";

export interface TransportOptions {
  /** Makes the requests: `fetch`, or a wrapper around it. */
  readonly send?: typeof fetch;
  /** Longest time of one request with its response, in seconds; 30 by default. */
  readonly requestSeconds?: number;
  /**
   * Of the server's operator, if the server needs one. It is sent as a header to this server alone,
   * and is part of no message and no address.
   */
  readonly apiKey?: string;
}

/** A response of any status. */
export interface Answer {
  /** 0 for a redirect, which a browser hides. */
  readonly status: number;
  readonly content: Uint8Array;
}

export class Transport {
  /** Ends in a slash. */
  readonly #address: URL;
  readonly #send: typeof fetch;
  readonly #requestSeconds: number;
  readonly #authorization: Readonly<Record<string, string>>;

  /**
   * Stores the address; the connection is made on first use.
   *
   * @param address `http://host:port`, optionally with a path prefix
   * @throws InvalidAddressError
   */
  constructor(address: string | URL, options: TransportOptions = {}) {
    this.#address = normalise(address);
    this.#send = options.send ?? ((...request) => fetch(...request));
    this.#requestSeconds = options.requestSeconds ?? REQUEST_SECONDS;
    this.#authorization =
      options.apiKey === undefined ? {} : { Authorization: `Bearer ${options.apiKey}` };
  }

  get address(): string {
    return this.#address.href;
  }

  /**
   * The address of a path of the server.
   *
   * @throws WrongServerError if it leads to another server, or out of the path prefix
   */
  url(path: string): URL {
    const relative = path.replace(/^\/+/, "");
    const url = URL.canParse(relative, this.#address)
      ? new URL(relative, this.#address)
      : undefined;
    if (
      url?.origin !== this.#address.origin ||
      !url.pathname.startsWith(this.#address.pathname) ||
      url.username !== this.#address.username
    ) {
      throw this.wrongServer(`it names a file of another server, ${plainText(path, 200)}`);
    }
    return url;
  }

  /** @param most limit in bytes, after decompression */
  async getBytes(path: string, most: number): Promise<Uint8Array> {
    return this.#accepted(path, {}, most);
  }

  async getJson(path: string): Promise<unknown> {
    return this.parse(path, await this.#accepted(path, {}, MOST_JSON_BYTES));
  }

  async postJson(path: string, document: unknown): Promise<unknown> {
    const request = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(document),
    };
    return this.parse(path, await this.#accepted(path, request, MOST_JSON_BYTES));
  }

  /**
   * Posts bytes, and returns the response whatever its status but that of a busy server.
   *
   * @throws NoServerError; WrongServerError if the response is too long; ServerProblemError
   */
  async post(
    path: string,
    body: Uint8Array<ArrayBuffer>,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    return this.#request(path, { method: "POST", headers, body }, async (response, url) => {
      if (BUSY.includes(response.status)) throw await refusal(url, response);
      return { status: response.status, content: await readBody(response, MOST_JSON_BYTES) };
    });
  }

  async #accepted(path: string, request: RequestInit, most: number): Promise<Uint8Array> {
    return this.#request(path, request, async (response, url) => {
      if (isRedirect(response)) {
        throw this.wrongServer(`it redirects ${path}; expected the address that this leads to`);
      }
      if (!response.ok) throw await refusal(url, response);
      return readBody(response, most);
    });
  }

  async #request<T>(
    path: string,
    request: RequestInit,
    read: (response: Response, url: URL) => Promise<T>,
  ): Promise<T> {
    const url = this.url(path);
    // One time limit for the header and the body; a redirect could lead to another server.
    const signal = AbortSignal.timeout(this.#requestSeconds * 1000);
    const headers = { ...request.headers, ...this.#authorization } as Record<string, string>;
    try {
      const sent = { ...request, headers, signal, redirect: "manual" } as const;
      return await read(await this.#send(url, sent), url);
    } catch (error) {
      if (error instanceof ServerProblemError || error instanceof WrongServerError) throw error;
      if (error instanceof BodyTooLongError) {
        throw this.wrongServer(`the response for ${path} has ${error.message}`, error);
      }
      throw new NoServerError(`${this.#noAnswer(error)} Check that the server runs.`, {
        cause: error,
      });
    }
  }

  #noAnswer(error: unknown): string {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    const reason = late ? ` within ${this.#requestSeconds} s` : "";
    return `No server answers at ${this.address}${reason}.`;
  }

  /** @throws WrongServerError if the response for the path is not JSON */
  parse(path: string, body: Uint8Array): unknown {
    try {
      return parseJson(new TextDecoder().decode(body));
    } catch (cause) {
      throw this.wrongServer(`the response for ${path} is not JSON`, cause);
    }
  }

  /** The error for a response that a speech emotion server does not give. */
  wrongServer(reason: string, cause?: unknown): WrongServerError {
    return new WrongServerError(
      `${this.address} is not a speech emotion server: ${reason}. Check the address.`,
      { cause },
    );
  }
}

function normalise(address: string | URL): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new InvalidAddressError(
      `"${address}" is not a server address; expected one like http://localhost:8080`,
    );
  }
  url.search = url.hash = "";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** A browser hides the status of a redirect that it does not follow. */
function isRedirect({ type, status }: Response): boolean {
  return type === "opaqueredirect" || (status >= 300 && status < 400);
}

/** The error for a response that reports a failure. */
async function refusal(url: URL, response: Response): Promise<Error> {
  const problem = await readProblem(response);
  const { status } = response;
  const busy = status === 429 || status >= 500;
  if (problem === undefined && !busy) {
    return new WrongServerError(
      `${url} answers ${status}; a speech emotion server does not answer this. Check the address.`,
    );
  }
  const retryAfter = Number(response.headers.get("Retry-After") ?? NaN);
  return new ServerProblemError(
    status,
    problem ?? {
      type: "about:blank",
      title: `Status ${status}`,
      detail: "The server is overloaded or unavailable. Try again in a moment.",
    },
    retryAfter >= 0 && retryAfter <= LONGEST_RETRY_SECONDS ? retryAfter : undefined,
  );
}

async function readProblem(response: Response): Promise<ProblemDocument | undefined> {
  const [type] = (response.headers.get("Content-Type") ?? "").split(";");
  try {
    const body = new TextDecoder().decode(await readBody(response, MOST_JSON_BYTES));
    const document = parseJson(body) as Partial<Record<string, unknown>>;
    if (type !== PROBLEM_TYPE) return inferenceProblem(response.status, document["error"]);
    return {
      type: text(document["type"], "about:blank"),
      title: text(document["title"], `Status ${response.status}`),
      detail: text(document["detail"], ""),
      ...(typeof document["pointer"] === "string" && { pointer: document["pointer"] }),
    };
  } catch {
    return undefined; // the content type is wrong, or the document is too long
  }
}

/** The error of the Open Inference Protocol has a text alone. */
function inferenceProblem(status: number, error: unknown): ProblemDocument | undefined {
  if (typeof error !== "string") return undefined;
  return { type: "about:blank", title: `Status ${status}`, detail: error };
}

function text(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

/** HTTP requests to one server, with time-outs, and refusals as errors. */

import {
  InvalidAddressError,
  NoServerError,
  ServerProblemError,
  WrongServerError,
  type ProblemDocument,
} from "./errors.js";

const TIMEOUT_SECONDS = 30;
const PROBLEM_TYPE = "application/problem+json";

export class Transport {
  /** Ends in a slash. */
  readonly #address: URL;
  readonly #send: typeof fetch;

  /**
   * Stores the address; the connection is made on first use.
   *
   * @param address `http://host:port`, optionally with a path prefix
   * @param send makes the requests
   * @throws InvalidAddressError
   */
  constructor(address: string | URL, send: typeof fetch = (...request) => fetch(...request)) {
    this.#address = normalise(address);
    this.#send = send;
  }

  get address(): string {
    return this.#address.href;
  }

  /** The address of a path of the server. */
  url(path: string): URL {
    return new URL(path.replace(/^\/+/, ""), this.#address);
  }

  async getBytes(path: string): Promise<Uint8Array> {
    return this.#request(
      path,
      {},
      async (response) => new Uint8Array(await response.arrayBuffer()),
    );
  }

  async getJson(path: string): Promise<unknown> {
    return this.#parse(path, await this.#request(path, {}, (response) => response.text()));
  }

  async postJson(path: string, document: unknown): Promise<unknown> {
    const request = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(document),
    };
    return this.#parse(path, await this.#request(path, request, (response) => response.text()));
  }

  async #request<T>(
    path: string,
    request: RequestInit,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const url = this.url(path);
    const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
    try {
      const response = await this.#send(url, { ...request, signal });
      if (!response.ok) throw await refusal(url, response);
      return await read(response);
    } catch (error) {
      if (error instanceof ServerProblemError || error instanceof WrongServerError) throw error;
      throw new NoServerError(`${this.#noAnswer(error)} Check that the server runs.`, {
        cause: error,
      });
    }
  }

  #noAnswer(error: unknown): string {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    const reason = late ? ` within ${TIMEOUT_SECONDS} s` : "";
    return `No server answers at ${this.address}${reason}.`;
  }

  #parse(path: string, text: string): unknown {
    try {
      return JSON.parse(text);
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
    Number.isFinite(retryAfter) ? retryAfter : undefined,
  );
}

async function readProblem(response: Response): Promise<ProblemDocument | undefined> {
  const [type] = (response.headers.get("Content-Type") ?? "").split(";");
  if (type !== PROBLEM_TYPE) return undefined;
  try {
    const document = (await response.json()) as Partial<Record<string, unknown>>;
    return {
      type: String(document["type"] ?? "about:blank"),
      title: String(document["title"] ?? `Status ${response.status}`),
      detail: String(document["detail"] ?? ""),
      ...(typeof document["pointer"] === "string" && { pointer: document["pointer"] }),
    };
  } catch {
    return undefined; // the content type is wrong
  }
}

/** Buttons that copy the last request as a command or program. */

import { find } from "../../dom.js";
import type { PredictionWithRequest } from "../../engine/messages.js";
import { repeat } from "../../strings/index.js";

type Request = PredictionWithRequest["request"];

/** The body is a here-document: the frames of a long clip are too long for an argument. */
export function asCurl({ url, body }: Request): string {
  return `curl '${url}' --header 'Content-Type: application/json' --data @- <<'JSON'\n${body}\nJSON\n`;
}

export function asPython({ url, body }: Request): string {
  return `import json
import urllib.request

body = ${body}
request = urllib.request.Request(
    "${url}",
    data=json.dumps(body).encode(),
    headers={"Content-Type": "application/json"},
)
with urllib.request.urlopen(request) as response:
    print(json.dumps(json.load(response), indent=2))
`;
}

export class Repeat {
  readonly #code = find("code", HTMLTextAreaElement);
  readonly #copied = find("copied", HTMLElement);
  #request: Request | undefined;

  constructor() {
    const buttons = { "copy-curl": asCurl, "copy-python": asPython };
    for (const [id, write] of Object.entries(buttons)) {
      find(id, HTMLButtonElement).addEventListener("click", () => void this.#copy(write));
    }
  }

  set(request: Request): void {
    this.#request = request;
    this.#code.hidden = true;
    this.#code.value = ""; // it may have the usual voice
    this.#copied.textContent = "";
  }

  async #copy(write: (request: Request) => string): Promise<void> {
    if (this.#request === undefined) return;
    this.#code.value = write(this.#request);
    this.#code.hidden = false;
    try {
      await navigator.clipboard.writeText(this.#code.value);
      this.#copied.textContent = repeat.copied;
    } catch {
      // Browsers disable the clipboard on pages that another machine serves over HTTP.
      this.#code.select();
      this.#copied.textContent = repeat.selected;
    }
  }
}

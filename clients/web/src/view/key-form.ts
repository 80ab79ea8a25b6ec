/** Asks for the API key, in the place of notices. */

import { find, make } from "../dom.js";
import { apiKey } from "../strings/index.js";

/** Printable ASCII without spaces: what a header can have. */
const PATTERN = "[!-~]+";

/** @param isUnknown whether the server has refused a key */
export function askForKey(isUnknown: boolean): Promise<string> {
  const input = make("input", {
    type: "password",
    autocomplete: "off",
    required: true,
    pattern: PATTERN,
  });
  const form = make(
    "form",
    { className: "card notice" },
    make("h2", {}, apiKey.title),
    make("p", {}, isUnknown ? `${apiKey.unknown} ${apiKey.advice}` : apiKey.advice),
    make(
      "div",
      { className: "buttons" },
      make("label", {}, `${apiKey.label} `, input),
      make("button", {}, apiKey.use),
    ),
  );
  find("notice", HTMLElement).replaceChildren(form);
  input.focus();
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      form.remove();
      resolve(input.value);
    });
  });
}

/** The language of the page: its static texts, and the button that switches it. */

import { find } from "../dom.js";
import { textAt } from "../strings/index.js";

const ENGLISH = "en"; // what the build puts into index.html

/** Puts the texts of the chosen language into index.html, and shows the page. */
export function fillTexts(): void {
  if (document.documentElement.lang === ENGLISH) return;
  for (const element of document.querySelectorAll<HTMLElement>("[data-text]")) {
    element.textContent = textAt(element.dataset["text"]!);
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-label]")) {
    element.ariaLabel = textAt(element.dataset["label"]!);
  }
  document.documentElement.classList.add("translated");
}

/** What the page would not have any more when it is loaded again. */
const LOST =
  "#bars > li, #clips-list > li, #progress:not([hidden]), .capture:not([hidden]), #kept:not([hidden])";

/** The button stores the other language, and loads the page again in it; it asks first if need be. */
export function offerLanguage(): void {
  const button = find("language", HTMLButtonElement);
  button.hidden = !isStorageAllowed();
  const other = document.documentElement.lang === ENGLISH ? "de" : ENGLISH;
  button.lang = other;
  const change = (): void => {
    localStorage.setItem("language", other); // first.ts reads it
    location.reload();
  };
  const question = find("switch", HTMLDialogElement);
  question.addEventListener("close", () => question.returnValue && change());
  button.addEventListener("click", () =>
    document.querySelector(LOST) ? question.showModal() : change(),
  );
}

function isStorageAllowed(): boolean {
  try {
    return localStorage.length >= 0;
  } catch {
    return false; // the page could not remember the choice
  }
}

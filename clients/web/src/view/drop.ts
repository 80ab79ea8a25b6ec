/** Accepts files that are dropped anywhere on the page. */

import { find } from "../dom.js";

/** @param take is called with the dropped files, at least one */
export function acceptDrops(take: (files: readonly [File, ...File[]]) => void): void {
  const target = find("drop", HTMLElement);
  const over = (on: boolean): void => void target.classList.toggle("over", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault(); // otherwise the browser would open the file
    over(true);
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => over(relatedTarget !== null));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    const [first, ...others] = event.dataTransfer?.files ?? [];
    if (first) take([first, ...others]);
  });
}

/** Accepts files that are dropped anywhere on the page. */

import { find } from "../dom.js";

/** @param take is called with the first of the dropped files */
export function acceptDrops(take: (file: File) => void): void {
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
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
}

/** Files that are dropped anywhere on the page. */

import { find } from "../dom.js";

/** @param take gets the first of the files that were dropped together */
export function acceptDrops(take: (file: File) => void): void {
  const target = find("drop", HTMLElement);
  const over = (on: boolean): void => void target.classList.toggle("over", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault(); // else the browser would open the file in place of the page
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

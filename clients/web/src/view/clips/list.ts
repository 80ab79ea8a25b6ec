/** Lists the clips of this visit beside each other: file, length, emotions and doubt. */

import { asCsv, asJson } from "../../clips/export.js";
import type { Entry } from "../../clips/entry.js";
import { find } from "../../dom.js";
import { clips as words } from "../../strings/index.js";
import { ClipRow } from "./row.js";
import { download } from "./download.js";

export interface ClipActions {
  /** Called to show the result of a clip, and to analyse one again that failed. */
  choose(entry: Entry): void;
  /** Called to predict all clips with the chosen network. */
  predictAll(): void;
  clear(): void;
}

/** The network of the next prediction, and whether some clips were predicted otherwise. */
export interface Chosen {
  readonly network: string;
  readonly isOutdated: boolean;
}

export class ClipList {
  readonly #panel = find("clips", HTMLElement);
  readonly #status = find("clips-status", HTMLElement);
  readonly #list = find("clips-list", HTMLOListElement);
  readonly #again = find("clips-again", HTMLButtonElement);
  readonly #actions: ClipActions;
  readonly #rows = new Map<Entry, ClipRow>();
  #entries: readonly Entry[] = [];

  constructor(actions: ClipActions) {
    this.#actions = actions;
    const onClick = (id: string, act: () => void): void =>
      find(id, HTMLButtonElement).addEventListener("click", act);
    onClick("clips-csv", () => download("emotions.csv", "text/csv", asCsv(this.#entries)));
    onClick("clips-json", () =>
      download("emotions.json", "application/json", asJson(this.#entries)),
    );
    onClick("clips-again", () => {
      actions.predictAll();
      find("clips-scroll", HTMLElement).focus(); // the button has disappeared
    });
    onClick("clips-clear", () => actions.clear());
  }

  /** @param shown the entry whose result is shown */
  show(entries: readonly Entry[], shown: Entry | undefined, chosen: Chosen): void {
    this.#entries = entries;
    this.#open(entries.length > 1 || entries.some((each) => each !== shown && each.outcome));
    for (const [entry, row] of this.#rows) {
      if (entries.includes(entry)) continue;
      row.element.remove();
      this.#rows.delete(entry);
    }
    for (const entry of entries) this.#row(entry).update(entry === shown, chosen.network);
    this.#again.hidden = !chosen.isOutdated;
    this.#again.textContent = words.again(chosen.network);
    this.#tell(entries);
  }

  /** A single clip needs no list while it is shown. */
  #open(isOpen: boolean): void {
    const isFocused = this.#panel.contains(document.activeElement);
    this.#panel.hidden = !isOpen;
    if (isFocused && !isOpen) find("result", HTMLElement).focus(); // the button has disappeared
  }

  #row(entry: Entry): ClipRow {
    const known = this.#rows.get(entry);
    if (known) return known;
    const row = new ClipRow(entry, () => this.#actions.choose(entry));
    this.#rows.set(entry, row);
    this.#list.append(row.element);
    return row;
  }

  /** Screen readers read how many are done when it changes. */
  #tell(entries: readonly Entry[]): void {
    const count = (kind: Entry["state"]["kind"]): number =>
      entries.filter(({ state }) => state.kind === kind).length;
    const text = words.progress(count("done"), count("failed"), entries.length);
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }
}

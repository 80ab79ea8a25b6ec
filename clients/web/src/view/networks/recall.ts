/** The recall of a network, in words and as a table. */

import type { CorpusRecall, Network, Recall } from "speech-emotion-extractor";

import { make, makeRow } from "../../dom.js";
import { format, network as words, trust } from "../../strings/index.js";

/** Names of corpora as people say them; servers tell some as the folders of their training. */
export function spoken(names: string): string {
  return names.replace(/\bemodb(-2s)?\b/g, "EmoDB");
}

/** The recall, beside that of guessing and of listeners, in three lines. */
export function qualityOf(network: Network): string[] {
  const { emotions, newSpeakers, otherCorpora, speakerIndependentUar } = network;
  const measured = otherCorpora ?? newSpeakers;
  const people = (measured?.corpora ?? []).flatMap(({ listeners }) => listeners ?? []);
  const newVoices = words.newVoices(newSpeakers?.uar ?? speakerIndependentUar);
  const beside = words.beside(measured?.chance ?? 1 / emotions.length, people);
  return otherCorpora
    ? [words.elsewhere(otherCorpora.uar), newVoices, beside]
    : [newVoices, beside, words.notElsewhere];
}

/** How often the network is right, beside people, and what it was trained on. */
export function trustIn(network: Network): string {
  const { networkType, corpus, newSpeakers, otherCorpora, speakerIndependentUar } = network;
  const people = [otherCorpora, newSpeakers].flatMap((recall) =>
    (recall?.corpora ?? []).flatMap(({ listeners }) => listeners ?? []),
  );
  const parts = [
    otherCorpora ? trust.elsewhere(otherCorpora.uar) : undefined,
    trust.newVoices(newSpeakers?.uar ?? speakerIndependentUar),
    otherCorpora ? undefined : trust.notElsewhere,
    people.length > 0
      ? trust.people(Math.min(...people), Math.max(...people))
      : trust.peopleUnknown,
  ].filter((part) => part !== undefined);
  return trust.line(networkType, parts, spoken(corpus.name ?? ""));
}

/** The recall on each corpus; nothing for a network without. */
export function tableOf({ newSpeakers, otherCorpora }: Network): HTMLElement[] {
  const elsewhere = byName(otherCorpora);
  const newVoices = byName(newSpeakers);
  const rows = Array.from(new Map([...newVoices, ...elsewhere]), ([name, corpus]) => {
    const { chance, listeners } = corpus;
    const shares = [elsewhere.get(name)?.uar, newVoices.get(name)?.uar, chance, listeners];
    return makeRow(spoken(name), ...shares.map(percent));
  });
  if (rows.length === 0) return [];
  const columns = words.columns.map((text) => make("th", { scope: "col" }, text));
  const head = make("thead", {}, make("tr", {}, ...columns));
  const table = make("table", {}, head, make("tbody", {}, ...rows));
  return [make("details", {}, make("summary", {}, words.table), scrolling(table))];
}

function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? words.unknown : format.percent(share);
}

function byName(recall: Recall | null): Map<string, CorpusRecall> {
  return new Map(recall?.corpora.map((corpus) => [corpus.name, corpus]));
}

/** A table that scrolls sideways, also with the keyboard. */
function scrolling(table: HTMLTableElement): HTMLElement {
  const properties = { className: "scroll", tabIndex: 0, role: "region", ariaLabel: words.table };
  return make("div", properties, table);
}

/** What the network uses beside the MFCCs, and what that is worth. */
export function usesOf({ newSpeakers, optionalMembers, otherCorpora }: Network): HTMLElement[] {
  const uses = Object.entries(words.uses).filter(([name]) => optionalMembers.includes(name));
  if (uses.length === 0) return [];
  const measured = otherCorpora ?? newSpeakers;
  const worth = measured
    ? measured.baselineUar && words.withBaseline(measured.baselineUar)
    : words.without(uses.length);
  const texts = [words.alsoUses(uses.map(([, text]) => text)), ...(worth ? [worth] : [])];
  return [make("p", {}, texts.join(" "))];
}

/** The texts of an element in its language. */

import type { Words } from "../../src/engine/judgement.js";
import * as english from "../../src/strings/english.js";
import * as german from "../../src/strings/german.js";

/** What only the element says. */
const OWN = {
  noServer: 'The element <speech-emotion> needs the attribute "server": an address.',
  noNetwork: (name: string, known: readonly string[]) =>
    `The server has no network ${name}; expected one of ${known.join(", ")}.`,
  recording: "Recording",
  keyNeeded: "This server needs an API key, which pages of others cannot have.",
  local: "Computed on this device: nothing of your voice is sent.",
  remote: "Your voice stays on this device; numbers that are computed from it go to the server.",
};

const OWN_GERMAN: typeof OWN = {
  noServer: 'Das Element <speech-emotion> braucht das Attribut "server": eine Adresse.',
  noNetwork: (name, known) =>
    `Der Server hat kein Netz ${name}; erwartet wird eines von ${known.join(", ")}.`,
  recording: "Aufnahme läuft",
  keyNeeded: "Dieser Server verlangt einen API-Schlüssel, den fremde Seiten nicht haben können.",
  local: "Auf diesem Gerät berechnet: Nichts von Ihrer Stimme wird gesendet.",
  remote: "Ihre Stimme bleibt auf diesem Gerät; daraus berechnete Zahlen gehen an den Server.",
};

const ENGLISH = { ...english, element: OWN };
const GERMAN: Texts = { ...german, element: OWN_GERMAN };

export type Texts = typeof ENGLISH;

/** Those of the first known language of the tags; otherwise English. */
export function textsFor(tags: readonly string[]): {
  readonly lang: string;
  readonly texts: Texts;
} {
  const primary = tags.map((tag) => tag.split("-")[0]!.toLowerCase());
  const lang = primary.find((tag) => tag === "de" || tag === "en") ?? "en";
  return { lang, texts: lang === "de" ? GERMAN : ENGLISH };
}

/** The words of a headline. */
export function wordsOf({ result, doubts, emotions }: Texts): Words {
  const names: ReadonlyMap<string, string> = new Map(Object.entries(emotions));
  return {
    ...result,
    doubts: new Map(Object.entries(doubts)),
    nameOf: (label) => names.get(label) ?? label,
  };
}

/** The German texts of the page. */

import type * as english from "./english.js";
import type { Emotion, WarningCode } from "./labels.js";

const decimal = (value: number): string => value.toFixed(1).replace(".", ",");

const percent = (share: number): string => `${Math.round(share * 100)}\u00a0%`;

const seconds = (value: number): string => `${decimal(value)}\u00a0s`;

const bytes = (count: number): string =>
  count < 1_000 ? `${count} Byte` : `${decimal(count / 1_000)} kB`;

/** "60 % bis 70 %", or one percentage. */
const range = (shares: readonly number[]): string => {
  const [low, high] = [Math.min(...shares), Math.max(...shares)].map(percent);
  return low === high ? `${low}` : `${low} bis ${high}`;
};

export const format: typeof english.format = { percent, seconds, bytes };

export const page: typeof english.page = {
  title: "Emotionen in der Stimme",
  description: "Erkennt die Emotion in einer Stimme. Der Ton verlässt Ihr Gerät nicht.",
  lead: "Sagen Sie einen Satz und sehen Sie, nach welcher Emotion er klingt.",
  promise: "Der Ton verlässt Ihr Gerät nicht.",
  privacy: "Was Ihr Gerät verlässt",
  proof: "Alles ansehen, was gesendet wurde",
  skip: "Zum Ergebnis springen",
  noScript: "Diese Seite braucht JavaScript, um die Merkmale Ihrer Aufnahme zu berechnen.",
};

export const device: typeof english.device = {
  label: "Auf diesem Gerät",
  hintOn:
    "Das Netz läuft in diesem Browser. Schalten Sie dies aus, um stattdessen den Server zu fragen.",
  hintOff:
    "Das Netz läuft auf dem Server. Schalten Sie dies ein, damit es in diesem Browser läuft.",
  offline: "Diese Seite funktioniert jetzt auch ohne Internet.",
  promiseOn:
    "Alles wird auf diesem Gerät berechnet: Weder der Ton noch daraus berechnete Zahlen werden " +
    "gesendet.",
  promiseOff:
    "Der Ton verlässt Ihr Gerät nicht. Diese Seite sendet Zahlen, die sie daraus berechnet: für " +
    "manche Netze 25, für andere 25 je Augenblick. Aus diesen lassen sich Wörter womöglich zum " +
    "Teil erkennen.",
};

export const language: typeof english.language = {
  other: "English",
  ask: "Die Sprache wechseln?",
  loses: "Dafür wird die Seite neu geladen. Ihre Aufnahmen und Ergebnisse gehen dabei verloren.",
  change: "Wechseln",
  stay: "Hier bleiben",
};

export const docs: typeof english.docs = {
  title: "Emotionen in der Stimme: die API",
};

export const input: typeof english.input = {
  heading: "Ihre Stimme",
  choose: "Aufnahme auswählen",
  drop: "oder mehrere, oder hier ablegen: jedes Format, das Ihr Browser abspielt, bis zu 10 Minuten.",
  recordTexts: { start: "Aufnehmen", stop: "Aufnahme beenden" },
  liveTexts: { start: "Live zuhören", stop: "Zuhören beenden" },
  liveHint:
    "Live: jede Sekunde ein neues Ergebnis aus den letzten drei Sekunden. Die letzte Minute bleibt " +
    "im Arbeitsspeicher, zum Nachhören.",
  listening: (elapsed) => `Die Seite hört zu, ${elapsed}`,
  kept:
    "Was live zu hören war, höchstens die letzte Minute. Sie steht nur im Arbeitsspeicher dieser " +
    "Seite: Eine andere Aufnahme ersetzt sie, und mit der Seite verschwindet sie.",
  level: "Lautstärke",
  recording: (elapsed) => `Aufnahme läuft, ${elapsed}`,
  recordingName: (number) => `Aufnahme vom Mikrofon${number === 1 ? "" : ` (${number})`}`,
};

export const samples: typeof english.samples = {
  heading: "Kein Mikrofon zur Hand? Zum Ausprobieren:",
  names: { calm: "Tief und langsam", angry: "Laut und scharf", happy: "Hoch und lebhaft" },
  hint: "Künstliche Stimmen aus diesem Projekt. Sie sprechen keine Wörter.",
  file: (name) => `${name} (künstliche Stimme)`,
};

export const advanced: typeof english.advanced = {
  title: "Für Fortgeschrittene",
  contents: "ein anderes Netz, Ihre normale Stimme",
};

export const footer: typeof english.footer = {
  api: "Die API",
  card: "Über die Netze",
  licence: "Lizenz: Apache\u00a02.0",
};

export const status: typeof english.status = {
  connecting: "Verbindung zum Server wird hergestellt …",
  checking: "Es wird geprüft, ob dieser Browser die Merkmale richtig berechnet …",
  agrees: "Geprüft: Dieser Browser berechnet die Merkmale richtig.",
  disagrees:
    "Dieser Browser berechnet die Merkmale nicht richtig. Verlassen Sie sich nicht auf die " +
    "Ergebnisse.",
  unchecked: "Die Merkmale dieses Browsers konnten nicht geprüft werden.",
  reading: (name) => `${name} wird gelesen …`,
  computing: "Die Merkmale werden berechnet …",
  windows: (done, all) => `Abschnitt ${done} von ${all}`,
  liveQuiet: "Die Seite hört zu. Noch ist nichts zu hören.",
};

/** The uses that the networks of this project are not for. */
const LIMITS: ReadonlyMap<string, string> = new Map([
  [
    "decisions about a person: hiring, dismissal, credit, insurance, school, border or police",
    "Entscheidungen über einen Menschen: Einstellung, Kündigung, Kredit, Versicherung, Schule, " +
      "Grenze oder Polizei",
  ],
  ["medical or psychological diagnosis", "medizinische oder psychologische Diagnosen"],
  [
    "lie detection, or any claim about what a person truly feels",
    "das Erkennen von Lügen oder Aussagen darüber, was ein Mensch wirklich fühlt",
  ],
  [
    "watching people who have not agreed to it",
    "das Beobachten von Menschen, die dem nicht zugestimmt haben",
  ],
  [
    "languages, ages and recording conditions other than those trained on, without measuring",
    "andere Sprachen, Altersgruppen und Aufnahmebedingungen als die des Trainings, solange " +
      "niemand dort gemessen hat",
  ],
]);

export const network: typeof english.network = {
  heading: "Netz",
  none: "Der Server hat kein Netz.",
  meanings: {
    best: "Am genauesten",
    leastData: "Am wenigsten Daten",
    frames: "Hört jeden Augenblick",
    vector: "Hört nur den mittleren Klang",
    prosody: "mit Tonhöhe und Lautstärke",
  },
  elsewhere: (recall) => `${percent(recall)} richtig bei fremden Aufnahmen`,
  newVoices: (recall) => `${percent(recall)} richtig bei neuen Stimmen in bekannten Aufnahmen`,
  notElsewhere: "Bei fremden Aufnahmen nicht gemessen: Erwarten Sie dort weniger.",
  beside: (chance, listeners) =>
    [
      `geraten: ${percent(chance)}`,
      ...(listeners.length === 0 ? [] : [`Menschen: ${range(listeners)}`]),
    ].join("; "),
  explanation: (corpus, protocol) =>
    "Neue Stimmen kommen im Training nicht vor; bekannte Aufnahmen stammen aus denselben Quellen " +
    `wie die des Trainings. Ungewichteter Mittelwert der Trefferquoten (${corpus}; ${protocol}).`,
  explanationElsewhere:
    "Fremde Aufnahmen: Jede Quelle wurde mit einem Netz geprüft, das mit allen anderen Quellen " +
    "trainiert wurde. Erwarten Sie diesen Anteil bei Ihren eigenen Aufnahmen.",
  protocol: "Wie dies gemessen wurde",
  table: "Nach Quellen der Aufnahmen",
  columns: ["Quelle", "Fremd", "Neue Stimmen", "Geraten", "Menschen"],
  unknown: "\u2013",
  uses: { prosody: "Tonhöhe und Lautstärke", baseline: "Ihre normale Stimme" },
  alsoUses: (uses) => `Es nutzt auch ${uses.join(" und, wenn Sie möchten, ")}.`,
  without: (uses) => `Seine Trefferquote wurde ohne ${uses === 1 ? "dies" : "beides"} gemessen.`,
  withBaseline: (recall) =>
    `Sobald es zehn Aufnahmen Ihrer normalen Stimme kennt, liegt es in ${percent(recall)} der Fälle richtig.`,
  notFor: "Nicht geeignet für",
  limit: (text) => LIMITS.get(text) ?? text,
};

export const voice: typeof english.voice = {
  heading: "Ihre normale Stimme",
  hint:
    "Eine Emotion ist leichter zu hören, wenn man weiß, wie die Stimme sonst klingt. Diese Seite " +
    "kann das für Ihre Stimme lernen und hier speichern.",
  compare: "Mit meiner normalen Stimme vergleichen",
  kept: (clips, isKept) =>
    clips === 0
      ? "Nichts ist gespeichert."
      : `Aus ${clips === 1 ? "1 Aufnahme" : `${clips} Aufnahmen`} gelernt, in diesem Browser ` +
        `gespeichert${isKept ? "." : ", bis diese Seite geschlossen wird: Mehr erlaubt er nicht."}`,
  speakTexts: { start: "Ein paar Sätze sprechen", stop: "Beenden und speichern" },
  speakHint:
    "Erzählen Sie 10 bis 20 Sekunden lang mit Ihrer normalen Stimme, was Sie heute gemacht haben. " +
    "Der Ton wird nicht gespeichert.",
  level: "Lautstärke Ihrer Sätze",
  computing: "Wird berechnet …",
  add: (clips) =>
    clips === 0
      ? "Bisherige Aufnahmen speichern"
      : `Bisherige ${clips === 1 ? "Aufnahme" : `${clips} Aufnahmen`} speichern`,
  addHint: "Die Aufnahmen dieses Besuchs: nur, wenn alle von Ihrer eigenen Stimme sind.",
  forget: "Meine Stimme löschen",
  reveals: "Was das verrät und wo es bleibt",
  contents:
    "Gespeichert werden Mittelwert und Streuung von 25 MFCCs, Tonhöhe, Stimmhaftigkeit und " +
    "Lautstärke sowie die Zahl der Aufnahmen.",
  print:
    "Diese Werte ähneln einem Stimmabdruck: Sie verraten ungefähr Geschlecht und Alter, und mit " +
    "ihnen könnte man Sie in anderen Aufnahmen wiedererkennen.",
  stays:
    "Sie bleiben in diesem Browser, bis Sie sie löschen. Andere, die diesen Browser benutzen, " +
    "können sie lesen.",
  sent:
    "Solange der Vergleich eingeschaltet ist, gehen sie bei jeder Anfrage an diesen Server, der sie " +
    "nicht speichert. Auch eine kopierte Anfrage enthält sie.",
};

/** As they stand after "klingt". */
export const emotions: Record<Emotion, string> = {
  anger: "wütend",
  angry: "wütend",
  anxiety: "besorgt",
  anxious: "besorgt",
  bored: "gelangweilt",
  boredom: "gelangweilt",
  calm: "ruhig",
  contempt: "verächtlich",
  disgust: "angewidert",
  disgusted: "angewidert",
  fear: "ängstlich",
  fearful: "ängstlich",
  happiness: "fröhlich",
  happy: "fröhlich",
  neutral: "neutral",
  sad: "traurig",
  sadness: "traurig",
  surprise: "überrascht",
  surprised: "überrascht",
};

export const result: typeof english.result = {
  heading: "Wonach es klingt",
  empty: "Noch keine Aufnahme.",
  first:
    "Nehmen Sie einen Satz auf oder wählen Sie eine Datei: Dann erscheint hier ein Balken für jede " +
    "Emotion.",
  probabilities: "Wahrscheinlichkeit jeder Emotion",
  clear: (emotion) => `Klingt ${emotion}`,
  likely: (emotion) => `Klingt wahrscheinlich ${emotion}`,
  unclear: (first, second) => `Unklar: ${first} oder ${second}`,
  mixed: (emotions) => `Gemischt: ${emotions.join(", ")}`,
  doubt: "Unsicher",
  by: (networkType, isLocal) =>
    `ausgewertet von ${networkType}${isLocal ? " auf diesem Gerät" : ""}`,
  source: (name, length, by) => `${name}, ${seconds(length)}, ${by}`,
  average: (windows) => `Mittelwert über die ${windows} Abschnitte einer langen Aufnahme.`,
  live: (by) => `Live, ${by}`,
};

export const clips: typeof english.clips = {
  heading: "Ihre Aufnahmen",
  list: "Aufnahmen; eine Auswahl zeigt ihr Ergebnis",
  waiting: "wartet",
  running: (name) => `${name} wird ausgewertet`,
  progress: (done, failed, all) =>
    `${done} von ${all} ausgewertet` + (failed === 0 ? "." : `, ${failed} fehlgeschlagen.`),
  share: (emotion, share) => `${emotion} ${percent(share)}`,
  by: (networkType) => `von ${networkType}`,
  notAgain: (reason) => `erneute Auswertung fehlgeschlagen: ${reason}`,
  doubts: {
    clear: "deutlich",
    likely: "wahrscheinlich",
    unclear: "unklar",
    mixed: "gemischt",
    warned: "nur geraten",
  },
  again: (networkType) => `Alle mit ${networkType} auswerten`,
  csv: "Als CSV speichern",
  json: "Als JSON speichern",
  clear: "Liste leeren",
  hint: "Die Liste bleibt auf diesem Gerät, bis diese Seite geschlossen wird.",
};

export const why: typeof english.why = {
  caption: "Was den Ausschlag gab",
  captionOf: (emotion) => `Was für „${emotion}“ den Ausschlag gab`,
  computing: "Ein Teil nach dem anderen wird weggelassen …",
  offer: (requests) =>
    "Der Server kann noch einmal gefragt werden, wobei jeweils ein Teil fehlt: mit " +
    `${requests} weiteren Anfragen.`,
  ask: (requests) => `Mit ${requests} Anfragen herausfinden`,
  strongest: (emotion, start, end, whole, rest) =>
    `Vor allem ${start} bis ${end}: Ohne diesen Teil fällt „${emotion}“ von ${percent(whole)} auf ` +
    `${percent(rest)}.`,
  none: (emotion) =>
    `Kein einzelner Teil: Welcher auch fehlt, „${emotion}“ bleibt etwa gleich wahrscheinlich.`,
  hint:
    "Nach oben: Ohne diesen Teil ist das Ergebnis weniger wahrscheinlich; nach unten: " +
    "wahrscheinlicher. Nur eine Schätzung: Ein Teil nach dem anderen wird weggelassen, und was " +
    "übrig bleibt, ist keine natürliche Sprache.",
  listen: "Diesen Teil anhören",
};

export const doubts: Record<WarningCode, string> = {
  "outside-training-distribution": "Unsicher: Dies klingt nicht nach dem, was das Netz kennt",
  "baseline-of-another-voice": "Unsicher: Dies klingt nicht nach Ihrer normalen Stimme",
};

export const trust: typeof english.trust = {
  line: (networkType, parts, trainedOn) =>
    `${networkType} liegt richtig bei ${parts.join("; ")}.` +
    (trainedOn === "" ? "" : ` Trainiert wurde es mit ${trainedOn}.`),
  elsewhere: (recall) => `${percent(recall)} der fremden Aufnahmen`,
  newVoices: (recall) => `${percent(recall)} der neuen Stimmen in bekannten Aufnahmen`,
  people: (low, high) => `Menschen: ${range([low, high])}`,
  peopleUnknown: "Menschen: nicht gemessen",
  notElsewhere: "fremde Aufnahmen: nicht gemessen",
};

export const warningTitle: typeof english.warningTitle = "Das Ergebnis ist nur geraten";

export const warnings: Record<WarningCode, string> = {
  "outside-training-distribution":
    "Versuchen Sie es noch einmal mit zwei bis fünf Sekunden von nur einer Person, nah am Mikrofon, " +
    "ohne Musik und Lärm. Kommt die Warnung auch bei deutlicher Sprache, dann kennt das Netz solche " +
    "Stimmen oder Mikrofone nicht.",
  "baseline-of-another-voice":
    "Vielleicht ist es eine andere Person, ein anderes Mikrofon oder ein anderer Raum. Schalten Sie " +
    "den Vergleich aus, oder löschen Sie die Stimme und sprechen Sie noch einmal ein paar Sätze.",
};

export const views: typeof english.views = {
  waveform: "Wellenform",
  waveformLabel: (length) =>
    `Wellenform von ${seconds(length)} Ton. Klicken Sie, um von dort an zu hören.`,
  playback: "Aufnahme anhören",
  heatmap: "MFCC-Frames, die diese Seite aus dem Ton berechnet",
  heatmapLabel: (frames, coefficients) =>
    `Heatmap von ${frames} Frames mit je ${coefficients} Koeffizienten.`,
  heatmapHint:
    "Die Zeit ist die der Wellenform, der erste Koeffizient ist unten, und jede Zeile hat ihre " +
    "eigene Skala. Stille an beiden Enden ist weggelassen. Ein Netz, das Vektoren erhält, bekommt " +
    "nur den Mittelwert jeder Zeile. Tonhöhe, Stimmhaftigkeit und Lautstärke sind nicht im Bild.",
  heatmapWindow: (start, end) => `Zu sehen: ${start} bis ${end}.`,
  timeline: "Emotionen im Zeitverlauf",
  timelineName:
    "Emotionen im Zeitverlauf: Pfeiltasten wählen einen Zeitpunkt, die Eingabetaste spielt ab dort",
  timelineNameOfLive: "Emotionen im Zeitverlauf: Pfeiltasten wählen einen Zeitpunkt",
  timelineLabel: (windows) => `${windows} Abschnitte; die Tabelle darunter hat dieselben Daten`,
  timelineHint:
    "Zeigen Sie auf die Grafik, um einen Zeitpunkt zu sehen; klicken Sie, um ihn zu hören.",
  timelineHintOfLive: "Zeigen Sie auf die Grafik, um einen Zeitpunkt zu sehen.",
  timelineLegend: "Farben",
  timelineTable: "Der Zeitverlauf als Tabelle",
  time: "Zeit",
  emotion: "Emotion",
  probability: "Wahrscheinlichkeit",
  silence: "Stille",
};

export const repeat: typeof english.repeat = {
  heading: "Die Anfrage wiederholen",
  ofClip: "Die Anfrage, die den Server nach der ganzen Aufnahme fragt, für ein Terminal.",
  ofWindow: "Die Anfrage, die den Server nach dem letzten Abschnitt fragt, für ein Terminal.",
  curl: "Als curl kopieren",
  python: "Als Python kopieren",
  copied: "Kopiert.",
  selected: "Drücken Sie Strg+C, um den markierten Text zu kopieren.",
  code: "Die Anfrage",
};

export const log: typeof english.log = {
  heading: "Was Ihr Gerät verlassen hat",
  summary: (requests, sent, host) =>
    `${requests === 1 ? "1 Anfrage" : `${requests} Anfragen, alle`} an ${host}. ` +
    `Gesendete Merkmale: ${sent === 0 ? "keine, nichts wurde übertragen" : bytes(sent)}. ` +
    "Gesendeter Ton: keiner.",
  foreign: (hosts) => `Anfragen gingen auch an ${hosts}.`,
  method: "Methode",
  path: "Pfad",
  sent: "Gesendet",
  status: "Status",
  nothing: "nichts",
  body: (parts, body) => [...parts, bytes(body)].join("; "),
  binaryBody: (parts, body) => [...parts, `${bytes(body)} binär`].join("; "),
  tensor: (name, size, datatype, length) => `${name}: ${size} ${datatype}, ${length} Byte`,
  mfccs: (size) => `${size} MFCCs`,
  prosody: (size) => `${size} Zahlen zu Tonhöhe, Stimmhaftigkeit und Lautstärke`,
  baseline: (size) => `${size} Zahlen zu Ihrer normalen Stimme`,
  baselines: (requests) =>
    `Ihre normale Stimme wurde ${requests === 1 ? "einmal" : `${requests}-mal`} gesendet.`,
  numbers: "Die Zahlen dieser Anfrage",
  noAnswer: "keine Antwort",
  browser:
    "Die neuesten Zeilen lassen sich öffnen und zeigen jede Zahl. Die Netzwerkanalyse in den " +
    "Entwicklerwerkzeugen Ihres Browsers zeigt dieselben Anfragen.",
};

export const named: typeof english.named = (name, title) => `${name}: ${title}`;

export const action: typeof english.action = {
  retry: "Noch einmal versuchen",
  dismiss: "Schließen",
};

export const apiKey: typeof english.apiKey = {
  title: "Dieser Server verlangt einen API-Schlüssel",
  advice:
    "Sie erhalten ihn vom Betreiber des Servers. Er bleibt in diesem Tab und wird mit ihm vergessen.",
  unknown: "Der Server kennt diesen Schlüssel nicht.",
  label: "API-Schlüssel",
  use: "Diesen Schlüssel verwenden",
};

export const faults: typeof english.faults = {
  "key-needed": {
    title: "Der Server kennt den API-Schlüssel nicht mehr",
    advice: "Laden Sie die Seite neu, um einen anderen einzugeben.",
  },
  "microphone-refused": {
    title: "Diese Seite darf das Mikrofon nicht benutzen",
    advice:
      "Erlauben Sie es in Ihrem Browser (mit dem Symbol neben der Adresse) und versuchen Sie es noch " +
      "einmal. Sie können stattdessen auch eine Aufnahme auswählen.",
  },
  "microphone-missing": {
    title: "Es gibt kein Mikrofon",
    advice:
      "Schließen Sie eines an und versuchen Sie es noch einmal, oder wählen Sie stattdessen eine " +
      "Aufnahme aus.",
  },
  "microphone-failed": {
    title: "Das Mikrofon lässt sich nicht benutzen",
    advice:
      "Vielleicht benutzt es gerade ein anderes Programm. Schließen Sie dieses und versuchen Sie es " +
      "noch einmal.",
  },
  "microphone-insecure": {
    title: "Ihr Browser sperrt das Mikrofon auf dieser Seite",
    advice:
      "Browser erlauben es nur über https oder auf localhost. Öffnen Sie die Seite so, oder wählen " +
      "Sie stattdessen eine Aufnahme aus.",
  },
  "microphone-idle": {
    title: "Der Browser liefert keinen Ton vom Mikrofon",
    advice:
      "Manche Browser tun das, solange weder Lautsprecher noch Kopfhörer angeschlossen sind. " +
      "Schließen Sie welche an und versuchen Sie es noch einmal, oder wählen Sie stattdessen eine " +
      "Aufnahme aus.",
  },
  unreadable: {
    title: "Diese Datei lässt sich nicht als Ton lesen",
    advice:
      "Vielleicht ist sie beschädigt oder in einem Format, das Ihr Browser nicht abspielt. Versuchen " +
      "Sie es mit WAV, FLAC, MP3, Ogg oder M4A.",
  },
  silent: {
    title: "Die Aufnahme ist stumm",
    advice: "Prüfen Sie, ob das Mikrofon stummgeschaltet ist, und versuchen Sie es noch einmal.",
  },
  "no-speech": {
    title: "In der Aufnahme spricht niemand",
    advice:
      "Sprechen Sie ein paar Sätze nah am Mikrofon und versuchen Sie es noch einmal. Nichts wurde " +
      "gespeichert.",
  },
  "too-short": {
    title: "Die Aufnahme ist zu kurz",
    advice: "Nötig ist mindestens eine Zehntelsekunde; am besten sind zwei bis fünf Sekunden.",
  },
  "too-long": {
    title: "Die Aufnahme ist zu lang",
    advice:
      "Höchstens 10 Minuten sind möglich. Kürzen Sie die Aufnahme und versuchen Sie es mit einem Teil " +
      "davon.",
  },
  busy: {
    title: "Das Mikrofon wird gerade benutzt",
    advice: "Beenden Sie zuerst die Aufnahme oder das Zuhören. Versuchen Sie es dann noch einmal.",
  },
  away: {
    title: "Der Server antwortet nicht",
    advice:
      "Prüfen Sie, ob der Server läuft und ob Sie verbunden sind, und versuchen Sie es noch einmal.",
  },
  "wrong-server": {
    title: "Unter dieser Adresse ist kein Server für Emotionen in der Stimme",
    advice: "Vielleicht ist diese Seite älter als der Server. Laden Sie sie neu.",
  },
  "too-many-requests": {
    title: "Zu viele Anfragen",
    advice:
      "Der Server begrenzt die Anfragen jedes Geräts. Warten Sie ein wenig und versuchen Sie es noch " +
      "einmal.",
  },
  overloaded: {
    title: "Der Server ist überlastet",
    advice:
      "Mit Ihrer Aufnahme ist alles in Ordnung. Warten Sie ein wenig und versuchen Sie es noch einmal.",
  },
  refused: {
    title: "Der Server hat die Anfrage abgelehnt",
    advice:
      "Laden Sie die Seite neu und versuchen Sie es noch einmal. Hilft das nicht, melden Sie dem " +
      "Betreiber des Servers diese Nachricht:",
  },
  extractor: {
    title: "Die Merkmale lassen sich hier nicht berechnen",
    advice: "Laden Sie die Seite neu. Hilft das nicht, nehmen Sie einen neueren Browser.",
  },
  unexpected: {
    title: "Etwas ist schiefgegangen",
    advice: "Laden Sie die Seite neu und versuchen Sie es noch einmal.",
  },
};

export const retryAfter: typeof english.retryAfter = (wait) =>
  `Warten Sie am besten ${wait === 1 ? "1 Sekunde" : `${wait} Sekunden`}.`;

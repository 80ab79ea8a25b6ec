/** The English texts of the page. The build replaces `{{page.title}}` in index.html by those here. */

import type { FaultKind } from "../faults.js";
import type { Emotion, WarningCode } from "./labels.js";

const percent = (share: number): string => `${Math.round(share * 100)}%`;

const seconds = (value: number): string => `${value.toFixed(1)} s`;

const bytes = (count: number): string =>
  count < 1_000 ? `${count} bytes` : `${(count / 1_000).toFixed(1)} kB`;

/** What people recognise, in one text or none. */
const peopleOf = (recalls: readonly number[]): readonly string[] => {
  if (recalls.length === 0) return [];
  const [low, high] = [Math.min(...recalls), Math.max(...recalls)].map(percent);
  return [low === high ? `listeners: ${low}` : `listeners: ${low} to ${high}`];
};

export const format = { percent, seconds, bytes };

export const page = {
  title: "Speech emotions",
  description: "Recognise the emotion in a voice. The audio never leaves your machine.",
  lead: "Say a sentence, see which emotion it sounds like.",
  promise: "The audio never leaves your machine.",
  privacy: "What leaves your machine",
  proof: "See everything that was sent",
  skip: "Skip to the result",
  noScript: "This page needs JavaScript to compute the features of your recording.",
};

/** Predictions on this device or by the server. */
export const device = {
  label: "On this device",
  hintOn: "The network runs in this browser. Turn this off to ask the server instead.",
  hintOff: "The server predicts. Turn this on to run the network in this browser.",
  offline: "This page now works offline too.",
  promiseOn: "Everything is computed on this device: no audio and no numbers of it are sent.",
  promiseOff:
    "The audio never leaves your machine. This page sends numbers that it computes from it: 25 for " +
    "some networks; for others 25 for each moment, from which words may be partly recognisable.",
};

export const language = {
  /** In that other language. */
  other: "Deutsch",
  ask: "Change the language?",
  loses: "The page is loaded again for that. Its recordings and results are then lost.",
  change: "Change it",
  stay: "Stay here",
};

export const docs = {
  title: "Speech emotions: the API",
};

export const input = {
  heading: "Your voice",
  choose: "Choose a recording",
  drop: "or several, or drop them here: any format that your browser plays, up to 10 minutes.",
  recordTexts: { start: "Record", stop: "Stop recording" },
  liveTexts: { start: "Listen live", stop: "Stop listening" },
  liveHint:
    "Live: a new prediction every second, from the last three seconds. The last minute stays in " +
    "memory, to hear it again.",
  listening: (elapsed: string) => `Listening, ${elapsed}`,
  kept:
    "What was heard live, at most the last minute. It is only in the memory of this page: another " +
    "recording replaces it, and closing the page forgets it.",
  level: "Loudness",
  recording: (elapsed: string) => `Recording, ${elapsed}`,
  recordingName: (number: number) =>
    `Recording from the microphone${number === 1 ? "" : ` (${number})`}`,
};

/** Clips to try without a microphone. */
export const samples = {
  heading: "No microphone at hand? Try a voice:",
  names: { calm: "Low and slow", angry: "Loud and sharp", happy: "High and lively" },
  hint: "Synthetic voices, made by this project. They speak no words.",
  file: (name: string) => `${name} (synthetic voice)`,
};

/** What a visitor need not know. */
export const advanced = {
  title: "Advanced",
  contents: "another network, your usual voice",
};

export const footer = {
  api: "The API",
  card: "Model card",
  licence: "Licence: Apache 2.0",
};

export const status = {
  connecting: "Connecting to the server…",
  checking: "Checking that this browser computes the features correctly…",
  agrees: "Checked: this browser computes the features correctly.",
  disagrees: "This browser does not compute the features correctly. Do not trust the predictions.",
  unchecked: "The features of this browser could not be checked.",
  reading: (name: string) => `Reading ${name}…`,
  computing: "Computing the features…",
  windows: (done: number, all: number) => `Window ${done} of ${all}`,
  liveQuiet: "Listening. No sound yet.",
};

export const network = {
  heading: "Network",
  none: "The server has no network.",
  /** What a network means for a visitor, in place of its name. */
  meanings: {
    best: "Most accurate",
    leastData: "Least data",
    frames: "Hears each moment",
    vector: "Hears only the average sound",
    prosody: "with pitch and loudness",
  },
  elsewhere: (recall: number) => `${percent(recall)} right on recordings from elsewhere`,
  newVoices: (recall: number) => `${percent(recall)} right on new voices in known recordings`,
  notElsewhere: "Not measured on recordings from elsewhere: expect less there.",
  beside: (chance: number, listeners: readonly number[]) =>
    [`guessing: ${percent(chance)}`, ...peopleOf(listeners)].join("; "),
  explanation: (corpus: string, protocol: string) =>
    "New voices are speakers who are not in its training data; known recordings are those of its " +
    `training data. Unweighted average recall (${corpus}; ${protocol}).`,
  explanationElsewhere:
    "From elsewhere: each source of recordings was tested with a network that was trained on all " +
    "the others. Expect this percentage of your own recordings.",
  protocol: "How this was measured",
  table: "By source of the recordings",
  columns: ["Source", "Elsewhere", "New voices", "Guess", "People"],
  unknown: "\u2013",
  uses: { prosody: "pitch and loudness", baseline: "your usual voice" },
  alsoUses: (uses: readonly string[]) => `It also uses ${uses.join(" and, if you want, ")}.`,
  without: (uses: number) => `Its percentage was measured without ${uses === 1 ? "it" : "them"}.`,
  withBaseline: (recall: number) =>
    `Once it knows ten clips of your usual voice, it is ${percent(recall)} right.`,
  notFor: "Not suitable for",
  /** A use that a network is not for, as the server tells it. */
  limit: (text: string): string => text,
};

export const voice = {
  heading: "Your usual voice",
  hint:
    "An emotion is easier to hear in a voice whose usual sound is known. This page can learn " +
    "yours, and keep it here.",
  compare: "Compare with my usual voice",
  kept: (clips: number, isKept: boolean) =>
    clips === 0
      ? "Nothing is kept."
      : `${clips === 1 ? "1 clip is" : `${clips} clips are`} kept in this browser` +
        (isKept ? "." : ", until this page is closed: it allows no storage."),
  speakTexts: { start: "Speak a few sentences", stop: "Stop and keep" },
  speakHint:
    "Say in your ordinary voice, for 10 to 20 seconds, what you did today. No audio is kept.",
  level: "Loudness of your sentences",
  computing: "Computing…",
  add: (clips: number) =>
    clips === 0
      ? "Keep the clips so far"
      : `Keep the ${clips === 1 ? "clip" : `${clips} clips`} so far`,
  addHint: "The recordings of this visit: only if all are your own voice.",
  forget: "Forget my voice",
  reveals: "What this reveals, and where it stays",
  contents:
    "Kept are the mean and the spread of 25 MFCCs, pitch, voicing and loudness, and the number " +
    "of clips.",
  print:
    "They are close to a voice print: they tell sex and age roughly, and could recognise you in " +
    "other recordings.",
  stays:
    "They stay in this browser until you forget them. Others who use this browser can read them.",
  sent:
    "While the comparison is on, each prediction sends them to this server, which does not store " +
    "them. A copied request contains them too.",
};

/** As adjectives, also of labels that are nouns. */
export const emotions: Record<Emotion, string> = {
  anger: "angry",
  angry: "angry",
  anxiety: "anxious",
  anxious: "anxious",
  bored: "bored",
  boredom: "bored",
  calm: "calm",
  contempt: "contemptuous",
  disgust: "disgusted",
  disgusted: "disgusted",
  fear: "fearful",
  fearful: "fearful",
  happiness: "happy",
  happy: "happy",
  neutral: "neutral",
  sad: "sad",
  sadness: "sad",
  surprise: "surprised",
  surprised: "surprised",
};

export const result = {
  heading: "What it sounds like",
  empty: "No recording yet.",
  first: "Record a sentence, or choose a file: a bar for each emotion appears here.",
  probabilities: "Probability of each emotion",
  clear: (emotion: string) => `Sounds ${emotion}`,
  likely: (emotion: string) => `Probably ${emotion}`,
  unclear: (first: string, second: string) => `Unclear: ${first} or ${second}`,
  mixed: (emotions: readonly string[]) => `Mixed: ${emotions.join(", ")}`,
  doubt: "Not sure",
  by: (networkType: string, isLocal: boolean) =>
    `predicted by ${networkType}${isLocal ? " on this device" : ""}`,
  source: (name: string, length: number, by: string) => `${name}, ${seconds(length)}, ${by}`,
  average: (windows: number) => `Average over the ${windows} windows of a long recording.`,
  live: (by: string) => `Live, ${by}`,
};

/** The list of clips. */
export const clips = {
  heading: "Your clips",
  list: "Clips; choose one to see its result",
  waiting: "waiting",
  running: (name: string) => `Analysing ${name}`,
  progress: (done: number, failed: number, all: number) =>
    `${done} of ${all} analysed` + (failed === 0 ? "." : `, ${failed} failed.`),
  share: (emotion: string, share: number) => `${emotion} ${percent(share)}`,
  by: (networkType: string) => `by ${networkType}`,
  /** Beside an older result. */
  notAgain: (reason: string) => `could not be asked again: ${reason}`,
  doubts: {
    clear: "clear",
    likely: "likely",
    unclear: "unclear",
    mixed: "mixed",
    warned: "only a guess",
  },
  again: (networkType: string) => `Predict all with ${networkType}`,
  csv: "Save as CSV",
  json: "Save as JSON",
  clear: "Clear the list",
  hint: "The list stays on this device, until this page is closed.",
};

/** Which part of a clip carried the answer. */
export const why = {
  caption: "What carried the answer",
  captionOf: (emotion: string) => `What carried “${emotion}”`,
  computing: "Leaving out one part after the other…",
  offer: (requests: number) =>
    "The server can be asked again with one part after the other left out: " +
    `${requests} more requests.`,
  ask: (requests: number) => `Find out with ${requests} requests`,
  strongest: (emotion: string, start: string, end: string, whole: number, rest: number) =>
    `Above all ${start} to ${end}: without it, ${emotion} falls from ${percent(whole)} to ` +
    `${percent(rest)}.`,
  none: (emotion: string) =>
    `No single part: whichever is left out, ${emotion} stays about as probable.`,
  hint:
    "Up: without this part the answer is less probable; down: more probable. Only an estimate: " +
    "one part after the other is left out, and what remains is not natural speech.",
  listen: "Listen to that part",
};

/** The headline of a doubtful result. */
export const doubts: Record<WarningCode, string> = {
  "outside-training-distribution": "Not sure: this does not sound like what the network knows",
  "baseline-of-another-voice": "Not sure: this does not sound like your usual voice",
};

/** How often a network is right, beside each of its results. */
export const trust = {
  line: (networkType: string, parts: readonly string[], trainedOn: string) =>
    `${networkType} is right in ${parts.join("; ")}.` +
    (trainedOn === "" ? "" : ` It was trained on ${trainedOn}.`),
  elsewhere: (recall: number) => `${percent(recall)} of recordings from elsewhere`,
  newVoices: (recall: number) => `${percent(recall)} of new voices in recordings it knows`,
  people: (low: number, high: number) =>
    `people: ${low === high ? percent(low) : `${percent(low)} to ${percent(high)}`}`,
  peopleUnknown: "people: not measured",
  notElsewhere: "recordings from elsewhere: not measured",
};

/** The title of every warning. */
export const warningTitle: string = "The result is only a guess";

/** Advice by the code of the warning; for others the page shows the server's text. */
export const warnings: Record<WarningCode, string> = {
  "outside-training-distribution":
    "Try again with two to five seconds of one person, close to the microphone, without music or " +
    "noise. If clear speech gets this warning too, the network does not know such voices or " +
    "microphones.",
  "baseline-of-another-voice":
    "It may be another person, another microphone or another room. Turn the comparison off, or " +
    "forget the voice and speak a few sentences again.",
};

export const views = {
  waveform: "Waveform",
  waveformLabel: (length: number) =>
    `Waveform of ${seconds(length)} of audio. Click to play from there.`,
  playback: "Listen to the recording",
  heatmap: "MFCC frames, which this page computes from the sound",
  heatmapLabel: (frames: number, coefficients: number) =>
    `Heat map of ${frames} frames with ${coefficients} coefficients each.`,
  heatmapHint:
    "Time is that of the waveform, the first coefficient is at the bottom, and each row has its " +
    "own scale. Silence at both ends is left out. A network that takes vectors gets only the mean " +
    "of each row. Pitch, voicing and loudness are not in the picture.",
  heatmapWindow: (start: string, end: string) => `Shown: ${start} to ${end}.`,
  timeline: "Emotions over time",
  timelineName: "Emotions over time: arrow keys choose a moment, Enter plays it",
  timelineNameOfLive: "Emotions over time: arrow keys choose a moment",
  timelineLabel: (windows: number) => `${windows} windows; the table below has the same data`,
  timelineHint: "Point at the chart to see a moment; click to hear it.",
  timelineHintOfLive: "Point at the chart to see a moment.",
  timelineLegend: "Colours",
  timelineTable: "The timeline as a table",
  time: "Time",
  emotion: "Emotion",
  probability: "Probability",
  silence: "silence",
};

export const repeat = {
  heading: "Repeat the request",
  ofClip: "The request that asks the server about the whole clip, for a terminal.",
  ofWindow: "The request that asks the server about the last window, for a terminal.",
  curl: "Copy as curl",
  python: "Copy as Python",
  copied: "Copied.",
  selected: "Press Ctrl+C to copy the selected text.",
  code: "The request",
};

export const log = {
  heading: "What left your machine",
  summary: (requests: number, sent: number, host: string) =>
    `${requests === 1 ? "1 request" : `${requests} requests, all`} to ${host}. ` +
    `Features sent: ${sent === 0 ? "none, nothing was posted" : bytes(sent)}. ` +
    "Audio sent: none.",
  foreign: (hosts: string) => `Requests also went to ${hosts}.`,
  method: "Method",
  path: "Path",
  sent: "Sent",
  status: "Status",
  nothing: "nothing",
  body: (parts: readonly string[], body: number) => [...parts, bytes(body)].join("; "),
  binaryBody: (parts: readonly string[], body: number) =>
    [...parts, `${bytes(body)} in binary`].join("; "),
  tensor: (name: string, size: string, datatype: string, length: number) =>
    `${name}: ${size} ${datatype}, ${length} bytes`,
  mfccs: (size: string) => `${size} MFCCs`,
  prosody: (size: string) => `${size} numbers of pitch, voicing and loudness`,
  baseline: (size: string) => `${size} numbers of your usual voice`,
  baselines: (requests: number) =>
    `Your usual voice was sent ${requests === 1 ? "once" : `${requests} times`}.`,
  numbers: "The numbers of this request",
  noAnswer: "no answer",
  browser:
    "The latest rows open to show each number. The network panel of your browser's developer tools shows the same requests.",
};

/** An error, or a warning, with its remedy. */
export interface Message {
  readonly title: string;
  readonly advice: string;
}

/** The title of an error with a recording. */
export const named = (name: string, title: string): string => `${name}: ${title}`;

export const action = { retry: "Try again", dismiss: "Close" };

export const apiKey = {
  title: "This server needs an API key",
  advice: "Ask its operator for one. It stays in this tab: closing the tab forgets it.",
  unknown: "The server does not know this key.",
  label: "API key",
  use: "Use this key",
};

export const faults: Record<FaultKind, Message> = {
  "key-needed": {
    title: "The server does not know the API key any more",
    advice: "Reload the page to enter another.",
  },
  "microphone-refused": {
    title: "This page may not use the microphone",
    advice:
      "Allow it in your browser (the symbol beside the address), then try again. " +
      "You can also choose a recording instead.",
  },
  "microphone-missing": {
    title: "There is no microphone",
    advice: "Connect one and try again, or choose a recording instead.",
  },
  "microphone-failed": {
    title: "The microphone cannot be used",
    advice: "Another program may be using it. Close that program, then try again.",
  },
  "microphone-insecure": {
    title: "Your browser blocks the microphone on this page",
    advice:
      "Browsers allow it only over https or on localhost. Open the page that way, or choose a " +
      "recording instead.",
  },
  "microphone-idle": {
    title: "The browser gives no sound from the microphone",
    advice:
      "Some browsers do so while no loudspeaker or headphones are connected. Connect some and try " +
      "again, or choose a recording instead.",
  },
  unreadable: {
    title: "This file cannot be read as audio",
    advice:
      "It may be damaged, or in a format that your browser does not play. Try WAV, FLAC, MP3, " +
      "Ogg or M4A.",
  },
  silent: {
    title: "The recording is silent",
    advice: "Check that the microphone is not muted, then try again.",
  },
  "no-speech": {
    title: "There is no speech in the recording",
    advice: "Speak a few sentences close to the microphone, then try again. Nothing was kept.",
  },
  "too-short": {
    title: "The recording is too short",
    advice: "At least a tenth of a second is needed; two to five seconds are best.",
  },
  "too-long": {
    title: "The recording is too long",
    advice: "The limit is 10 minutes. Cut the recording and try again with a part of it.",
  },
  busy: {
    title: "The microphone is in use",
    advice: "Stop the recording or the listening first. Then try again.",
  },
  away: {
    title: "The server does not answer",
    advice: "Check that the server runs and that you are connected, then try again.",
  },
  "wrong-server": {
    title: "This address is not a speech emotion server",
    advice: "This page may be older than the server. Reload it.",
  },
  "too-many-requests": {
    title: "Too many requests",
    advice: "The server limits the requests of each machine. Wait a little, then try again.",
  },
  overloaded: {
    title: "The server is overloaded",
    advice: "Your recording is fine. Wait a little, then try again.",
  },
  refused: {
    title: "The server refused the request",
    advice:
      "Reload the page and try again. If that does not help, report this message to the " +
      "server's operator:",
  },
  extractor: {
    title: "The features cannot be computed here",
    advice: "Reload the page. If that does not help, use a newer browser.",
  },
  unexpected: {
    title: "Something went wrong",
    advice: "Reload the page and try again.",
  },
};

export const retryAfter = (wait: number): string =>
  `The suggested wait is ${wait === 1 ? "1 second" : `${wait} seconds`}.`;

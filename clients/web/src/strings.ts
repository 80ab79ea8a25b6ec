/** Every word that the page says, in one place. `{{page.title}}` in index.html is filled from here. */

import type { FaultKind } from "./faults.js";

const percent = (share: number): string => `${Math.round(share * 100)}%`;

const seconds = (value: number): string => `${value.toFixed(1)} s`;

const clock = (value: number): string => {
  const whole = Math.floor(value);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

const bytes = (count: number): string =>
  count < 1_000 ? `${count} bytes` : `${(count / 1_000).toFixed(1)} kB`;

export const format = { percent, seconds, clock, bytes };

export const page = {
  title: "Speech emotions",
  description: "Hear which emotion a voice carries. The audio never leaves your machine.",
  promise:
    "Speak or choose a recording. This page computes a few numbers from it and sends only those: " +
    "the audio never leaves your machine.",
  proof: "See all that it sent",
  skip: "Skip to the result",
  noScript: "This page computes the features of your recording itself, so it needs JavaScript.",
};

export const docs = {
  title: "Speech emotions: the API",
};

export const input = {
  heading: "Your voice",
  choose: "Choose a recording",
  drop: "or drop one here. Any format that your browser plays, up to 10 minutes.",
  recordTexts: { start: "Record", stop: "Stop recording" },
  liveTexts: { start: "Listen live", stop: "Stop listening" },
  liveHint: "Live: a new prediction every second, from the last three seconds.",
  level: "Loudness",
  recording: (elapsed: number) => `Recording, ${clock(elapsed)}`,
  recordingName: "Recording from the microphone",
};

export const status = {
  connecting: "Connecting to the server…",
  checking: "Checking that this browser computes what the server expects…",
  agrees: "Checked: this browser computes the features as the server expects them.",
  disagrees: "This browser does not compute what the server expects. Do not trust its predictions.",
  unchecked: "It could not be checked whether this browser computes what the server expects.",
  reading: "Reading the recording…",
  computing: "Computing the features…",
  windows: (done: number, all: number) => `Window ${done} of ${all}`,
  liveQuiet: "Listening. Nothing to hear yet.",
};

export const network = {
  heading: "Network",
  none: "The server offers no network.",
  accuracy: (recall: number) => `${percent(recall)} right on new voices`,
  chance: (share: number) => `guessing: ${percent(share)}`,
  explanation: (corpus: string, protocol: string) =>
    `Unweighted average recall on speakers that it had never heard (${corpus}; ${protocol}).`,
  notFor: "Not fit for",
};

export const result = {
  heading: "What it sounds like",
  empty: "Nothing heard yet.",
  probabilities: "Probability of each emotion",
  winner: (emotion: string, probability: number) => `${emotion}, ${percent(probability)}`,
  unsure: (first: string, second: string) => `between ${first} and ${second}`,
  inWords: (emotion: string, probability: number, runnerUp: string) =>
    probability >= 0.5
      ? `It sounds ${emotion}, with a probability of ${percent(probability)}.`
      : `Not clear: most likely ${emotion} (${percent(probability)}), perhaps ${runnerUp}.`,
  source: (name: string, length: number, networkType: string) =>
    `${name}, ${seconds(length)}, heard by ${networkType}`,
  average: (windows: number) => `Average over ${windows} windows, since it is a long recording.`,
  live: (networkType: string) => `Live, heard by ${networkType}`,
  liveInWords: (emotion: string) => `It sounds ${emotion}.`,
};

export const warning = {
  title: "Unlike anything that the network has learned from",
  advice:
    "Take this as a guess. It helps to have one person speak, close to the microphone, without " +
    "music or noise, for two to five seconds.",
};

export const views = {
  waveform: "Waveform",
  waveformLabel: (length: number) =>
    `Waveform of ${seconds(length)} of audio. Click to listen there.`,
  playback: "Listen to the recording",
  heatmap: "MFCC frames: what this page computes from the sound",
  heatmapLabel: (frames: number, coefficients: number) =>
    `Heat map of ${frames} frames with ${coefficients} coefficients each.`,
  heatmapHint:
    "Time runs to the right, the first coefficient is at the bottom, and each row has its own " +
    "scale. Silence at both ends is left out. A network that takes vectors gets only the mean " +
    "of each row.",
  heatmapWindow: (start: number, end: number) => `Shown: ${clock(start)} to ${clock(end)}.`,
  timeline: "Emotions over time",
  timelineLabel: (windows: number) =>
    `Chart of the probabilities in ${windows} windows; the table below holds the same.`,
  timelineTable: "The timeline as a table",
  time: "Time",
  emotion: "Emotion",
  probability: "Probability",
  silence: "silence",
};

export const repeat = {
  heading: "Repeat the request",
  hint: "The very request that was just made, for a terminal.",
  curl: "Copy as curl",
  python: "Copy as Python",
  copied: "Copied.",
  selected: "Press Ctrl+C to copy the selected text.",
  code: "The request",
};

export const log = {
  heading: "What left your machine",
  summary: (requests: number, sent: number, host: string) =>
    `${requests} requests, all to ${host}. Features sent: ${bytes(sent)}. Audio sent: none.`,
  foreign: (hosts: string) => `Requests also went to ${hosts}.`,
  method: "Method",
  path: "Path",
  sent: "Sent",
  status: "Status",
  nothing: "nothing",
  vector: (body: number) => `25 numbers, ${bytes(body)}`,
  frames: (frames: number, body: number) => `${frames} × 25 numbers, ${bytes(body)}`,
  noAnswer: "no answer",
  browser: "Your browser's own tools show the same, in their network panel.",
};

export const action = { retry: "Try again", dismiss: "Close" };

interface Words {
  readonly title: string;
  readonly advice: string;
}

export const faults: Record<FaultKind, Words> = {
  "microphone-refused": {
    title: "The microphone is not allowed",
    advice:
      "Allow it for this page in your browser (the symbol beside the address), then try again. " +
      "You can also choose a recording instead.",
  },
  "microphone-missing": {
    title: "There is no microphone",
    advice: "Connect one and try again, or choose a recording instead.",
  },
  "microphone-failed": {
    title: "The microphone cannot be used",
    advice: "Another program may be using it. Close that, then try again.",
  },
  "microphone-insecure": {
    title: "Your browser keeps the microphone from this page",
    advice:
      "Browsers allow it only over https or on localhost. Open the page that way, or choose a " +
      "recording instead.",
  },
  unreadable: {
    title: "This file cannot be read as audio",
    advice:
      "It may be damaged, or of a kind that your browser does not play. Try WAV, FLAC, MP3, Ogg " +
      "or M4A.",
  },
  silent: {
    title: "There is nothing to hear",
    advice: "The recording is silent. Check that the microphone is not muted, then try again.",
  },
  "too-short": {
    title: "The recording is too short",
    advice: "At least a tenth of a second is needed; two to five seconds are best.",
  },
  "too-long": {
    title: "The recording is too long",
    advice: "At most 10 minutes can be taken. Cut it, and try again with a part of it.",
  },
  away: {
    title: "The server does not answer",
    advice: "Check that it runs and that you are connected, then try again.",
  },
  "wrong-server": {
    title: "What answers is no speech emotion server",
    advice: "This page may be older than the server. Reload it.",
  },
  "too-many-requests": {
    title: "Too many requests",
    advice: "The server limits how often one machine may ask. Wait a little, then try again.",
  },
  overloaded: {
    title: "The server has too much to do",
    advice: "Nothing is wrong with your recording. Wait a little, then try again.",
  },
  refused: {
    title: "The server refused the request",
    advice: "Reload the page and try again. If it happens again, tell the server's operator this:",
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
  `It asks for ${wait === 1 ? "1 second" : `${wait} seconds`} of patience.`;

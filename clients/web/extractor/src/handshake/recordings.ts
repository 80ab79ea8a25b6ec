/** The part of the handshake about recordings: extractors by sample rate, prosody, references. */

import { quoted } from "../text.js";
import { fileFault, type PublishedFile } from "./file.js";

/** A low-pass filter that makes `up` output samples of each `down` input samples. */
export interface ResamplingStage {
  readonly up: number;
  readonly down: number;
  /** As a share of half the input's sample rate. */
  readonly cutoff: number;
  /** Of the Kaiser window. */
  readonly beta: number;
  /** Of the filter, in input samples. */
  readonly halfLength: number;
}

/** The extractor of recordings with one sample rate, and its filter in numbers. */
export interface RecordingExtractor extends PublishedFile {
  /** Hz */
  readonly sampleRate: number;
  /** How the channels become one, before they are resampled; this module does not need it. */
  readonly downmix?: string;
  /** The stages that resample to the recipe's rate, in order; this module does not need them. */
  readonly resampling?: readonly ResamplingStage[];
}

export interface Recordings {
  /** By sample rate. */
  readonly extractors: readonly RecordingExtractor[];
}

/** The meaning of prosody: three numbers for each frame, and their statistics. */
export interface ProsodyRecipe {
  /** Hz at which log F0 is 0. */
  readonly referenceHz: number;
  /** dB; no level is lower. */
  readonly levelMinimum: number;
  /** The names of the statistics, in order. */
  readonly statistics: readonly string[];
  readonly [name: string]: unknown;
}

/** A clip whose features the server knows. */
export interface Reference extends PublishedFile {
  readonly name: string;
  /** Hz */
  readonly sampleRate: number;
  readonly channels: number;
}

/** The known features of a clip. */
export interface KnownFeatures {
  /** The mean of the frames. */
  readonly mfccs: readonly number[];
  /** Largest absolute difference, by output of the extractor. */
  readonly tolerance: { readonly mfccs: number };
}

/** Undefined if the entry of a clip has none. */
export function knownFeatures(value: unknown, nMfcc: number): KnownFeatures | undefined {
  const { mfccs, tolerance } = value as Partial<KnownFeatures>;
  const areNumbers = Array.isArray(mfccs) && mfccs.length === nMfcc && mfccs.every(Number.isFinite);
  return areNumbers && Number.isFinite(tolerance?.mfccs) ? (value as KnownFeatures) : undefined;
}

export const OUTPUTS = ["frames", "mfccs", "prosody", "prosody_statistics"];
export const PROSODY_COLUMNS = ["logF0", "voicing", "level"];
const MOST_EXTRACTORS = 32;
const MOST_REFERENCES = 16;
const MOST_STATISTICS = 20;
const SAMPLE_RATES = [8_000, 96_000] as const; // Hz
const CHANNELS = [1, 2] as const;
const REFERENCE_NAME = /^[\w.-]{1,100}$/;

type Unchecked<T> = { readonly [name in keyof T]?: unknown } | null | undefined;

/** The first fault of the member `recordings`; undefined if it has none. */
export function recordingsFault(value: unknown): string | undefined {
  const recordings = value as Unchecked<Recordings & { input: string; outputs: string[] }>;
  const { input, outputs, extractors } = recordings ?? {};
  if (input !== "audio") return `recordings.input is ${quoted(input)}; expected "audio"`;
  if (JSON.stringify(outputs) !== JSON.stringify(OUTPUTS)) {
    return `recordings.outputs is ${quoted(outputs)}; expected ${quoted(OUTPUTS)}`;
  }
  return (
    listFault("recordings.extractors", extractors, MOST_EXTRACTORS, (each) =>
      extractorFault(each as Unchecked<RecordingExtractor>),
    ) ?? repeatedFault("recordings.extractors", "sampleRate", extractors)
  );
}

function extractorFault(extractor: Unchecked<RecordingExtractor>): string | undefined {
  const name = "sampleRate of an extractor in recordings";
  return (
    wholeFault(name, extractor?.sampleRate, ...SAMPLE_RATES) ??
    fileFault(`extractor for ${String(extractor?.sampleRate)} Hz`, extractor)
  );
}

/** The first fault of the member `prosody`. */
export function prosodyFault(value: unknown): string | undefined {
  const prosody = value as Unchecked<ProsodyRecipe>;
  const { columns, referenceHz, levelMinimum, statistics } = prosody ?? {};
  if (JSON.stringify(columns) !== JSON.stringify(PROSODY_COLUMNS)) {
    return `prosody.columns is ${quoted(columns)}; expected ${quoted(PROSODY_COLUMNS)}`;
  }
  const isText = (each: unknown): boolean => typeof each === "string" && each !== "";
  return (
    rangeFault("prosody.referenceHz", referenceHz, 1, 1_000) ??
    rangeFault("prosody.levelMinimum", levelMinimum, -1_000, 0) ??
    listFault("prosody.statistics", statistics, MOST_STATISTICS, (each) =>
      isText(each) ? undefined : `prosody.statistics has the name ${quoted(each)}; expected a text`,
    )
  );
}

/** The first fault of the member `references`. */
export function referencesFault(value: unknown): string | undefined {
  return (
    listFault("references", value, MOST_REFERENCES, (each) =>
      referenceFault(each as Unchecked<Reference>),
    ) ?? repeatedFault("references", "name", value)
  );
}

function referenceFault(reference: Unchecked<Reference>): string | undefined {
  const name = reference?.name;
  if (typeof name !== "string" || !REFERENCE_NAME.test(name)) {
    return `a reference is named ${quoted(name)}; expected letters, digits, ".", "_" and "-"`;
  }
  return (
    wholeFault(`sampleRate of ${name}`, reference?.sampleRate, ...SAMPLE_RATES) ??
    wholeFault(`channels of ${name}`, reference?.channels, ...CHANNELS) ??
    fileFault(name, reference)
  );
}

function listFault(
  name: string,
  value: unknown,
  most: number,
  fault: (each: unknown) => string | undefined,
): string | undefined {
  if (!Array.isArray(value)) return `${name} is ${quoted(value)}; expected a list`;
  if (value.length < 1 || value.length > most) {
    return `${name} has ${value.length} entries; expected 1 to ${most}`;
  }
  return value.map(fault).find((each) => each !== undefined);
}

function repeatedFault(list: string, member: string, value: unknown): string | undefined {
  const keys = (value as Record<string, unknown>[]).map((each) => each[member]);
  const again = keys.find((key, index) => keys.indexOf(key) !== index);
  return again === undefined
    ? undefined
    : `${list} has two entries with ${member} ${quoted(again)}`;
}

function wholeFault(name: string, value: unknown, low: number, high: number): string | undefined {
  if (Number.isInteger(value)) return rangeFault(name, value, low, high, "a whole number");
  return `${name} is ${quoted(value)}; expected a whole number from ${low} to ${high}`;
}

function rangeFault(
  name: string,
  value: unknown,
  low: number,
  high: number,
  kind = "a number",
): string | undefined {
  if (typeof value === "number" && value >= low && value <= high) return undefined;
  return `${name} is ${quoted(value)}; expected ${kind} from ${low} to ${high}`;
}

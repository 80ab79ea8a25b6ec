/** Which kind of fault an error of the client is. */

import {
  AudioError,
  AudioTooShortError,
  ExtractorError,
  NoServerError,
  ServerProblemError,
  WrongServerError,
} from "speech-emotion-extractor";

import type { FaultKind, FaultMessage } from "../faults.js";

const KINDS: readonly [new (...args: never[]) => Error, FaultKind][] = [
  [AudioTooShortError, "too-short"],
  [AudioError, "unreadable"], // samples that are not numbers, or far above full scale
  [NoServerError, "away"],
  [WrongServerError, "wrong-server"],
  [ExtractorError, "extractor"],
];

/** The fault that the page shows for any error of the client. */
export function describe(error: unknown): FaultMessage {
  if (error instanceof ServerProblemError) return describeRefusal(error);
  const kind = KINDS.find(([type]) => error instanceof type)?.[1] ?? "unexpected";
  return { kind, detail: error instanceof Error ? error.message : String(error) };
}

function describeRefusal({ status, message, retryAfter }: ServerProblemError): FaultMessage {
  if (status === 401) return { kind: "key-needed", detail: message };
  if (status === 429) return { kind: "too-many-requests", detail: message, retryAfter };
  // Nginx answers 502 and 504 while no worker is available.
  if (status >= 500) return { kind: "overloaded", detail: message, retryAfter };
  return { kind: "refused", detail: message };
}

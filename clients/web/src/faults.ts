/** The kinds of errors that the page shows; their messages are in strings/. */

export type FaultKind =
  | "microphone-refused"
  | "microphone-missing"
  | "microphone-failed"
  | "microphone-insecure"
  | "microphone-idle"
  | "unreadable"
  | "silent"
  | "no-speech"
  | "too-short"
  | "too-long"
  | "busy"
  | "away"
  | "wrong-server"
  | "key-needed"
  | "too-many-requests"
  | "overloaded"
  | "refused"
  | "extractor"
  | "unexpected";

/** The members of a fault as a plain object, which the worker can post to the page. */
export interface FaultMessage {
  readonly kind: FaultKind;
  /** The message of the server or of the extractor. */
  readonly detail?: string | undefined;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
}

export class Fault extends Error implements FaultMessage {
  override readonly name = "Fault";
  readonly kind: FaultKind;
  readonly detail: string | undefined;
  readonly retryAfter: number | undefined;

  constructor({ kind, detail, retryAfter }: FaultMessage) {
    super(detail ?? kind);
    this.kind = kind;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }

  /** Whether only another recording can help. */
  get isOfRecording(): boolean {
    return OF_RECORDING.includes(this.kind);
  }

  /** Whether the same request may succeed later. */
  get isTemporary(): boolean {
    return this.kind === "too-many-requests" || this.kind === "overloaded";
  }
}

const OF_RECORDING: readonly FaultKind[] = ["unreadable", "silent", "too-short", "too-long"];

/** The kinds that are shown with the message of the server or of the extractor. */
export const WITH_DETAIL: readonly FaultKind[] = [
  "refused",
  "extractor",
  "unexpected",
  "wrong-server",
];

/** Turns any error into a fault. */
export function asFault(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault({ kind: "unexpected", detail: String(error) });
}

/** Everything that can go wrong for a user, by kind; the words for each stand in strings.ts. */

export type FaultKind =
  | "microphone-refused"
  | "microphone-missing"
  | "microphone-failed"
  | "microphone-insecure"
  | "unreadable"
  | "silent"
  | "too-short"
  | "too-long"
  | "away"
  | "wrong-server"
  | "too-many-requests"
  | "overloaded"
  | "refused"
  | "extractor"
  | "unexpected";

/** What crosses from the worker to the page, where a class cannot. */
export interface FaultMessage {
  readonly kind: FaultKind;
  /** What the server or the extractor said of it. */
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

  /** Whether the server only asks for patience. */
  get passes(): boolean {
    return this.kind === "too-many-requests" || this.kind === "overloaded";
  }
}

/** Any error as a fault. */
export function asFault(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault({ kind: "unexpected", detail: String(error) });
}

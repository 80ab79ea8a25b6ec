/** Everything that can go wrong, in words for a user. */

/** The base of this module's errors; `message` says what happened and what to do. */
export class SpeechEmotionError extends Error {
  override readonly name: string = "SpeechEmotionError";
}

/** The server's address is no http or https URL. */
export class InvalidAddressError extends SpeechEmotionError {
  override readonly name = "InvalidAddressError";
}

/** Nothing answers at the address, or not in time. */
export class NoServerError extends SpeechEmotionError {
  override readonly name = "NoServerError";
}

/** Something answers at the address, but not as a speech emotion server does. */
export class WrongServerError extends SpeechEmotionError {
  override readonly name = "WrongServerError";
}

/** A problem document (RFC 9457), as far as this module reads it. */
export interface ProblemDocument {
  /** What kind of problem it is: a URI that never changes. */
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  /** Where in the request it lies (a JSON pointer, RFC 6901), if it lies in one place. */
  readonly pointer?: string;
}

/** The server refused a request. */
export class ServerProblemError extends SpeechEmotionError {
  override readonly name = "ServerProblemError";

  constructor(
    /** HTTP status code. */
    readonly status: number,
    readonly problem: ProblemDocument,
    /** Seconds after which the server asks to be asked again, if it says so. */
    readonly retryAfter?: number,
  ) {
    super([problem.title, problem.detail].filter(Boolean).join(": "));
  }
}

/** The extractor or the reference clip is not what the handshake promised, or cannot be run. */
export class ExtractorError extends SpeechEmotionError {
  override readonly name = "ExtractorError";
}

/** Audio that no features can be taken from. */
export class AudioError extends SpeechEmotionError {
  override readonly name: string = "AudioError";
}

/** Audio under 0.1 s. */
export class AudioTooShortError extends AudioError {
  override readonly name = "AudioTooShortError";
}

/** The errors of this module. */

/** Base class of this module's errors; `message` contains the error and its remedy. */
export class SpeechEmotionError extends Error {
  override readonly name: string = "SpeechEmotionError";
}

/** The server's address is not an http or https URL. */
export class InvalidAddressError extends SpeechEmotionError {
  override readonly name = "InvalidAddressError";
}

/** An option of the client has an invalid value. */
export class InvalidOptionError extends SpeechEmotionError {
  override readonly name = "InvalidOptionError";
}

/** No server answers at the address, or not in time. */
export class NoServerError extends SpeechEmotionError {
  override readonly name = "NoServerError";
}

/** The address is not a speech emotion server, or the server's responses break a limit. */
export class WrongServerError extends SpeechEmotionError {
  override readonly name = "WrongServerError";
}

/** The members of a problem document (RFC 9457) that this module reads. */
export interface ProblemDocument {
  /** A URI that identifies the kind of problem. */
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  /** The place of the problem in the body, if there is one: a JSON pointer (RFC 6901). */
  readonly pointer?: string;
}

/** The server refused a request. */
export class ServerProblemError extends SpeechEmotionError {
  override readonly name = "ServerProblemError";

  constructor(
    /** HTTP status code. */
    readonly status: number,
    readonly problem: ProblemDocument,
    /** Seconds after which the request may be repeated, if the response has Retry-After. */
    readonly retryAfter?: number,
  ) {
    super([problem.title, problem.detail].filter(Boolean).join(": "));
  }
}

/** The extractor or the reference clip has a wrong hash, cannot be used, or takes too long. */
export class ExtractorError extends SpeechEmotionError {
  override readonly name = "ExtractorError";
}

/** The samples are not numbers in [-1, 1]. */
export class AudioError extends SpeechEmotionError {
  override readonly name: string = "AudioError";
}

/** The audio is shorter than 0.1 s. */
export class AudioTooShortError extends AudioError {
  override readonly name = "AudioTooShortError";
}

/** A stored baseline is not one, or does not fit the server's features. */
export class BaselineError extends SpeechEmotionError {
  override readonly name = "BaselineError";
}

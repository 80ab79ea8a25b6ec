/** Checks the server's responses to predictions and verifications. */

/** The emotion probabilities of a clip. */
export interface Prediction {
  /** In alphabetical order of the emotions; the probabilities sum to 1. */
  readonly results: readonly { readonly emotionType: string; readonly prediction: number }[];
  /**
   * Present if the input lies outside the training distribution, or if the baseline is one of
   * another voice or microphone: do not rely on the results.
   */
  readonly warning?: {
    readonly code: string;
    readonly detail: string;
    readonly distance: number;
    readonly limit: number;
  };
}

export interface Verdict {
  readonly verdict: "agreement" | "mistake" | "unrecognised";
  readonly detail: string;
}

/** The server's verdict on the features that this module computed from a reference clip. */
export interface Verification extends Verdict {
  /** The name of the clip. */
  readonly reference: string;
  readonly form: "vector" | "frames";
  /** The verdict on the prosody, if it was sent. */
  readonly prosody?: Verdict;
}

export const MOST_LABELS = 100;
const SUM_TOLERANCE = 0.01; // of probabilities that the server has rounded
const VERDICTS: readonly unknown[] = ["agreement", "mistake", "unrecognised"];

type Members<T> = { readonly [name in keyof T]?: unknown } | null | undefined;

/** The first fault of a prediction; undefined if it has none. */
export function predictionFault(answer: unknown): string | undefined {
  const { results, warning } = (answer ?? {}) as { results?: unknown; warning?: unknown };
  if (!Array.isArray(results)) return "it has no results";
  if (results.length < 1 || results.length > MOST_LABELS) {
    return `it has ${results.length} results; expected 1 to ${MOST_LABELS}`;
  }
  if (!results.every(isResult)) return "a result is not an emotion with a probability in [0, 1]";
  const sum = (results as Prediction["results"]).reduce((all, each) => all + each.prediction, 0);
  if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) return `its probabilities sum to ${sum}; expected 1`;
  if (warning !== undefined && !isWarning(warning)) return "its warning has unexpected members";
  return undefined;
}

function isResult(value: unknown): boolean {
  const result = value as Members<Prediction["results"][number]>;
  return typeof result?.emotionType === "string" && isShare(result.prediction);
}

/** Whether the value is a number from 0 to 1. */
export function isShare(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1;
}

function isWarning(value: unknown): boolean {
  const warning = value as Members<NonNullable<Prediction["warning"]>>;
  return (
    typeof warning?.code === "string" &&
    typeof warning.detail === "string" &&
    Number.isFinite(warning.distance) &&
    Number.isFinite(warning.limit)
  );
}

/** Whether the response contains a verdict; also on the prosody, if that was sent. */
export function isVerification(
  answer: unknown,
  withProsody: boolean,
): answer is Verdict & { readonly prosody?: Verdict } {
  const { prosody } = (answer ?? {}) as { prosody?: unknown };
  return isVerdict(answer) && (!withProsody || isVerdict(prosody));
}

function isVerdict(value: unknown): value is Verdict {
  const { verdict, detail } = (value ?? {}) as { [name in keyof Verdict]?: unknown };
  return VERDICTS.includes(verdict) && typeof detail === "string";
}

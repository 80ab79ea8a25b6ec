/** Texts of the server, which a page, a terminal or a log may show. */

const MOST_CHARACTERS = 2_000;
/** Control characters; format characters, such as those that turn text around; half surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu;

/** The text on one line, with at most 2,000 characters, all of them visible. */
export function plainText(text: string, most = MOST_CHARACTERS): string {
  const short = text.length <= most ? text : `${text.slice(0, most - 1)}…`;
  return short.replace(/\s+/gu, " ").replace(INVISIBLE, "");
}

/**
 * Parses JSON; every string in it becomes plain text.
 *
 * @throws SyntaxError; RangeError if it is nested too deeply
 */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === "string" ? plainText(value) : value,
  );
}

/** A value of the server in an error message. */
export function quoted(value: unknown): string {
  return value === undefined ? "missing" : plainText(JSON.stringify(value), 100);
}

/** The API key that the user entered. It lasts as long as the tab. */

const KEY = "api-key";

export function readKey(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined; // blocked
  }
}

/** @param key undefined: forget it */
export function keepKey(key: string | undefined): void {
  try {
    if (key === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, key);
  } catch {
    // Blocked: it lasts as long as the page.
  }
}

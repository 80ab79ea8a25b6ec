/**
 * Chooses the language before the first paint: the stored one, or the browser's first that the page
 * has. It runs before the body is read, so it is no module and imports nothing.
 */

{
  const known = ["en", "de"];
  const wanted = [...navigator.languages];
  try {
    wanted.unshift(localStorage.getItem("language") ?? "");
  } catch {
    // The browser allows no storage.
  }
  document.documentElement.lang =
    wanted.map((tag) => tag.split("-")[0]!.toLowerCase()).find((tag) => known.includes(tag)) ??
    "en";
}

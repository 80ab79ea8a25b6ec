/** Publishes the model card and the licence as files of the page, to which index.html links. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { Marked } from "marked";
import type { Plugin } from "vite";

const ROOT = new URL("../../", import.meta.url);

const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

const escape = (text: string): string =>
  text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

// Links and pictures of the card lead to other files of the repository.
const marked = new Marked({
  renderer: {
    image: () => "",
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      return href.startsWith("https:") ? `<a href="${escape(href)}">${text}</a>` : text;
    },
    table(token) {
      const cells = (row: typeof token.header, tag: string): string =>
        row.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join("");
      const rows = token.rows.map((row) => `<tr>${cells(row, "td")}</tr>`).join("");
      const head = `<thead><tr>${cells(token.header, "th")}</tr></thead>`;
      return `<div class="scroll" tabindex="0"><table>${head}<tbody>${rows}</tbody></table></div>`;
    },
  },
});

const PAGES = {
  "model-card": () => ["Model card", marked.parse(read("models/README.md")) as string] as const,
  licence: () => ["Licence", `<h1>Licence</h1><pre>${escape(read("LICENSE"))}</pre>`] as const,
};

export function publish(): Plugin {
  return {
    name: "publish",
    enforce: "post",
    generateBundle(_, bundle) {
      const index = bundle["index.html"];
      const style = Object.keys(bundle).find((name) => /^assets\/docs-.*\.css$/.test(name));
      if (index?.type !== "asset" || style === undefined) throw new Error("the page is missing");
      for (const [name, render] of Object.entries(PAGES)) {
        const [title, body] = render();
        const source = page(title, body, style.replace("assets/", ""));
        const hash = createHash("sha256").update(source).digest("base64url").slice(0, 8);
        const fileName = `assets/${name}-${hash}.html`; // its content never changes
        this.emitFile({ type: "asset", fileName, source });
        index.source = String(index.source).replace(`href="${name}"`, `href="${fileName}"`);
      }
    },
  };
}

function page(title: string, body: string, style: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title}</title>
    <link rel="stylesheet" href="${style}" />
  </head>
  <body>
    <main>${body}</main>
  </body>
</html>
`;
}

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";

import { defineConfig, type Plugin } from "vite";

import { renderDescription } from "./docs.ts";
import * as strings from "./src/strings.ts";

const COMPRESSIBLE = /\.(css|html|js|svg|wasm)$/;

/** Replaces placeholders such as `{{page.title}}` in index.html by the texts of strings.ts. */
function fillIn(): Plugin {
  const lookUp = (path: string): string => {
    const found = path
      .split(".")
      .reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], strings);
    if (typeof found !== "string") throw new Error(`src/strings.ts has no text ${path}`);
    return found;
  };
  return {
    name: "fill-in",
    transformIndexHtml: (html) => html.replace(/{{([\w.]+)}}/g, (_, path: string) => lookUp(path)),
  };
}

/** Inserts the rendered OpenAPI description into docs.html. */
function describe(): Plugin {
  return {
    name: "describe",
    transformIndexHtml: (html) => html.replace("<!-- openapi.yaml -->", () => renderDescription()),
  };
}

/** Writes FILE.gz beside each file, for Nginx's gzip_static. */
function compress(): Plugin {
  return {
    name: "compress",
    apply: "build",
    async writeBundle({ dir = "dist" }) {
      for (const name of await readdir(dir, { recursive: true })) {
        if (!COMPRESSIBLE.test(name)) continue;
        const path = join(dir, name);
        const level = constants.Z_BEST_COMPRESSION;
        await writeFile(`${path}.gz`, gzipSync(await readFile(path), { level }));
      }
    },
  };
}

export default defineConfig({
  base: "./", // so that the page also works under a path prefix of a reverse proxy
  plugins: [fillIn(), describe(), compress()],
  worker: { format: "es" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy forbids data: URLs
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["index.html", "docs.html"] },
  },
});

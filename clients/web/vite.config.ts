import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";

import { defineConfig, type Plugin } from "vite";

import { renderDescription } from "./docs.ts";
import { publish } from "./publish.ts";
import * as english from "./src/strings/english.ts";

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const COMPRESSIBLE = /\.(css|html|js|svg|wasm|webmanifest)$/;
const SERVICE_WORKER = "service-worker.js"; // without a hash: its address must not change

/**
 * Replaces placeholders such as `{{page.title}}` by the English texts. Where one is all of an element
 * or of its label, an attribute with the path lets the page put another language there.
 */
function fillIn(): Plugin {
  const lookUp = (path: string): string => {
    const found = path
      .split(".")
      .reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], english);
    if (typeof found !== "string") throw new Error(`src/strings/english.ts has no text ${path}`);
    return escape(found);
  };
  return {
    name: "fill-in",
    transformIndexHtml: (html) =>
      html
        .replace(
          />\s*{{([\w.]+)}}\s*</g,
          (_, path: string) => ` data-text="${path}">${lookUp(path)}<`,
        )
        .replace(
          /aria-label="{{([\w.]+)}}"/g,
          (_, path: string) => `aria-label="${lookUp(path)}" data-label="${path}"`,
        )
        .replace(/content="{{([\w.]+)}}"/g, (_, path: string) => `content="${lookUp(path)}"`)
        .replace(/{{.*?}}/g, (rest) => {
          throw new Error(`${rest} must be all of an element, an aria-label or a meta's content`);
        }),
  };
}

/** Puts the script that chooses the language before the body, so that no text flashes. */
function chooseLanguage(): Plugin {
  return {
    name: "choose-language",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle = {}, path }) => {
        const files = Object.values(bundle);
        const script = files.find((file) => file.type === "chunk" && file.name === "language");
        if (!script || path !== "/index.html") return [];
        return [{ tag: "script", attrs: { src: `./${script.fileName}` }, injectTo: "head" }];
      },
    },
  };
}

/** Inserts the rendered OpenAPI description into docs.html. */
function describe(): Plugin {
  return {
    name: "describe",
    transformIndexHtml: (html) => html.replace("<!-- openapi.yaml -->", () => renderDescription()),
  };
}

/** Gives the service worker the names of the page's files, without clips that few visitors load. */
function listFiles(): Plugin {
  return {
    name: "list-files",
    enforce: "post",
    generateBundle(_, bundle) {
      const names = Object.keys(bundle).filter((name) =>
        /^assets\/(?!docs-.*\.js$|.*\.flac$)/.test(name),
      );
      const files = JSON.stringify(["./", "favicon.svg", "manifest.webmanifest", ...names]);
      const worker = Object.values(bundle).find(({ fileName }) => fileName === SERVICE_WORKER);
      if (worker?.type !== "chunk") throw new Error("there is no service worker");
      worker.code = worker.code.replace("__FILES__", () => files);
    },
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
  plugins: [fillIn(), chooseLanguage(), describe(), publish(), listFiles(), compress()],
  worker: { format: "es" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy forbids data: URLs
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: {
        index: "index.html",
        docs: "docs.html",
        language: "src/strings/first.ts",
        "service-worker": "src/offline/service-worker.ts",
      },
      output: {
        entryFileNames: ({ name }) =>
          name === "service-worker" ? SERVICE_WORKER : "assets/[name]-[hash].js",
      },
    },
  },
});

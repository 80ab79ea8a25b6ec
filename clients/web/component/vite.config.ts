import { copyFile } from "node:fs/promises";
import { join } from "node:path";

import { defineConfig, type Plugin } from "vite";

/** Puts the types beside the script. */
function copyTypes(): Plugin {
  return {
    name: "copy-types",
    writeBundle: ({ dir = "dist" }) =>
      copyFile(new URL("src/types.d.ts", import.meta.url), join(dir, "index.d.ts")),
  };
}

/** Without hashes: the bundlers of others add theirs. */
const NAMES = { entryFileNames: "[name].js", assetFileNames: "[name][extname]" };

/** Leaves the runtime to the worker: the page's own thread never runs an extractor. */
function withoutRuntime(): Plugin {
  const nothing = "\0nothing";
  return {
    name: "without-runtime",
    enforce: "pre",
    resolveId: (id) => (id === "./runtime.js" ? nothing : null),
    load: (id) => (id === nothing ? "export {};" : null),
  };
}

/** Keeps Vite in projects of others from inlining the worklet: security policies forbid data: URLs. */
function keepWorklet(): Plugin {
  return {
    name: "keep-worklet",
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== "chunk" || !file.isEntry) continue;
        file.code = file.code.replace("capture.worklet.js", "$&?no-inline");
      }
    },
  };
}

/** One script, which contains its workers and styles, and the WebAssembly beside it. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [copyTypes(), keepWorklet(), withoutRuntime()],
  worker: {
    format: "es",
    rollupOptions: { output: { ...NAMES, codeSplitting: false } },
  },
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // which have light-dark()
    assetsInlineLimit: (file) => !file.endsWith(".wasm"),
    modulePreload: false,
    license: { fileName: "licenses.md" }, // of the modules in the script
    rollupOptions: {
      input: "src/index.ts",
      preserveEntrySignatures: "strict",
      output: {
        ...NAMES,
        codeSplitting: false,
      },
    },
  },
});

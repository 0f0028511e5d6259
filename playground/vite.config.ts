import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const { homepage } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** A static page. All of its addresses are relative, as it does not know under which path it is served. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  // Only the preview picture in links needs an absolute address.
  plugins: [{ name: "homepage", transformIndexHtml: (html) => html.replaceAll("%HOMEPAGE%", homepage) }],
  worker: { format: "es" },
  // The training example imports the package by its name.
  resolve: {
    alias: [
      { find: /^tirc$/, replacement: at("../src/index.ts") },
      { find: /^tirc\/runtime$/, replacement: at("../src/runtime/index.ts") },
    ],
  },
  build: {
    ...{ outDir: "dist", emptyOutDir: true, target: "es2023" },
    rolldownOptions: { input: [at("index.html"), at("training.html")] },
  },
  // The examples and the compiler's sources are outside the page's folder.
  server: { fs: { allow: [".."] } },
});

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const { homepage } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** A static page: what it is served under is not known, so all of its addresses are relative. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  // What it is served under as far as others need to know: where they find the picture of a link.
  plugins: [{ name: "homepage", transformIndexHtml: (html) => html.replaceAll("%HOMEPAGE%", homepage) }],
  worker: { format: "es" },
  // The example that trains imports the package.
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
  // Examples and the compiler's sources are outside the page's folder.
  server: { fs: { allow: [".."] } },
});

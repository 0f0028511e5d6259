import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

const { homepage } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** A static page: what it is served under is not known, so all of its addresses are relative. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  // What it is served under as far as others need to know: where they find the picture of a link.
  plugins: [{ name: "homepage", transformIndexHtml: (html) => html.replaceAll("%HOMEPAGE%", homepage) }],
  worker: { format: "es" },
  build: { outDir: "dist", emptyOutDir: true, target: "es2023" },
  // Examples and the compiler's sources lie beside the page's folder.
  server: { fs: { allow: [".."] } },
});

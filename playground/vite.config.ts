import { defineConfig } from "vite";

/** A static page: what it is served under is not known, so all of its addresses are relative. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  worker: { format: "es" },
  build: { outDir: "dist", emptyOutDir: true, target: "es2023" },
  // Examples and the compiler's sources lie beside the page's folder.
  server: { fs: { allow: [".."] } },
});

/** Builds the playground in a temporary folder and serves it, for tests and screenshots. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, preview } from "vite";
import { buildGrammar } from "./build-grammar.mjs";
import { buildLauncher } from "./build-launcher.mjs";

const configFile = fileURLToPath(new URL("../playground/vite.config.ts", import.meta.url));

/** `url` ends with a slash; `close()` stops the server and removes the build. */
export async function servePlayground() {
  buildGrammar();
  buildLauncher();
  const outDir = mkdtempSync(join(tmpdir(), "tirc-playground-"));
  const options = { configFile, logLevel: "silent", build: { outDir } };
  await build(options);
  const server = await preview({ ...options, preview: { host: "127.0.0.1", port: 0 } });
  return {
    url: server.resolvedUrls.local[0],
    close: async () => {
      await server.close();
      rmSync(outDir, { recursive: true, force: true });
    },
  };
}

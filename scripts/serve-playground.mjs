/** Builds the playground aside and serves what was built, for tests and screenshots. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, preview } from "vite";
import { buildGrammar } from "./build-grammar.mjs";
import { buildLauncher } from "./build-launcher.mjs";

const configFile = fileURLToPath(new URL("../playground/vite.config.ts", import.meta.url));

/** `url` ends in a slash; `close()` ends the server and removes what was built. */
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

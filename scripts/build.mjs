/**
 * Builds dist/: generates the grammar and the launcher's text, runs tsc into a new folder and bundles the command there.
 * The folder then replaces dist/.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGrammar } from "./build-grammar.mjs";
import { buildLauncher } from "./build-launcher.mjs";
import { bundleCommand } from "./bundle.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const fresh = `${root}dist.${process.pid}.tmp`;
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

buildGrammar();
buildLauncher();
const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", fresh], {
  cwd: root,
  stdio: "inherit",
});
const discard = () => rmSync(fresh, { recursive: true, force: true });
if (status !== 0) {
  discard();
  process.exit(status ?? 1);
}
await bundleCommand(fresh).catch((error) => {
  discard();
  throw error;
});
rmSync(`${root}dist`, { recursive: true, force: true });
renameSync(fresh, `${root}dist`);
const cli = `${root}dist/src/cli/main.js`;
if (existsSync(cli)) chmodSync(cli, 0o755);

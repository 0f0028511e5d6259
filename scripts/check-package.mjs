/**
 * Packs the package and checks the tarball with publint and attw: that its entry points exist and their types resolve.
 * The package has only ES modules (`require` in Node 20.19 and later accepts them), so attw's profile is `esm-only`.
 *
 *   node scripts/check-package.mjs [TARBALL]     packs the package if no tarball is given
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");

function run(command, ...args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  return status === 0;
}

function check(tarball) {
  const publint = run(process.execPath, join(modules, "publint/src/cli.js"), "run", tarball, "--strict");
  const attw = join(modules, "@arethetypeswrong/cli/dist/index.js");
  return run(process.execPath, attw, tarball, "--profile", "esm-only", "--format", "ascii", "--no-emoji") && publint;
}

const given = process.argv[2];
if (given !== undefined) process.exitCode = check(given) ? 0 : 1;
else {
  const folder = mkdtempSync(join(tmpdir(), "tirc-package-"));
  try {
    const isPacked = run("npm", "pack", "--loglevel=error", "--pack-destination", folder);
    process.exitCode = isPacked && check(join(folder, readdirSync(folder)[0])) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

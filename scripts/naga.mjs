/**
 * Compiles every kernel that the tests generate with naga, the WGSL compiler of wgpu and Firefox, in Deno, and creates
 * its pipeline in wgpu. test/naga-results.json stores the number of kernels by test file; exits 1 if naga rejects one.
 *
 *   npm run check:naga -- [TEST-FILE...]     all files by default; results of other files are kept
 *
 * Deno is not a dependency: `npm install --no-save deno` installs it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const kept = join(root, "test/naga-results.json");
const bin = join(root, "node_modules/.bin/deno");
const deno = process.env.DENO ?? (existsSync(bin) ? bin : "deno");
const version = spawnSync(deno, ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0];
if (version === undefined) {
  console.log("skipped: Deno is not installed; run `npm install --no-save deno` or set $DENO to its path");
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), "tirc-kernels-"));
try {
  const files = process.argv.slice(2);
  const report = join(folder, "report");
  const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", "vitest.naga.config.ts"];
  const reporters = ["--reporter=dot", "--reporter=json", `--outputFile.json=${report}`];
  const env = { ...process.env, TIRC_KERNELS: folder };
  spawnSync(process.execPath, [...vitest, ...reporters, ...files], { cwd: root, env, stdio: "inherit" });
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  const names = (status) =>
    testResults.filter((one) => one.status === status).map((one) => relative(root, one.name).replaceAll("\\", "/"));
  const passed = names("passed");
  const failed = names("failed");

  const check = ["run", "--unstable-webgpu", "--no-lock", "-A", join(root, "scripts/naga-check.mjs"), folder];
  const stdio = ["ignore", "pipe", "inherit"];
  const { status, stdout } = spawnSync(deno, check, { cwd: root, stdio, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error("Deno failed");
  const { adapter, refused } = JSON.parse(stdout);

  const none = { files: {}, refused: [] };
  const before = files.length > 0 && existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : none;
  const madeBy = (file) => {
    const made = join(folder, file.replaceAll("/", "+"));
    return existsSync(made) ? readdirSync(made) : [];
  };
  const others = Object.entries(before.files).filter(([file]) => !passed.includes(file));
  const found = passed.map((file) => [file, madeBy(file).length]).filter(([, count]) => count > 0);
  const refusals = passed.flatMap((file) => {
    const names = madeBy(file);
    return refused.filter(({ name }) => names.includes(name)).map(({ message }) => ({ file, message }));
  });
  const results = {
    ...{ deno: version, adapter },
    files: Object.fromEntries([...others, ...found].sort(([a], [b]) => (a < b ? -1 : 1))),
    refused: [...before.refused.filter(({ file }) => !passed.includes(file)), ...refusals],
  };
  writeFileSync(kept, `${JSON.stringify(results, null, 2)}\n`);

  const total = found.reduce((sum, [, count]) => sum + count, 0);
  console.log(`${total} kernels of ${found.length} test files, ${refused.length} refused on ${adapter}`);
  for (const { message, wgsl } of refused) console.log(`\n${message}\n${wgsl}`);
  if (failed.length > 0) console.log(`\nnot counted, because their tests fail:\n  ${failed.join("\n  ")}`);
  process.exitCode = refused.length + failed.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

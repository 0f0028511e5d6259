/**
 * Gives every kernel that the tests compile to naga, the WGSL compiler of wgpu and Firefox, in Deno, and has wgpu make its
 * pipeline. What came of it is kept in test/naga-results.json; exits 1 where naga refuses a kernel.
 *
 *   npm run check:naga -- [TEST-FILE...]     of these test files; of all without one
 *
 * Deno is no dependency: `npm install --no-save deno` brings it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules/.bin/deno");
const deno = process.env.DENO ?? (existsSync(bin) ? bin : "deno");
const version = spawnSync(deno, ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0];
if (version === undefined) {
  console.log("skipped: there is no Deno here; `npm install --no-save deno` brings it, $DENO names one");
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), "tirc-kernels-"));
try {
  const files = process.argv.slice(2);
  const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", "vitest.naga.config.ts", ...files];
  const env = { ...process.env, TIRC_KERNELS: folder };
  const tests = spawnSync(process.execPath, vitest, { cwd: root, env, stdio: "inherit" });
  if (tests.status !== 0) throw new Error("the tests fail: what they did not compile is missing");
  console.log(`${readdirSync(folder).length} different kernels`);
  const check = ["run", "--unstable-webgpu", "--no-lock", "-A", join(root, "scripts/naga-check.mjs"), folder];
  const { status, stdout } = spawnSync(deno, check, {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  if (status !== 0) throw new Error("Deno did not get through");
  const found = JSON.parse(stdout);
  const results = { deno: version, tests: files.length > 0 ? files : "all", ...found };
  writeFileSync(join(root, "test/naga-results.json"), `${JSON.stringify(results, null, 2)}\n`);
  console.log(`${found.taken} taken, ${found.refused.length} refused, ${found.skipped} skipped on ${found.adapter}`);
  for (const { name, message } of found.refused) {
    console.log(`\n${message}\n${JSON.parse(readFileSync(join(folder, name), "utf8")).wgsl}`);
  }
  process.exitCode = found.refused.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

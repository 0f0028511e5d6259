import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const run = (script: string, ...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });

test.each([
  "scripts/bench-compile.mjs",
  "scripts/bench-norms.mjs",
  "scripts/bench-integrations.mjs",
  "scripts/bench-cut.mjs",
  "scripts/bench-launch.mjs",
  "scripts/bench-lengths.mjs",
  "scripts/training.mjs",
  "bench/bench.mjs",
])("%s --help says how it is called", (script) => {
  const { status, stdout } = run(script, "--help");
  expect(stdout).toMatch(/^Usage: npm run (bench|train)/);
  expect(status).toBe(0);
});

test("what a script does not take is named, and how it is called", () => {
  for (const [word, wrong] of [
    ["many", "many is not a number of rounds"],
    ["--fast", "Unknown option '--fast'"],
  ] as const) {
    const { status, stderr } = run("scripts/bench-compile.mjs", word);
    expect(stderr).toContain(wrong);
    expect(stderr).toContain("Usage: npm run bench:compile -- [ROUNDS]");
    expect(status).toBe(2);
  }
});

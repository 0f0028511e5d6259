import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const run = (script: string, ...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });

/** Scripts with options, each with one that is wrong, and what to write instead. */
const wrong: [script: string, line: string, write: string][] = [
  ["scripts/bench-compile.mjs", "many", "a whole number from 1"],
  ["scripts/bench-norms.mjs", "0", "a whole number from 1"],
  ["scripts/bench-integrations.mjs", "--rounds 1.5", "a whole number from 1"],
  ["scripts/bench-cut.mjs", "--rounds many", "a whole number from 1"],
  ["scripts/bench-cut.mjs", "rows=many", "NAME=EXTENT"],
  ["scripts/bench-lengths.mjs", "--rounds=-1", "a whole number from 1"],
  ["scripts/bench-lengths.mjs", "--lengths 64,many", "values separated by commas, each a whole number from 1"],
  ["scripts/bench-against.mjs", ". --rounds many", "a whole number from 1"],
  ["scripts/bench-against.mjs", ". --shape 4096", "ROWSxCOLUMNS"],
  ["scripts/bench-against.mjs", ". --op layernrom", "one of layernorm, rmsnorm"],
  ["scripts/bench-against.mjs", ". --option accuracy", "NAME=VALUE"],
  ["scripts/bench-tfjs.mjs", "--blocks none", "a whole number from 1"],
  ["scripts/bench-tfjs.mjs", "--rate 0", "a positive number"],
  ["scripts/training.mjs", "--steps 0", "a whole number from 1"],
  ["bench/bench.mjs", "--rounds many", "a whole number from 1"],
  ["bench/bench.mjs", "--shape 4096x", "ROWSxCOLUMNS"],
];

test.each([...new Set(wrong.map(([script]) => script)), "scripts/bench-launch.mjs"])(
  "%s --help says how it is called",
  (script) => {
    const { status, stdout } = run(script, "--help");
    expect(stdout).toMatch(/^Usage: npm run (bench|train)/);
    expect(status).toBe(0);
  },
);

test.each(wrong)("%s %s", (script, line, write) => {
  const { status, stdout, stderr } = run(script, ...line.split(" "));
  expect(stderr).toContain(`: write ${write}`);
  expect(stderr).toContain("\n\nUsage: npm run ");
  expect(stdout).toBe("");
  expect(status).toBe(2);
});

test("a script that reads its options is in this list", () => {
  const scripts = ["scripts", "bench"].flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`));
  const reads = scripts.filter(
    (file) => /\.mjs$/.test(file) && /import \{[^}]*\b(scriptOptions|roundsOr)\b/.test(readFileSync(file, "utf8")),
  );
  const listed = new Set([...wrong.map(([script]) => script), "scripts/bench-launch.mjs"]);
  expect(reads.filter((file) => !listed.has(file))).toEqual([]);
  expect(reads.length).toBe(listed.size);
});

test("an unknown option is named, and how the script is called", () => {
  const { status, stderr } = run("scripts/bench-compile.mjs", "--fast");
  expect(stderr).toContain("Unknown option '--fast'");
  expect(stderr).toContain("Usage: npm run bench:compile -- [ROUNDS]");
  expect(status).toBe(2);
});

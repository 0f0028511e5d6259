/** What `--help` shows, in test/golden/help.txt. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commandSpecs } from "../../src/cli/commands.ts";
import { Workplace } from "../support/cli.ts";
import { expectGolden } from "../support/golden.ts";

const place = new Workplace();
const names = commandSpecs.map(({ name }) => name);

test("help of every command", async () => {
  const lines = [["--help"], ...names.map((name) => [name, "--help"])];
  const shown: string[] = [];
  for (const line of lines) {
    const { code, stdout, stderr } = await place.run(line);
    expect([code, stderr]).toEqual([0, ""]);
    shown.push(`$ tirc ${line.join(" ")}\n${stdout}`);
  }
  expectGolden("help.txt", shown.join("\n"));
});

test("no line of help is wider than 100 columns", async () => {
  for (const line of [["--help"], ...names.map((name) => [name, "--help"])]) {
    const { stdout } = await place.run(line);
    expect(Math.max(...stdout.split("\n").map((text) => text.length))).toBeLessThanOrEqual(100);
  }
});

test.each([[[]], [["-h"]], [["help"]]])("%j is --help", async (line) => {
  expect(await place.run(line)).toEqual(await place.run(["--help"]));
});

test.each([[["help", "run"]], [["run", "-h"]], [["run", "--nonsense", "--help"]]])("%j is run --help", async (line) => {
  expect(await place.run(line)).toEqual(await place.run(["run", "--help"]));
});

test("--version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(await place.run(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
});

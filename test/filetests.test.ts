/**
 * Text in, text out: each file of test/filetests says in its first line which passes to run, and at its end, after
 * `// EXPECT`, the program and the remarks that must come out. `TIRC_BLESS=1` writes what came out into the files.
 *
 * Whatever the pipeline, the result must verify, read back as printed, and compute what the input computes. Only a lossy
 * pipeline may change numbers.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sameModule } from "../src/ir/equal.ts";
import { constantsOf, interpret } from "../src/ir/interpret.ts";
import type { Module } from "../src/ir/ir.ts";
import { print } from "../src/ir/print.ts";
import { verifyFn, verifySignature } from "../src/ir/verify.ts";
import { parse } from "../src/parse/parse.ts";
import { expectSameNumbers } from "./support/expect-numbers.ts";
import { randomConstant, randomInputs } from "./support/random-inputs.ts";
import { describeDiagnostic, runPasses } from "./support/run-passes.ts";

const root = new URL("./filetests/", import.meta.url).pathname;
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".tir"))
  .sort();
const header = /^\/\/ RUN: passes (?<pipeline>\S+)(?: within (?<tolerance>\S+))?$/m;
const expectMark = "\n// EXPECT\n";

function readTest(file: string) {
  const text = readFileSync(join(root, file), "utf8");
  const { pipeline, tolerance = "1e-12" } = header.exec(text.split("\n", 1)[0] ?? "")?.groups ?? {};
  if (pipeline === undefined) throw new Error(`${file}: the first line must be "// RUN: passes PIPELINE"`);
  const at = text.indexOf(expectMark);
  const source = at < 0 ? `${text.trimEnd()}\n` : text.slice(0, at);
  return { source, expected: at < 0 ? "" : text.slice(at + expectMark.length), pipeline, tolerance: Number(tolerance) };
}

const commented = (lines: readonly string[]) => lines.map((line) => `// ${line}`.trimEnd()).join("\n");

/** @param relative what numbers may differ by; nothing is compared where it is missing. */
function checkMeaning(before: Module, after: Module, relative: number | undefined): void {
  for (const [i, fn] of before.fns.entries()) {
    const other = after.fns[i] as typeof fn;
    expect(verifyFn(other).map((d) => d.message)).toEqual([]);
    expect(verifySignature(fn, other)).toEqual([]);
    if (relative === undefined) continue;
    for (const seed of [1, 2]) {
      const inputs = randomInputs(fn, seed);
      const [numbers, wanted] = [
        interpret(other, inputs, constantsOf(after, randomConstant)),
        interpret(fn, inputs, constantsOf(before, randomConstant)),
      ];
      expectSameNumbers(numbers, wanted, { relative, what: fn.name });
    }
  }
}

describe("filetests", () => {
  test.each(files)("%s", (file) => {
    const { source, expected, pipeline, tolerance } = readTest(file);
    const before = parse(source, { file });
    const text = print(before);
    const { module: after, remarks } = runPasses(before, pipeline);
    expect(print(before), "the input is not changed").toBe(text);
    checkMeaning(before, after, pipeline.includes("lossy") ? undefined : tolerance);
    expect(sameModule(parse(print(after)), after), "reads back as printed").toBe(true);
    expect(print(parse(print(after)))).toBe(print(after));
    expect(print(runPasses(after, pipeline).module), "running it again changes nothing").toBe(print(after));

    const found = `${commented([...print(after).trimEnd().split("\n"), ...remarks.flatMap(describeDiagnostic)])}\n`;
    if (process.env.TIRC_BLESS === "1") writeFileSync(join(root, file), source + expectMark + found);
    else expect(found).toBe(expected);
  });
});

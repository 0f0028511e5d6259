/**
 * Text-based tests of passes, like Cranelift's filetests and LLVM's lit: the first line of a `.tir` file names the
 * passes to run, and `// EXPECT` is followed by the expected program and remarks.
 *
 *   // RUN: passes expand-softsign within 1e-12
 *   fn f(x: f32[n]) -> (y: f32[n]) {
 *     return softsign(x)
 *   }
 *
 *   // EXPECT
 *   // fn f(x: f32[n]) -> (y: f32[n]) { ...
 *
 * For every pipeline, the result must be well-formed, parse back to the same program after printing, not change when
 * the pipeline runs again, and compute the same numbers as the input in float64, `within` a relative error. Only a
 * lossy pipeline may change the numbers.
 */

import { AssertionError } from "node:assert";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { builtins } from "../../passes/index.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { lineColumn } from "../diagnostics/source.ts";
import { type Plugin, passesOf } from "../driver/plugin.ts";
import { sameModule } from "../ir/equal.ts";
import { constantsOf, interpret } from "../ir/interpret.ts";
import type { Module } from "../ir/ir.ts";
import { print } from "../ir/print.ts";
import { verifyFn, verifySignature } from "../ir/verify.ts";
import { parse } from "../parse/parse.ts";
import { PassManager } from "../pass-manager/pass-manager.ts";
import { randomConstant, randomInputs } from "./random-inputs.ts";
import { numberDifference } from "./same-numbers.ts";

/** Options of the test runner. */
export interface FiletestOptions {
  /** Plugins whose passes the first line may name. Their ops must be registered separately, by `registerOps`. */
  readonly plugins?: readonly Plugin[];
  /** Whether to update the expectations in the files. By default, if TIRC_BLESS is 1. */
  readonly bless?: boolean;
}

/** The test of one file, for `test(one.name, one.run)`. */
export interface Filetest {
  /** The path of the file, relative to the folder. */
  readonly name: string;
  /** @throws AssertionError if the test fails. */
  readonly run: () => void;
}

/** The tests in a folder and its subfolders, sorted by name. */
export function filetests(folder: string | URL, options: FiletestOptions = {}): Filetest[] {
  const root = typeof folder === "string" ? folder : fileURLToPath(folder);
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tir"));
  const { bless = process.env.TIRC_BLESS === "1" } = options;
  return files.sort().map((name) => ({
    name,
    run() {
      const path = join(root, name);
      const text = readFileSync(path, "utf8");
      const wanted = runFiletest(text, { ...options, file: name });
      if (bless) writeFileSync(path, wanted);
      else same(text.slice(text.indexOf(mark)), wanted.slice(wanted.indexOf(mark)), `${name}: the output`);
    },
  }));
}

const header = /^\/\/ RUN: passes (?<pipeline>\S+)(?: within (?<tolerance>\S+))?$/;
const mark = "\n// EXPECT\n";

/**
 * Runs a test.
 * @returns the text of the test with its expectations updated.
 * @throws AssertionError if the result breaks a requirement that holds for every pipeline.
 */
export function runFiletest(
  text: string,
  { plugins = [], file = "<filetest>" }: FiletestOptions & { readonly file?: string } = {},
): string {
  const { pipeline, tolerance = "1e-12" } = header.exec(text.split("\n", 1)[0] ?? "")?.groups ?? {};
  if (pipeline === undefined) fails(`${file}: the first line must be "// RUN: passes PIPELINE"`);
  const at = text.indexOf(mark);
  const source = at < 0 ? `${text.trimEnd()}\n` : text.slice(0, at);
  const run = (module: Module) => new PassManager(pipeline, { builtins, registry: passesOf(plugins) }).run(module);

  const before = parse(source, { file });
  const printed = print(before);
  const { module: after, remarks } = run(before);
  same(print(before), printed, `${file}: the input program, after the pipeline has run`);
  checkMeaning(before, after, pipeline.includes("lossy") ? undefined : Number(tolerance), file);
  const again = parse(print(after));
  if (!sameModule(again, after)) fails(`${file}: the result does not parse back to the same program`);
  same(print(again), print(after), `${file}: the result, parsed and printed again`);
  same(print(run(after).module), print(after), `${file}: the result, when the pipeline runs again`);

  const lines = [...print(after).trimEnd().split("\n"), ...remarks.flatMap(described)];
  return `${source}${mark}${lines.map((line) => `// ${line}`.trimEnd()).join("\n")}\n`;
}

/** @param relative the largest relative error; if missing, numbers are not compared. */
function checkMeaning(before: Module, after: Module, relative: number | undefined, file: string): void {
  for (const [i, fn] of before.fns.entries()) {
    const other = after.fns[i];
    if (other === undefined) fails(`${file}: the function \`${fn.name}\` is gone`);
    for (const { message } of [...verifyFn(other), ...verifySignature(fn, other)]) fails(`${file}: ${message}`);
    if (relative === undefined) continue;
    for (const seed of [1, 2]) {
      const inputs = randomInputs(fn, seed);
      const numbers = interpret(other, inputs, constantsOf(after, randomConstant));
      const wanted = interpret(fn, inputs, constantsOf(before, randomConstant));
      const difference = numberDifference(numbers, wanted, relative);
      if (difference !== undefined) fails(`${file}: ${fn.name}: ${difference}`);
    }
  }
}

/** The lines of a diagnostic: its location, code and message, then its notes and help. */
function described({ span, severity, code, message, notes, help }: Diagnostic): string[] {
  const { line, column } = span === undefined ? { line: 0, column: 0 } : lineColumn(span.source, span.start);
  const more = [...notes.map((note) => `  ${note}`), ...help.map((text) => `  help: ${text}`)];
  return [`${line}:${column}: ${severity}[${code}]: ${message}`, ...more];
}

function fails(message: string): never {
  throw new AssertionError({ message });
}

function same(actual: string, expected: string, what: string): void {
  if (actual === expected) return;
  // Test runners show a diff of `actual` and `expected`.
  throw new AssertionError({ message: `${what} is not as expected`, actual, expected, operator: "strictEqual" });
}

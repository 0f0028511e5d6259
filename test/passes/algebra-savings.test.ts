/** docs/algebra.md: what each rule saves, counted in plans. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { lowerNorms } from "../../codegen/lower-norms.ts";
import { builtins } from "../../passes/index.ts";
import type { Module } from "../../src/ir/ir.ts";
import { isLeaf } from "../../src/ir/ir.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { print } from "../../src/ir/print.ts";
import { parse } from "../../src/parse/parse.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";
import { outline } from "../../src/plan/outline.ts";
import { launchesOf, type PlanBuffer } from "../../src/plan/plan.ts";

const weights = ["w", "v"].map((name) => `const ${name}: f32[64, 64] = load("m.safetensors", "${name}")\n`).join("");
const vectors = ["g", "b", "c"].map((name) => `const ${name}: f32[64] = load("m.safetensors", "${name}")\n`).join("");
const rms = (x: string) => `rmsnorm(${x}, axes = [-1])`;

/** A rule, a program in which it fires, and the passes that have it. */
const rules: readonly (readonly [rule: string, result: string, passes: string])[] = [
  ["norm of norm", rms(rms("x")), "default"],
  ["scale into eps", rms("x * 8"), "default"],
  ["row scale", "l2norm(x * minimum(maximum(r, 1), 1000), axes = [-1])", "default"],
  ["row shift", "softmax(x + r, axes = [-1])", "default"],
  ["fold gamma, beta", "linear(rmsnorm(x + 1, g, axes = [-1]) + b, w, c)", "fold-affine,default"],
  ["center the reader", "linear(center(abs(x), axes = [-1]), w, c)", "center-readers,default"],
  ["defer the scale", `linear(${rms("abs(x)")}, w)`, "raise-norms,defer-scale,default"],
  [
    "largest number",
    "rmsnorm(abs(x), axes = [-1]) / max(abs(rmsnorm(abs(x), axes = [-1])), axes = [-1], keepdims = true)",
    "cse,defer-scale,default",
  ],
  ["norm of a product", rms(`linear(${rms("abs(x)")}, w)`), "raise-norms,defer-scale,default"],
];

const without =
  "raise-norms,canonicalize,layernorm-to-rmsnorm,eliminate-centering,cse,dce,nest-reductions,fuse-elementwise";

const programOf = (result: string) =>
  `${weights}${vectors}fn f(x: f32[rows, 64], r: f32[rows, 1]) -> (y: f32[rows, 64]) {\n  return ${result}\n}\n`;

/** Of the last function. Named dimensions are 1, so that numbers are those of a row. */
function countsOf({ fns }: Module): readonly number[] {
  const fn = fns.at(-1);
  if (fn === undefined) throw new Error("no function");
  const launches = launchesOf(outline(fn));
  const bound = launches.flatMap(({ reads, writes }) => [...reads, ...writes]);
  const perRow = ({ type: { shape } }: PlanBuffer) =>
    shape.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1);
  const work = launches.flatMap((launch) => lowerNorms(launch.fn).ops).filter((op) => !isLeaf(op));
  const reductions = work.filter(({ name }) => ops[name].kind === "reduction").length;
  const sum = bound.reduce((total, buffer) => total + perRow(buffer), 0);
  const constants = launches.flatMap(({ fn }) => fn.ops.filter(({ name }) => name === "global"));
  return [launches.length, bound.length + constants.length, sum, reductions, work.length - reductions];
}

const cellsOf = (before: readonly number[], after: readonly number[]) =>
  before.map((count, i) => (count === after[i] ? `${count}` : `${count} → ${after[i]}`));

/** The page with these lines in the table that begins with `head`. */
function withTable(page: string, head: string, lines: readonly string[]): string {
  const start = page.indexOf(head);
  const from = page.indexOf("\n", page.indexOf("|---", start)) + 1;
  const end = page.slice(from).search(/^(?!\|)/m);
  return `${page.slice(0, from)}${lines.map((line) => `${line}\n`).join("")}${page.slice(end < 0 ? page.length : from + end)}`;
}

function expectTable(head: string, lines: readonly string[]): void {
  const page = readFileSync("docs/algebra.md", "utf8");
  const wanted = withTable(page, head, lines);
  if (process.env.TIRC_BLESS === "1") writeFileSync("docs/algebra.md", wanted);
  else expect(page).toBe(wanted);
}

test("what each rule saves is what the page says", () => {
  const lines = rules.map(([rule, result, passes]) => {
    const module = parse(programOf(result));
    const run = (passes: string) => countsOf(new PassManager(passes, { builtins, verify: "exact" }).run(module).module);
    const [before, after] = [run(without), run(passes)];
    expect(after, rule).not.toEqual(before);
    return `| ${[rule, ...cellsOf(before, after)].join(" | ")} |`;
  });
  expectTable("| | launches", lines);
});

/** Passes whose rules may fire in an example, by what the page calls them. */
const ofExamples: readonly (readonly [rules: string, passes: string])[] = [
  ["norms of norms, scales, shifts", "default"],
  ["fold gamma, beta", "fold-affine,default"],
  ["center the reader", "center-readers,default"],
  ["largest number", "raise-norms,defer-scale,default"],
  ["fold gamma, beta; defer the scale", "raise-norms,fold-affine,defer-scale,default"],
];

/** The program with parameters of fixed extents as constants, as those of a model are. */
function withConstants(text: string): string {
  const consts: string[] = [];
  const start = text.search(/^fn /m);
  const end = text.indexOf("->", start);
  const params = text
    .slice(start, end)
    .replace(/(\w+): (f\d+\[\d+(?:, \d+)*\])(,?)/g, (_, name: string, type: string) => {
      consts.push(`const ${name}: ${type} = load("m.safetensors", "${name}")\n`);
      return "";
    });
  return `${text.slice(0, start)}${consts.join("")}${params.replace(/,\s*\)/, ")")}${text.slice(end)}`;
}

test("what the rules save in the examples is what the page says", () => {
  const files = ["examples", "examples/plans"].flatMap((folder) =>
    readdirSync(folder).flatMap((name) => (name.endsWith(".tir") ? [`${folder}/${name}`] : [])),
  );
  expect(files.length).toBeGreaterThan(12);
  const lines = files.flatMap((file) => {
    const module = parse(withConstants(readFileSync(file, "utf8")), { file });
    const run = (passes: string) => new PassManager(passes, { builtins, verify: true }).run(module).module;
    const plain = run(without);
    const unchanged = print(plain);
    return ofExamples.flatMap(([rules, passes]) => {
      const simplified = run(passes);
      // Most are not, as finding their kernels takes longest.
      if (print(simplified) === unchanged) return [];
      const [before, after] = [countsOf(plain), countsOf(simplified)];
      const isSame = after.every((count, i) => count === before[i]);
      const name = file.replace(/^examples\/|\.tir$/g, "");
      return isSame ? [] : [`| ${[name, rules, ...cellsOf(before, after)].join(" | ")} |`];
    });
  });
  expectTable("| example |", lines);
});

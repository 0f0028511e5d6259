/** docs/algebra.md: what each rule saves, counted in plans. */

import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { lowerNorms } from "../../codegen/lower-norms.ts";
import { isLeaf } from "../../src/ir/ir.ts";
import { ops } from "../../src/ir/ops/index.ts";
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
  ["norm of a product", rms(`linear(${rms("abs(x)")}, w)`), "raise-norms,defer-scale,default"],
];

const without = "raise-norms,canonicalize,layernorm-to-rmsnorm,eliminate-centering,cse,dce,fuse-elementwise";

function countsOf(result: string, passes: string): readonly number[] {
  const text = `${weights}${vectors}fn f(x: f32[rows, 64], r: f32[rows, 1]) -> (y: f32[rows, 64]) {\n  return ${result}\n}\n`;
  const fn = new PassManager(passes, { verify: "exact" }).run(parse(text)).module.fns[0];
  if (fn === undefined) throw new Error("no function");
  const launches = launchesOf(outline(fn));
  const bound = launches.flatMap(({ reads, writes }) => [...reads, ...writes]);
  const perRow = ({ type: { shape } }: PlanBuffer) =>
    shape.reduce<number>((product, dim) => product * (dim === "rows" ? 1 : Number(dim)), 1);
  const work = launches.flatMap((launch) => lowerNorms(launch.fn).ops).filter((op) => !isLeaf(op));
  const reductions = work.filter(({ name }) => ops[name].kind === "reduction").length;
  const sum = bound.reduce((total, buffer) => total + perRow(buffer), 0);
  const constants = launches.flatMap(({ fn }) => fn.ops.filter(({ name }) => name === "global"));
  return [launches.length, bound.length + constants.length, sum, reductions, work.length - reductions];
}

test("what each rule saves is what the page says", () => {
  const lines = rules.map(([rule, result, passes]) => {
    const [before, after] = [countsOf(result, without), countsOf(result, passes)];
    expect(after, rule).not.toEqual(before);
    const cells = before.map((count, i) => (count === after[i] ? `${count}` : `${count} → ${after[i]}`));
    return `| ${[rule, ...cells].join(" | ")} |`;
  });
  const page = readFileSync("docs/algebra.md", "utf8");
  const head = page.slice(0, page.lastIndexOf("|---|---|---|---|---|---|") + "|---|---|---|---|---|---|".length);
  const wanted = `${head}\n${lines.join("\n")}\n`;
  if (process.env.TIRC_BLESS === "1") writeFileSync("docs/algebra.md", wanted);
  else expect(page).toBe(wanted);
});

/** Kernels are proved to compute their functions, and each mistake of a table is found. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { minifyKernel } from "../../codegen/minify.ts";
import { type ProofOptions, proveKernel, workgroupsToRun } from "../../codegen/prove.ts";
import { optimize } from "../../src/driver/compile.ts";
import type { Fn, Module } from "../../src/ir/ir.ts";
import { registerOps } from "../../src/ir/ops/own.ts";
import { call, type negate } from "../../src/kernel/expression.ts";
import { parse } from "../../src/parse/parse.ts";
import { portableTarget, type TargetProfile, targetByName } from "../../src/target/target.ts";

type Options = Parameters<typeof proveKernel>[3];

const optimized = new Map<string, Module>();

function proof(text: string, target = portableTarget, options: Options = {}, how: ProofOptions = {}) {
  const module = optimized.get(text) ?? optimize(parse(text, { file: "test.tir" })).module;
  optimized.set(text, module);
  return proveKernel(module.fns[0] as Fn, module.consts, target, options, { elements: 2 ** 14, ...how });
}

/** Lanes that merge by a tree, and by shuffles and one after the other. */
const tree: TargetProfile = {
  ...portableTarget,
  limits: { ...portableTarget.limits, maxComputeInvocationsPerWorkgroup: 16 },
};
const subgroups: TargetProfile = {
  ...targetByName("gpu-subgroup-32"),
  subgroup: { min: 4, max: 4 },
  schedules: [{ fn: "f", columns: 74, choice: { lanes: 16, workgroup: 32, rowsPerLane: 2, width: 2, keep: 64 } }],
};

const norm = `fn f(x: f32[n, 74], g: f16[74], s: f32) -> (y: f32[n, 74], m: f32[n]) {
  let y = layernorm(x, axes = [-1]) * cast(g, to = f32) * s
  return y, max(y, axes = [-1])
}`;

describe("kernels compute their functions", () => {
  test.each(["masked-softmax", "llama-rmsnorm", "elementwise-chain"])("examples/%s.tir", (name) => {
    const text = readFileSync(`examples/${name}.tir`, "utf8");
    expect(proof(text)).toEqual({ verdict: "equal" });
    expect(proof(text, targetByName("gpu-f16-subgroup-32"))).toEqual({ verdict: "equal" });
  });

  test.each([tree, subgroups, targetByName("lavapipe")])("$name", (target) => {
    expect(proof(norm, target)).toEqual({ verdict: "equal" });
  });

  test("rows of a length that is known at the launch, in blocks of steps", () => {
    const text =
      "fn f(x: f32[n, c]) -> (v: f32[n], p: f32[n, c]) { return var(x, axes = [-1]), softmax(x, axes = [-1]) }";
    expect(proof(text, tree)).toEqual({ verdict: "equal" });
    const specialized = proof(text, { ...targetByName("swiftshader"), limits: tree.limits }, { specialize: ["c"] });
    expect(specialized).toEqual({ verdict: "equal" });
  });

  test("odd rows of halves, as they are rounded", () => {
    const text = "fn f(x: f16[n, 7]) -> f16[n, 7] { return layernorm(x, axes = [-1]) + cast(round(x), to = f16) }";
    for (const target of [portableTarget, targetByName("gpu-f16")]) {
      expect(proof(text, target)).toEqual({ verdict: "equal" });
      expect(proof(text, target, { rounding: "strict" })).toEqual({ verdict: "equal" });
    }
  });

  // A comparison with a literal, and one with the literal from which an accumulation starts.
  test.each([
    ["limits that are fractions", "clamp(x, 0.8, 1.2) * s", /1\.2/, "1.3"],
    [
      "a logarithm of a sum of exponentials",
      "x - logsumexp(x, axes = [-1], keepdims = true) * s",
      /, x > (\w+)\)/,
      ", x < $1)",
    ],
  ] as const)("%s", (_, expression, from, to) => {
    const text = `fn f(x: f32[n, c], s: f32) -> f32[n, c] { return ${expression} }`;
    for (const target of [portableTarget, subgroups, tree]) expect(proof(text, target)).toEqual({ verdict: "equal" });
    const wgsl = (given: string) => {
      expect(given).toMatch(from);
      return given.replace(from, to);
    };
    expect(proof(text, portableTarget, {}, { wgsl }).verdict).toBe("different");
  });

  test("rows that are scaled", () => {
    const text = "fn f(x: f32[n, 20]) -> f32[n, 20] { return rmsnorm(x, axes = [-1], eps = 1e-6) }";
    expect(proof(text, tree, { accuracy: "scaled" })).toEqual({ verdict: "equal" });
  });

  test.each([tree, subgroups, targetByName("lavapipe")])("variances in two folds, for $name", (target) => {
    const text = `fn f(x: f32[n, 74]) -> (y: f32[n, 74], s: f32[n], v: f32[n]) {
  return layernorm(x, axes = [-1]), std(x, axes = [-1]), var(x, axes = [-1], correction = 1)
}`;
    const options = { reduction: "two-fold" } as const;
    expect(proof(text, target, options)).toEqual({ verdict: "equal" });
    const wgsl = (text: string) => text.replace(/let (mul\w*) = (\w+) \* \2;/, "let $1 = $2;");
    expect(proof(text, target, options, { wgsl }).verdict).toBe("different");
  });

  test("more rows than are run", () => {
    const text = "fn f(x: f32[100000, 64]) -> f32[100000, 64] { return rmsnorm(x, axes = [-1], eps = 1e-6) }";
    expect(proof(text)).toEqual({ verdict: "equal" });
  });

  test("a text without spaces", () => {
    const wgsl = (text: string) => minifyKernel({ name: "f", wgsl: text, manifest: { bindings: [] } as never }).wgsl;
    expect(proof(norm, subgroups, {}, { wgsl })).toEqual({ verdict: "equal" });
  });
});

test("of many workgroups eight are run: the first two, the last two, four between", () => {
  expect(workgroupsToRun(8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  for (const count of [9, 10, 11, 12, 13, 100, 65536]) {
    const run = workgroupsToRun(count);
    expect(run).toEqual([...new Set(run)].sort((a, b) => a - b));
    expect([run.length, run[1], run[6], run[7]]).toEqual([8, 1, count - 2, count - 1]);
  }
});

/** The mistake, a text of the kernel, and its replacement. */
type Mutant = readonly [what: string, from: string | RegExp, to: string];

const ofBoth: readonly Mutant[] = [
  ["printer: a component of another", /mean\.y, (\w+)\.y/, "mean.y, $1.x"],
  ["printer: operands of a difference exchanged", "sub * rsqrt", "(0.0 - sub) * rsqrt"],
  ["printer: values of a select exchanged", "select(y, y_max_lane,", "select(y_max_lane, y,"],
  ["printer: a sum without its parentheses", "delta * (shifted - x_moments_mean)", "delta * shifted - x_moments_mean"],
  ["printer: a digit of a literal", "0.00001", "0.0001"],
  ["printer: another function", "inverseSqrt(add)", "sqrt(add)"],
  ["printer: a whole number", "/ 74.0", "/ 73.0"],
  ["printer: two buffers exchanged", /@binding\(2\)(.*)\n(.*)@binding\(3\)/, "@binding(3)$1\n$2@binding(2)"],
  ["printer: uniforms in another order", "  dim_n: u32,\n  in_s: f32,", "  in_s: f32,\n  dim_n: u32,"],
  ["printer: another workgroup", /@workgroup_size\((\d)/, "@workgroup_size(1$1"],
  ["printer: a word of other halves", "unpack2x16float(in_g[unit])", "unpack2x16float(in_g[unit / 2u])"],
  ["printer: a value that is not there", "let cast_ = g", "let cast_ = h"],
  ["printer: opaque bits that change", "groups.z - 1u", "groups.z"],
  ["step: one element more", "count += 1.0", "count += 2.0"],
  ["step: the mean before the element", "delta * (shifted - x_moments_mean)", "delta * shifted"],
  ["tail: a row too many", "index < dims.dim_n", "index <= dims.dim_n"],
  ["tail: a row that is read beyond the last", "min(index, dims.dim_n - 1u)", "index"],
  ["tail: all lanes store a row's value", "isRow && lane == 0u", "isRow"],
  ["stride: rows too near", "row * 37u", "row * 36u"],
  ["stride: a column twice", /in_x\[start \+ unit\](;\n(?:.*\n)?\s+x_row)/, "in_x[start + unit / 2u]$1"],
  ["stride: lanes in another order", /let unit = step \* (\d+)u \+ lane/, "let unit = lane * 3u + step"],
];

const ofTree: readonly Mutant[] = [
  ["merge: the weight of the other", "b.x / max(", "a.x / max("],
  ["merge: a sign", "a.y + moved", "a.y - moved"],
  ["merge: no square between the means", "delta * a.x * moved", "a.x * moved"],
  ["merge: one of two sums", "a.z + b.z", "max(a.z, b.z)"],
  ["merge: more elements than there were", "max(count, 1.0)", "max(count, 8.0)"],
  ["tail: a unit beyond the row", "unit < 37u", "unit < 38u"],
  ["tail: the last unit left out", "unit < 37u", "unit < 36u"],
  ["merge: half of the lanes left out", "half = 8u", "half = 4u"],
  ["merge: the wrong neighbour", "lanes_vec4f[local + half]", "lanes_vec4f[local + 1u]"],
  ["merge: the first row's state for all", "x_moments = lanes_vec4f[local - lane]", "x_moments = lanes_vec4f[local]"],
  ["barrier: in a branch", "    }\n    workgroupBarrier();", "    workgroupBarrier();\n    }"],
];

const ofSubgroups: readonly Mutant[] = [
  ["merge: a mean that is none", "* 0.5", "* 0.25"],
  ["merge: no square between the means", "delta * delta * half", "delta * half"],
  ["merge: one of two sums", "a.y + b.y", "max(a.y, b.y)"],
  ["merge: more elements than there were", "x_moments, other, 4.0", "x_moments, other, 8.0"],
  ["left: a unit beyond the row", "left < 37u", "left < 38u"],
  ["left: the last unit left out", "left < 37u", "left < 36u"],
  ["left: a unit of others", "lane + 32u", "lane + 31u"],
  ["join: elements of all lanes", /select\(vec2f\(\), (.*), isLeft\)/, "$1"],
  ["join: no square of the sum", / - x_moments_sums\.x \* moved\)/, ")"],
  ["join: one over the elements before", "* 0.013513513513513514", "* 0.015625"],
  ["join: the mean left as it was", "x_moments.x + moved", "x_moments.x"],
  ["printer: an index without its parentheses", /\((.*) \+ local \/ 16u\)/, "$1 + local / 16u"],
  ["merge: a shuffle twice", "quadSwapY(x_moments)", "quadSwapX(x_moments)"],
  ["merge: a shuffle of another row", "quadSwapX(x_moments_1)", "quadSwapX(x_moments)"],
  ["merge: the last subgroup left out", "/ 4u + lane % 4u", "/ 4u + lane % 2u"],
  ["merge: another row's subgroups", "(local - lane) / 4u +", "local / 4u +"],
  ["merge: every lane writes", "if (lane % 4u == 0u) {\n    lanes_vec2f", "if (lane % 2u == 0u) {\n    lanes_vec2f"],
  ["shuffle: in a branch", "let y = mul_2 * s", "let y = subgroupShuffleXor(mul_2, 1u) * s"],
];

describe.each([
  ["a tree", tree, [...ofBoth, ...ofTree]],
  ["subgroups", subgroups, [...ofBoth, ...ofSubgroups]],
] as const)("mistakes are found: %s", (_, target, mutants) => {
  test.each(mutants.map((one) => one))("%s", (_, from, to) => {
    let isChanged = false;
    const wgsl = (text: string) => {
      const changed = text.replace(from, to);
      isChanged = changed !== text;
      return changed;
    };
    const found = proof(norm, target, {}, { wgsl });
    expect(isChanged, "the text is there").toBe(true);
    expect(["different", "unsound"], JSON.stringify(found)).toContain(found.verdict);
  });

  test("each barrier is needed", () => {
    let count = 0;
    const without = (index: number) => (text: string) => {
      count = 0;
      return text.replaceAll("workgroupBarrier();", (all) => (count++ === index ? "" : all));
    };
    proof(norm, target, {}, { wgsl: without(-1) });
    const barriers = count;
    expect(barriers).toBeGreaterThan(1);
    for (let i = 0; i < barriers; i++) {
      const found = proof(norm, target, {}, { wgsl: without(i) });
      expect(found, `barrier ${i}`).toMatchObject({ verdict: "unsound" });
      expect(JSON.stringify(found)).toMatch(/race on lanes_/);
    }
  });
});

test.each([
  [
    "a sum takes in what other lanes have loaded",
    "mean(x, axes = [-1])",
    /= select\(\w+, (next_\w+), isLeft\)/,
    "= $1",
  ],
  ["one of few units is left out", "var(x, axes = [-1])", "start + 34u", "start + 33u"],
  ["a square of few is left out", "var(x, axes = [-1])", "off_1 * off_1", "off_1"],
] as const)("mistakes are found where few units are left: %s", (_, body, from, to) => {
  const text = `fn f(x: f32[n, 70]) -> f32[n] { return ${body} }`;
  const target = { ...subgroups, schedules: [] };
  expect(proof(text, target)).toEqual({ verdict: "equal" });
  let isChanged = false;
  const wgsl = (text: string) => {
    const changed = text.replace(from, to);
    isChanged = changed !== text;
    return changed;
  };
  expect(proof(text, target, {}, { wgsl }).verdict).toBe("different");
  expect(isChanged, "the text is there").toBe(true);
});

test("a plugin's op whose kernel is not what it is exactly", () => {
  const row = (isSaid: boolean) => ({
    ...{ kind: "elementwise", cost: "low", summary: "", operands: [{ name: "x" }], elements: ["f32"], result: "same" },
    scalar: (x: number) => -x,
    kernel: ([x]: readonly Parameters<typeof negate>[0][]) => call("abs", x as Parameters<typeof negate>[0]),
    ...(isSaid && { exact: (field: { neg: (x: unknown) => unknown }, [x]: readonly unknown[]) => field.neg(x) }),
  });
  for (const [isSaid, verdict] of [
    [true, "different"],
    [false, "undecided"],
  ] as const) {
    const remove = registerOps({ negated: row(isSaid) as never });
    expect(proof("fn f(x: f32[n, 8]) -> f32[n, 8] { return negated(x) }").verdict).toBe(verdict);
    remove();
  }
});

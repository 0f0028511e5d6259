/**
 * Long rows shared by several workgroups: what is split, into how many parts, and that plans compute their functions.
 */

import { describe, expect, test } from "vitest";
import { type CompileOptions, compile, compileVariants } from "../../src/driver/compile.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { parse } from "../../src/parse/parse.ts";
import { comparePlan } from "../../src/plan/exact.ts";
import { interpretPlan } from "../../src/plan/interpret.ts";
import { callsOf, type Plan } from "../../src/plan/plan.ts";
import { rowTiles } from "../../src/plan/row-tiles.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { splitText } from "../support/column-programs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { longRowPrograms } from "../support/long-row-programs.ts";

describe.each(Object.entries(longRowPrograms))("%s", (_, [count, text]) => {
  const { fn, plan, kernels } = splitText(text);

  test("is a sound plan of so many kernels, and its function", () => {
    expect(kernels).toHaveLength(count);
    expect(plan.fn.name).toBe(fn.name);
    expect(verifyPlan(plan)).toEqual([]);
    expect(comparePlan(plan, [])).toBeUndefined();
    const inputs = randomInputs(fn, 1, { n: 2 });
    const relative = fn.params[0]?.element === "f16" ? 2 ** -11 : 1e-11;
    expectSameNumbers(interpretPlan(plan, inputs), interpret(fn, inputs), { relative });
  });
});

describe("infinite elements", () => {
  const { fn, plan } = splitText(`fn f(x: f32[n, 16384]) -> (y: f32[n], p: f32[n, 16384], i: i32[n]) {
  return logsumexp(x, axes = [-1]), softmax(x, axes = [-1]), argmax(x, axes = [-1])
}`);
  test.each([
    ["parts that are masked", (i: number) => (i < 12000 ? -Infinity : i / 1e4)],
    ["an infinity", (i: number) => (i === 9000 ? Infinity : i / 1e4)],
    ["nothing but -Infinity", () => -Infinity],
    ["a NaN", (i: number) => (i === 9000 ? Number.NaN : i / 1e4)],
  ])("%s", (_, at) => {
    const x = {
      element: "f32",
      shape: [1, 16384],
      data: Float64Array.from({ length: 16384 }, (_, i) => at(i)),
    } as const;
    expectSameNumbers(interpretPlan(plan, { x }), interpret(fn, { x }), { relative: 1e-11 });
  });
});

const kernelsOf = (text: string, options: CompileOptions = {}) =>
  compile(parse(text), { splitReductions: "long", ...options }).kernels.length;
const softmaxOf = (columns: number | string) =>
  `fn f(x: f32[n, ${columns}]) -> (y: f32[n, ${columns}]) { return softmax(x, axes = [-1]) }`;

describe("what is split", () => {
  test("rows of 65536 elements and more, on GPUs", () => {
    expect(kernelsOf(softmaxOf(2 ** 16))).toBe(3);
    expect(kernelsOf(softmaxOf(2 ** 16 - 4))).toBe(1);
    expect(kernelsOf(softmaxOf("m"))).toBe(1);
    expect(kernelsOf(softmaxOf(2 ** 16), { target: "swiftshader" })).toBe(1);
  });

  test("in modules for several targets, some of which are GPUs", () => {
    const { kernels } = compileVariants(parse(softmaxOf(2 ** 16)), { splitReductions: "long" });
    expect(kernels).toHaveLength(3);
  });

  test("where the user asks for it, or does not", () => {
    expect(kernelsOf(softmaxOf(2 ** 14), { splitReductions: "all" })).toBe(3);
    expect(kernelsOf(softmaxOf(2 ** 14), { splitReductions: "all", target: "swiftshader" })).toBe(3);
    for (const splitReductions of ["plans", "none"] as const) {
      expect(kernelsOf(softmaxOf(2 ** 16), { splitReductions })).toBe(1);
    }
    expect(kernelsOf(softmaxOf(2 ** 16), { singleKernel: true })).toBe(1);
  });

  test("no strict kernel: its sums are in the order of a kernel of each op", () => {
    for (const splitReductions of ["long", "all"] as const) {
      const options = { rounding: "strict", splitReductions } as const;
      expect(kernelsOf(softmaxOf(2 ** 16), options)).toBe(1);
      expect(kernelsOf("fn f(x: f32[65537, 768]) -> (y: f32[768]) { return sum(x, axes = [0]) }", options)).toBe(1);
    }
  });

  test("columns of 65536 elements and more, if their number is known", () => {
    const columns = (rows: number | string) =>
      `fn f(x: f32[${rows}, 32]) -> (y: f32[32]) { return sum(x, axes = [0]) }`;
    expect(kernelsOf(columns(65537))).toBe(2);
    expect(kernelsOf(columns(65535))).toBe(1);
    expect(kernelsOf(columns("n"))).toBe(1);
    expect(kernelsOf(columns(65537), { target: "swiftshader" })).toBe(1);
  });

  test.each([
    ["a prime length", "fn f(x: f32[n, 65537]) -> (y: f32[n]) { return sum(x, axes = [-1]) }"],
    [
      "a running sum",
      "fn f(x: f32[n, 65536]) -> (y: f32[n, 65536]) { return cumsum(softmax(x, axes = [-1]), axis = -1) }",
    ],
    ["a row that is no last axis", "fn f(x: f32[n, 65536, m]) -> (y: f32[n, m]) { return logsumexp(x, axes = [1]) }"],
  ])("not %s", (_, text) => {
    expect(kernelsOf(text)).toBe(kernelsOf(text, { splitReductions: "none" }));
  });

  test("long rows in a function of several kernels", () => {
    const text = `fn f(x: f32[n, 65536], w: f32[n, n]) -> (y: f32[n, 65536]) { return rmsnorm(matmul(w, softmax(x, axes = [-1])), axes = [-1]) }`;
    const plan = compile(parse(text), { splitReductions: "long" }).plans[0] as Plan;
    expect(callsOf(plan)).toHaveLength(3 + 1 + 3);
    expect(verifyPlan(plan)).toEqual([]);
    expect(comparePlan(plan, [])).toBeUndefined();
  });
});

test.each([
  [
    "positions of rows and moments of all, in one kernel that stays as it is",
    2,
    `fn f(x: f32[300, 257]) -> (m: f32, v: f32, i: i32[300]) {
  let (m, v) = moments(x, axes = [0, 1])
  return m, v, argmax(x, axes = [1])
}`,
  ],
  [
    "rows and matrices, each long and in kernels of their own",
    5,
    `fn f(x: f32[n, 4, 16384]) -> (y: f32[n, 4, 16384], v: f32[n]) {
  return layernorm(x, axes = [-1]), var(x, axes = [-2, -1])
}`,
  ],
])("reductions of rows of several lengths: %s", (_, count, text) => {
  const module = parse(text, { file: "test.tir" });
  const { plans, kernels } = compile(module, { splitReductions: "all" });
  const [plan] = plans as readonly [Plan];
  expect(kernels).toHaveLength(count);
  expect(verifyPlan(plan)).toEqual([]);
  expect(comparePlan(plan, [])).toBeUndefined();
});

describe("what a remark offers to split", () => {
  const offered = (text: string, options: CompileOptions = {}) =>
    compile(parse(text), options).remarks.filter(({ code }) => code === "R0504").length;

  test("long reductions of one kernel, by default, on GPUs", () => {
    expect(kernelsOf(softmaxOf(2 ** 16), { splitReductions: "plans" })).toBe(1);
    expect(offered(softmaxOf(2 ** 16))).toBe(1);
    expect(offered(softmaxOf(2 ** 16 - 4))).toBe(0);
    expect(offered(softmaxOf(2 ** 16), { target: "swiftshader" })).toBe(0);
  });

  test("nothing that the option would not split, or that the caller has decided", () => {
    expect(offered("fn f(x: f32[n, 65537]) -> (y: f32[n]) { return sum(x, axes = [-1]) }")).toBe(0);
    for (const options of [
      { rounding: "strict" },
      { singleKernel: true },
      { splitReductions: "long" },
      { splitReductions: "none" },
    ] as const) {
      expect(offered(softmaxOf(2 ** 16), options)).toBe(0);
    }
  });
});

test.each([
  ["a power of two", [[131072]], 64, 2048],
  ["a vocabulary", [[128256]], 96, 1336],
  ["a vocabulary of an odd number of words", [[50257]], 29, 1733],
  ["all of a tensor", [[4096, 768]], 512, 6144],
  ["borders within the second axis", [[7, 300, 61]], 105, 1220],
  ["borders within the first axis", [[300, 61, 7]], 75, 1708],
  ["borders of two views of a row", [[64, 2048], [131072]], 64, 2048],
])("parts of %s", (_, rows, count, size) => {
  expect(rowTiles(rows)).toEqual({ count, size });
});

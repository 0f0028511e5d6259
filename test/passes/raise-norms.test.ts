/** What filetests cannot say: which literals count as a constant, over many spellings. */

import { describe, expect, test } from "vitest";
import { parse } from "../../src/parse/parse.ts";
import { runPasses } from "../support/run-passes.ts";

/** The ops that are left of `body` after raise-norms. */
function raised(body: string, types = "x: f32[rows, 1000]"): string[] {
  const module = parse(`fn f(${types}) -> (y: f32[rows, 1000]) {\n${body}\n}\n`);
  const { ops = [] } = runPasses(module, "raise-norms").module.fns[0] ?? {};
  return ops.filter((op) => op.name !== "constant").map((op) => op.name);
}

describe("constants of GELU", () => {
  test.each(["0.7071067811865476", "0.70710678", "0.7071068", "1 / sqrt(2.0)", "sqrt(0.5)"])("x * %s", (c) => {
    expect(raised(`return 0.5 * x * (1 + erf(x * (${c})))`)).toEqual(["gelu"]);
  });

  test.each(["1.4142135623730951", "1.4142135", "1.414214", "sqrt(2.0)"])("x / %s", (c) => {
    expect(raised(`return x * (1 + erf(x / ${c})) * 0.5`)).toEqual(["gelu"]);
  });

  test.each(["0.7978845608028654", "0.79788456", "0.7978846", "0.797885", "sqrt(2 / 3.141592653589793)"])(
    "tanh: %s",
    (c) => {
      expect(raised(`return 0.5 * x * (1 + tanh(${c} * (x + 0.044715 * x * x * x)))`)).toEqual(["gelu"]);
    },
  );

  test.each(["0.70711", "0.7072", "0.8"])("%s is another function", (c) => {
    expect(raised(`return 0.5 * x * (1 + erf(x * ${c}))`)).not.toContain("gelu");
  });
});

describe("a sum as a mean", () => {
  const centered = (factor: string) => raised(`return x - sum(x, axes = [-1], keepdims = true) ${factor}`);

  test.each(["* 0.001", "/ 1000", "* (1 / 1000)", "/ 10 / 100"])("sum %s", (factor) => {
    expect(centered(factor)).toEqual(["center"]);
  });

  test.each(["* 0.00100001", "/ 999", "/ 1001", "* 1000"])("sum %s is none", (factor) => {
    expect(centered(factor)).not.toContain("center");
  });

  test("the two axes together make the row length", () => {
    const body =
      "let z = reshape(x, shape = [rows, 10, 100])\nlet d = z - sum(z, axes = [1, 2], keepdims = true) / 1000\n";
    expect(raised(`${body}return reshape(d, shape = [rows, 1000])`)).toEqual(["reshape", "center", "reshape"]);
  });
});

describe("every way to divide by the root", () => {
  const mean = "mean(x * x, axes = [-1], keepdims = true)";
  test.each([
    `x / sqrt(${mean} + 1e-6)`,
    `x * rsqrt(1e-6 + ${mean})`,
    `x * reciprocal(sqrt(${mean} + 1e-6))`,
    `1 / sqrt(${mean} + 1e-6) * x`,
    `x * pow(${mean} + 1e-6, -0.5)`,
    `x / pow(${mean} + 1e-6, 0.5)`,
    `x * sqrt(1 / (${mean} + 1e-6))`,
    `-(x * -rsqrt(${mean} + 1e-6))`,
  ])("%s", (expression) => {
    expect(raised(`return ${expression}`)[0]).toBe("rmsnorm");
  });
});

test("a function in which nothing is found is returned as it is", () => {
  const module = parse("fn f(x: f32[rows]) -> (y: f32[rows]) {\n  return exp(x) + exp(x)\n}\n");
  expect(runPasses(module, "raise-norms").module.fns[0]).toBe(module.fns[0]);
});

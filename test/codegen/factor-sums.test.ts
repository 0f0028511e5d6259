/** Factors that normalize a row move out of the sums over it, if no row can leave the range. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { factorSums } from "../../codegen/factor-sums.ts";
import { lowerNorms } from "../../codegen/lower-norms.ts";
import { compile } from "../../src/driver/compile.ts";
import { Comparer } from "../../src/ir/field/compare.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";
import { gpuTest } from "../support/gpu.ts";
import { backwardText } from "../support/gradients.ts";
import { compareKernel, inputsFor } from "../support/oracle.ts";
import { programs } from "../support/programs.ts";

const rows = "f32[rows, 4096]";
const of = (body: string, params = "") => `fn f(x: ${rows}, g: ${rows}${params}) -> (y: f32[rows, 1]) {
  ${body}
}`;
const along = "axes = [-1], keepdims = true";
const fnOf = (text: string) => parse(text).fns[0] as Fn;

/** In exact arithmetic. */
const expectSame = (fn: Fn, other: Fn) =>
  expect(new Comparer().compare({ fn, consts: [] }, { fn: other, consts: [] })).toMatchObject({ kind: "equal" });

describe("taken out", () => {
  test.each([
    ["1 / rms", `let r = rsqrt(mean(x * x, ${along}) + 1e-5)\n  return mean(g * (x * r), ${along})`],
    ["a root mean square", `let r = sqrt(mean(x * x, ${along}) + 1e-5)\n  return sum(x / r * g, ${along})`],
    ["a sum of the part", `let e = exp(x - max(x, ${along}))\n  return sum(g * (e / sum(e, ${along})), ${along})`],
    [
      "a sum whose axis is dropped",
      `let r = sum(x * x, axes = [-1])
  return sum(g * (x * reshape(rsqrt(r), shape = [rows, 1])), ${along})`,
    ],
  ])("%s", (_, body) => {
    const fn = fnOf(of(body));
    const factored = factorSums(fn);
    expectSame(fn, factored);
    const { ops } = factored;
    const last = ops.findLast(({ name }) => name === "sum" || name === "mean");
    // After it, all values have one element per row.
    const after = ops.slice(ops.indexOf(last as (typeof ops)[number]) + 1);
    expect(after.length).toBeGreaterThan(0);
    expect(after.map(({ result }) => result.shape)).toEqual(after.map(() => ["rows", 1]));
  });
});

describe("left", () => {
  test.each([
    ["a factor that keeps squares in range", `let y = x / max(abs(x), ${along})\n  return sum(y * y, ${along})`],
    ["what two factors have", `let r = rsqrt(sum(x * x, ${along}))\n  return sum(x * r * (x * r), ${along})`],
    ["what is squared", `let y = g * (x * rsqrt(sum(x * x, ${along})))\n  return sum(y * y, ${along})`],
    [
      "what multiplies, and divides",
      `let r = rsqrt(sum(x * x, ${along}))\n  return sum(x * r * (x * (g / r)), ${along})`,
    ],
    ["that of another row", `let r = rsqrt(mean(g * g, ${along}))\n  return sum(x * r, ${along})`],
    ["a number of its own", `let y = x * s\n  return sum(y * y, ${along})`],
    ["what is no product", `let r = rsqrt(mean(x * x, ${along}))\n  return sum(x * r + g, ${along})`],
  ])("%s", (_, body) => {
    const fn = fnOf(of(body, ", s: f32[rows, 1]"));
    expect(factorSums(fn)).toBe(fn);
  });

  test("the power of two by which a row is scaled", () => {
    const fn = lowerNorms(fnOf(of(`return mean(g * rmsnorm(x, axes = [-1]), ${along})`)), { accuracy: "scaled" });
    const scale = fn.ops.find(({ name }) => name === "pow2_scale")?.result;
    const factored = factorSums(fn);
    expect(factored).not.toBe(fn);
    const last = factored.ops.findLast(({ name }) => name === "mean");
    const scaled = factored.ops.filter(({ name, operands: [x] }) => name === "mul" && x?.name === "x");
    expect(scale).toBeDefined();
    // What is summed is still computed from the scaled row.
    expect(last?.operand(0).def?.operands.some((x) => scaled.some(({ result }) => result === x))).toBe(true);
  });
});

// A lane on a processor caches nothing of a long row, so that each loop over it reads it again.
test.each([
  ["swiftshader", 4],
  ["lavapipe", 2],
])("d_x of an RMSNorm walks over its row twice, for %s, with %i in registers", (target, registerRows) => {
  const forward = `fn f(x: ${rows}, g: f32[4096]) -> (y: ${rows}) { return rmsnorm(x, g, axes = [-1]) }`;
  const options = { target: targetByName(target), dims: { rows: 1024 } };
  const [kernel] = compile(parse(backwardText(forward, { wrt: ["x"] })), options).kernels;
  expect(kernel?.wgsl.match(/in_x\[/g)).toHaveLength(2 * registerRows);
});

// A gamma between two norms: the factor of the first is in the second one's squares twice.
gpuTest("a norm of a norm is what it is", async ({ gpu }) => {
  for (const norm of ["rmsnorm", "l2norm", "layernorm"]) {
    const text = `fn f(x: f32[rows, 12], g: f32[12]) -> (y: f32[rows, 12]) {
  return ${norm}(rmsnorm(x, g, axes = [-1], eps = 0.01), axes = [-1], eps = 0.01)
}`;
    const { fn, kernel } = compileText(text, gpu.target);
    const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 9 }));
    expect(errors.y, norm).toBeLessThanOrEqual(2e-6);
  }
});

test("random programs stay what they are", () => {
  let changed = 0;
  fc.assert(
    fc.property(programs, ({ text }) => {
      const fn = lowerNorms(parse(text).fns[0] as Fn);
      const factored = factorSums(fn);
      if (factored === fn) return;
      changed++;
      expectSame(fn, factored);
    }),
    { numRuns: 400, seed: 6 },
  );
  expect(changed).toBeGreaterThan(3);
});

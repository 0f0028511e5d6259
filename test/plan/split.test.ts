/** Reductions over rows as kernels of tiles and of these: any number of rows and columns, and the same numbers. */

import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { comparePlan } from "../../src/plan/exact.ts";
import { interpretPlan } from "../../src/plan/interpret.ts";
import { launchesOf } from "../../src/plan/plan.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { columnPrograms, splitText } from "../support/column-programs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";

describe.each(Object.entries(columnPrograms))("%s", (_, [count, text]) => {
  const { fn, plan, kernels } = splitText(text);

  test("is a sound plan of so many kernels, and its function", () => {
    expect(kernels).toHaveLength(count);
    expect(verifyPlan(plan)).toEqual([]);
    expect(comparePlan(plan, [])).toBeUndefined();
    // The interpreter rounds where a cast does: what was summed in f32 becomes a half.
    const relative = fn.params[0]?.element === "f16" ? 2 ** -11 : 1e-11;
    const inputs = randomInputs(fn, 1, { n: 37, m: 5, c: 3 });
    expectSameNumbers(interpretPlan(plan, inputs), interpret(fn, inputs), { relative });
  });
});

describe("where nothing is split", () => {
  const columns = "fn f(x: f32[n, 768]) -> (y: f32[768]) { return sum(x, axes = [0]) }";
  const both = "fn f(x: f32[n, 768]) -> (r: f32[n], y: f32[768]) { return sum(x, axes = [1]), sum(x, axes = [0]) }";

  test("one kernel stays one", () => {
    expect(splitText(columns, {}).kernels).toHaveLength(1);
    expect(splitText(columns, { splitReductions: "none" }).kernels).toHaveLength(1);
    expect(splitText(columns, { splitReductions: "all", singleKernel: true }).kernels).toHaveLength(1);
  });

  test("sums of rows and of columns are two", () => {
    expect(splitText(both, {}).kernels).toHaveLength(2);
    expect(splitText(both, { splitReductions: "none" }).kernels).toHaveLength(2);
  });

  test.each([
    ["few elements", "fn f(x: f32[64, 32]) -> (y: f32[32]) { return sum(x, axes = [0]) }"],
    ["few rows", "fn f(x: f32[16, 65536]) -> (y: f32[65536]) { return sum(x, axes = [0]) }"],
    ["rows", "fn f(x: f32[n, 768]) -> (y: f32[n]) { return sum(x, axes = [1]) }"],
    [
      "a reduction of a reduction",
      "fn f(x: f32[n, m]) -> (y: f32[m]) { return sum(x - max(x, axes = [0]), axes = [0]) }",
    ],
  ])("%s", (_, text) => {
    expect(splitText(text).kernels).toHaveLength(1);
  });
});

test("what would need more buffers than there are is not split", () => {
  const results = ["sum", "max", "min", "prod", "var"].map((name, i) => [`r${i}: f32[c]`, `${name}(x, axes = [0])`]);
  const [types, values] = [results.map(([type]) => type), results.map(([, value]) => value)];
  expect(splitText(`fn f(x: f32[n, c]) -> (${types.join(", ")}) { return ${values.join(", ")} }`).kernels).toHaveLength(
    1,
  );
});

test("tiles follow from the shape alone: at most 1024, and 16 rows each", () => {
  const { plan } = splitText("fn f(x: f32[n, 64]) -> (y: f32[64]) { return sum(x, axes = [0]) }");
  const [launch] = launchesOf(plan);
  expect(launch?.tile).toEqual({ dim: "n", size: "n_tile", count: "n_tiles" });
  expect(plan.extents).toEqual([
    { name: "n_tile", of: "n", by: 1024, least: 16 },
    { name: "n_tiles", of: "n", by: "n_tile" },
  ]);
});

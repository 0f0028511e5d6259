/** A reduction is split among kernels by the `parts` of its row in the op table, and by nothing else. */

import { afterEach, describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import type { ReductionDef } from "../../src/ir/ops/def.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { type OwnOp, registerOps } from "../../src/ir/ops/own.ts";
import type { PartialReduction } from "../../src/ir/ops/parts.ts";
import { sum } from "../../src/kernel/monoids.ts";
import { interpretPlan } from "../../src/plan/interpret.ts";
import { launchesOf } from "../../src/plan/plan.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { splitText } from "../support/column-programs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { rangeOf, rangeOfRow } from "../support/range-reduction.ts";

const range = {
  kind: "reduction",
  summary: "How far apart the elements are.",
  operands: [{ name: "x" }],
  attributes: ops.max.attributes,
  elements: ["f32"],
  results: ["combined"],
  reduction: rangeOf("low", "high"),
  reduce: rangeOfRow,
} as const satisfies OwnOp;

const parts: PartialReduction = {
  state: ["lows", "highs"],
  states: (to, x, { axes }) => [to.emit("min", [x], { axes }), to.emit("max", [x], { axes })],
  merge: (to, [lows, highs], { axes }) => [
    to.emit("sub", [to.emit("max", [highs], { axes }), to.emit("min", [lows], { axes })]),
  ],
};

/** The sum divided by the number of elements: its state is a sum, but a mean of means is not the mean of unequal parts. */
const average = {
  ...range,
  summary: "The average.",
  reduction: sum,
  results: ["mean"],
  reduce: (row) => [row.reduce((a, b) => a + b, 0) / row.length],
} as const satisfies OwnOp;

const weighted: PartialReduction = {
  state: ["averages"],
  states: (to, x, { axes }) => [to.emit("mean", [x], { axes })],
  merge: (to, [averages], { axes, keepdims, elements }) => {
    if (elements.each === undefined) return [to.emit("mean", [averages], { axes })];
    const [each, total] = elements.each();
    return [to.emit("div", [to.emit("sum", [to.emit("mul", [each, averages])], { axes, keepdims }), total])];
  },
};

let remove = () => {};
afterEach(() => remove());

const programs = {
  columns:
    "fn f(x: f32[n, 768]) -> (y: f32[768], z: f32[1, 768]) { return own(x, axes = [0]), max(x, axes = [0], keepdims = true) }",
  "columns of a batch": "fn f(x: f32[n, 64, 5]) -> (y: f32[64]) { return own(x, axes = [0, 2]) }",
  "long rows": "fn f(x: f32[n, 20480]) -> (y: f32[n], z: f32[n]) { return own(x, axes = [-1]), min(x, axes = [-1]) }",
};
const each = Object.entries(programs);

describe.each([
  ["a range", range, parts],
  ["an average", average, weighted],
] as const)("%s", (_, row, parts) => {
  test.each(each)("over %s is split by its parts", (_, text) => {
    remove = registerOps({ own: { ...row, parts } });
    const { fn, plan, kernels } = splitText(text);
    expect(kernels).toHaveLength(2);
    expect(verifyPlan(plan)).toEqual([]);
    // 37 rows are tiles of 16, 16 and 5.
    const inputs = randomInputs(fn, 1, { n: 37 });
    expectSameNumbers(interpretPlan(plan, inputs), interpret(fn, inputs), { relative: 1e-11 });
  });

  test.each(each)("over %s is not split without parts", (_, text) => {
    remove = registerOps({ own: row });
    expect(splitText(text).kernels).toHaveLength(1);
  });
});

test("reductions share the states that they have in common", () => {
  remove = registerOps({ own: { ...range, parts } });
  const { plan } = splitText(programs.columns);
  expect(plan.buffers.filter(({ kind }) => kind === "intermediate").map(({ name }) => name)).toEqual(["lows", "highs"]);
});

describe("beside reductions of rows", () => {
  const text = (row: string) =>
    `fn f(x: f32[n, 12]) -> (y: f32[n, 12], z: f32[12]) { return rmsnorm(x, axes = [-1]), ${row}(x, axes = [0]) }`;

  /** The names of the reductions over rows in the kernel that computes the rows. */
  function besideRows(row: string): readonly string[] {
    const { fn, plan } = splitText(text(row), {});
    expect(verifyPlan(plan)).toEqual([]);
    const inputs = randomInputs(fn, 1, { n: 37 });
    expectSameNumbers(interpretPlan(plan, inputs), interpret(fn, inputs), { relative: 1e-11 });
    return (launchesOf(plan)[0]?.fn.ops ?? []).flatMap(({ name }) => (ops[name].kind === "reduction" ? [name] : []));
  }

  test("states that lanes accumulate row by row are of the same kernel", () => {
    const { parts } = ops.mean as ReductionDef;
    remove = registerOps({ own: { ...average, ...(parts && { parts }) } });
    expect(besideRows("mean")).toEqual(["sum"]);
    expect(besideRows("own")).toEqual(["sum"]);
  });

  test("a mean, which is not such a state, is not", () => {
    remove = registerOps({ own: { ...average, parts: weighted } });
    expect(besideRows("own")).toEqual([]);
  });
});

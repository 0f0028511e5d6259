/**
 * Batch invariance: the computation of a row is the same for any number of rows, written as a number or as a name, and
 * for each of them: the same operations on the same columns in the same order.
 */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { generate, scheduleOf } from "../../codegen/generate.ts";
import { optimize } from "../../src/driver/compile.ts";
import { dimensionNames, type Fn, type Module } from "../../src/ir/ir.ts";
import { elementCount, indexAt } from "../../src/ir/tensor.ts";
import type { Shape } from "../../src/ir/types.ts";
import { interpretOver } from "../../src/kernel/interpret.ts";
import { workgroupsOf } from "../../src/launch/counts.ts";
import { parse } from "../../src/parse/parse.ts";
import { extents } from "../../src/runtime/bind-inputs.ts";
import { parametersOf } from "../../src/target/manifest.ts";
import type { KernelOptions } from "../../src/target/options.ts";
import { type TargetProfile, targetByName } from "../../src/target/target.ts";
import { allTargets } from "../support/compile.ts";
import { isDeep } from "../support/deep.ts";
import { type TermNumber, Terms } from "../support/terms.ts";

const counts = [1, 2, 3, 64, 1000];

/** Extents of named dimensions but the rows. */
const others: Readonly<Record<string, number>> = { hidden: 36, queries: 2, tokens: 2, n: 2 };

/**
 * For each result, what its elements are by their index without the row's: one term where all rows have the same.
 * @param rows the dimension of the rows.
 * @param isNamed whether the kernel knows their number from the launch alone.
 */
function termsOf(
  terms: Terms,
  module: Module,
  target: TargetProfile,
  rows: string,
  count: number,
  isNamed: boolean,
  options: KernelOptions = {},
) {
  const fixed = Object.fromEntries(
    dimensionNames(module.fns[0] as Fn).flatMap((name) =>
      name === rows || name === "hidden" ? [] : [[name, others[name] ?? 2]],
    ),
  );
  const named = optimize(module, { dims: fixed }).module.fns[0] as Fn;
  const fn = isNamed ? named : (optimize(module, { dims: { ...fixed, [rows]: count } }).module.fns[0] as Fn);
  const { kernel, programs } = generate(fn, target, options);
  const dims = { ...others, [rows]: count };
  const shapes = new Map<string, Shape>([
    ...named.params.map((param) => [param.name as string, param.shape] as const),
    ...named.results.map(({ name, value }) => [name, value.shape] as const),
  ]);
  const place = (name: string, shape: Shape, element: number) => {
    const written = shapes.get(name) ?? shape;
    return indexAt(element, extents(written, dims)).filter((_, axis) => written[axis] !== rows);
  };
  const inputs = new Map(
    parametersOf(kernel.manifest).map(({ name, shape, element }) => {
      const number = (i: number): TermNumber =>
        element === "bool" ? i % 2 : terms.term(`${name}[${place(name, shape, i)}]`);
      return [`in_${name}`, Array.from({ length: elementCount(extents(shape, dims)) }, (_, i) => number(i))];
    }),
  );
  const { dispatch, variants = [] } = kernel.manifest;
  const found = new Map<string, Set<TermNumber>>();
  for (const [at, program] of programs.entries()) {
    const counted = { ...dispatch, ...variants[at - 1] };
    const [groups] = workgroupsOf(counted, elementCount(extents(dispatch.rows, dims)));
    const { outputs, faults } = interpretOver(terms, program, inputs, dims, new Set([0, groups - 1]));
    expect(faults).toEqual([]);
    for (const { name, value } of fn.results) {
      for (const [i, term] of (outputs.get(`out_${name}`) ?? []).entries()) {
        if (term === undefined) continue;
        const key = `${program.entryPoint}: ${name}[${place(name, value.shape, i)}]`;
        found.set(key, (found.get(key) ?? new Set()).add(term));
      }
    }
  }
  return found;
}

function expectSameRows(
  text: string,
  target: TargetProfile,
  rows: string,
  numbers: readonly number[],
  options: KernelOptions = {},
) {
  const module = parse(text);
  const terms = new Terms();
  const wanted = termsOf(terms, module, target, rows, 3, true, options);
  expect(wanted.size).toBeGreaterThan(0);
  for (const [key, all] of wanted) expect([...all], `${key}, in each row`).toHaveLength(1);
  for (const [count, isNamed] of [[1, true], ...numbers.map((number) => [number, false])] as [number, boolean][]) {
    for (const [key, all] of termsOf(terms, module, target, rows, count, isNamed, options)) {
      // With many workgroups only some are run, and with another number of rows these may differ.
      const same = wanted.get(key);
      if (same !== undefined) expect([...all], `${key} of ${count} rows for ${target.name}`).toEqual([...same]);
    }
  }
}

const rowsOf = (text: string) =>
  dimensionNames(parse(text).fns[0] as Fn).find((name) => !["hidden", "queries"].includes(name)) as string;
/** Elements of all parameters: of more the terms have no room. */
const most = 2 ** 19;

const isSmall = (module: Module, rows: string) => (count: number) => {
  const of = (shape: Shape) =>
    elementCount(extents(shape, { hidden: 36, queries: 2, tokens: 2, n: 2, heads: 2, batch: 2, [rows]: count }));
  return (module.fns[0] as Fn).params.reduce((sum, { shape }) => sum + of(shape), 0) <= most;
};

const examples = isDeep ? readdirSync("examples").filter((name) => name.endsWith(".tir")) : [];

describe.each(examples)("examples/%s", (name) => {
  const text = readFileSync(`examples/${name}`, "utf8");
  const rows = rowsOf(text);
  test.each(allTargets)("$name", (target) => {
    expectSameRows(text, target, rows, counts.filter(isSmall(parse(text), rows)));
  });
});

const bodies = ["sum", "mean", "max", "min", "prod", "var", "softmax", "layernorm", "rmsnorm", "center"];
/** A row that is read in vectors, in single elements, and whose length is not known. */
const lengths = ["36", "7", "hidden"];

describe.each(isDeep ? allTargets : [])("$name", (target) => {
  test.each(bodies.flatMap((op) => lengths.map((length) => [op, length] as const)))(
    "%s of %s columns",
    (op, length) => {
      const result = ["softmax", "layernorm", "rmsnorm", "center"].includes(op) ? `, ${length}` : "";
      const text = `fn f(x: f32[rows, ${length}]) -> f32[rows${result}] { return ${op}(x, axes = [-1]) }`;
      expectSameRows(text, target, "rows", counts);
    },
  );
});

describe.each(allTargets.filter(({ features }) => isDeep || !features.includes("shader-f16")))("$name", (target) => {
  test.each(["12", "7", "hidden"])("reductions of %s columns, and what follows from them", (length) => {
    const results = ["max", "min", "prod", "var"].map((op) => `${op}(x, axes = [-1])`).join(", ");
    const text = `fn f(x: f32[rows, ${length}]) -> (a: f32[rows], b: f32[rows], c: f32[rows], d: f32[rows], e: f32[rows, ${length}]) {
  return ${results}, softmax(layernorm(x, axes = [-1]), axes = [-1])
}`;
    expectSameRows(text, target, "rows", isDeep ? counts : [1, 64]);
  });

  test.each(["12", "hidden"])("running sums of %s columns", (length) => {
    const text = `fn f(x: f32[rows, ${length}]) -> (a: f32[rows, ${length}], b: f32[rows]) {
  let c = cumsum(softmax(x, axes = [-1]), axis = -1, reverse = true)
  return c, var(c, axes = [-1])
}`;
    expectSameRows(text, target, "rows", isDeep ? counts : [1, 64]);
  });

  test("a variance in two folds", () => {
    const text = "fn f(x: f32[rows, 12]) -> f32[rows, 12] { return layernorm(x, axes = [-1]) }";
    expectSameRows(text, target, "rows", [64], { reduction: "two-fold" });
  });
});

test("the least estimate chooses lanes per row, whatever the number of rows", () => {
  const options = { schedule: "least-estimate" } as const;
  const text = "fn f(x: f32[rows, 64]) -> f32[rows] { return sum(x, axes = [-1]) }";
  const target = targetByName("swiftshader");
  const lanesOf = (given: KernelOptions) =>
    scheduleOf(optimize(parse(text)).module.fns[0] as Fn, target, given).choice.lanes;
  expect(lanesOf(options)).not.toBe(lanesOf({}));
  expectSameRows(text, target, "rows", [1, 64], options);
});

test("a row that another number of rows reads in vectors is found", () => {
  const wide: TargetProfile = { ...(allTargets[0] as TargetProfile), schedules: [] };
  const terms = new Terms();
  const module = parse("fn f(x: f32[rows, 36]) -> f32[rows] { return sum(x, axes = [-1]) }");
  const [choice, other] = [8, 16].map((lanes) => ({
    ...wide,
    schedules: [{ fn: "f", columns: 36, choice: { lanes, workgroup: 16, rowsPerLane: 1, width: 1, keep: 0 } as const }],
  })) as unknown as [TargetProfile, TargetProfile];
  const of = (target: TargetProfile, count: number) => [
    ...termsOf(terms, module, target, "rows", count, false).values(),
  ];
  expect(of(choice, 2)).toEqual(of(choice, 3));
  expect(of(choice, 2)).not.toEqual(of(other, 3));
});

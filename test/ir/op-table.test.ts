/** A row of the op table is all that a new op takes: one that lacks something does not compile, one that does not runs. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { binary } from "../../codegen/kernel/expression.ts";
import {
  type ElementwiseDef,
  floats,
  type NormDef,
  type OpDef,
  type ReductionDef,
  type ShapeDef,
} from "../../src/ir/ops/def.ts";
import { binaryOps } from "../../src/ir/ops/elementwise.ts";
import { elementwiseMeanings } from "../../src/ir/ops/exact.ts";
import { isOpName, type OpName, ops } from "../../src/ir/ops/index.ts";
import { type Monoid, monoids } from "../../src/ir/ops/monoids.ts";
import { reductionOps } from "../../src/ir/ops/reductions.ts";
import { shapeOps } from "../../src/ir/ops/shape.ts";
import { allTargets, compileText, targetsFor } from "../support/compile.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, inputsFor } from "../support/oracle.ts";
import { hasTint, validateWgsl } from "../support/tint.ts";

const { summary, operands, attributes, facts } = reductionOps.max;
const row = { kind: "reduction", summary, operands, attributes, facts } as const;
const reduce = (elements: Float64Array) => [elements.reduce((a, b) => a | b, 0)];

describe("what `npm run typecheck` refuses", () => {
  test("a reduction that names no monoid", () => {
    // @ts-expect-error: `monoid` is missing.
    const def: ReductionDef = { ...row, elements: floats, results: ["combined"], reduce };
    expect(def.monoid).toBeUndefined();
  });

  test("a reduction by a monoid that there is none of", () => {
    // @ts-expect-error: no row of the monoids has this name.
    const def: ReductionDef = { ...row, monoid: "bitor", elements: floats, results: ["combined"], reduce };
    expect(Object.keys(monoids)).not.toContain(def.monoid);
  });

  test("a monoid without an identity", () => {
    // @ts-expect-error: `identity` is missing.
    const monoid: Monoid = { combine: (a, b) => binary("|", a, b) };
    expect(monoid.identity).toBeUndefined();
  });

  test("a reduction of truth values, which subgroups do not exchange", () => {
    // @ts-expect-error: `bool` is no element type of a reduction.
    const def: ReductionDef = { ...row, monoid: "max", elements: ["bool"], results: ["combined"], reduce };
    expect(def.elements).toEqual(["bool"]);
  });
});

test("what `npm run typecheck` refuses: an elementwise op that does not say what it costs", () => {
  const { cost, ...rest } = binaryOps.add;
  // @ts-expect-error: `cost` is missing.
  const def: ElementwiseDef = rest;
  expect([cost, def.cost]).toEqual(["low", undefined]);
});

test("what `npm run typecheck` refuses: an op that does not say what it means over a field", () => {
  const { exact, ...rest } = ops.add as ElementwiseDef;
  // @ts-expect-error: `exact` is missing.
  const def: ElementwiseDef = rest;
  const { gelu, ...meanings } = elementwiseMeanings;
  // @ts-expect-error: the meaning of `gelu` is missing.
  const all: typeof elementwiseMeanings = meanings;
  expect([exact, gelu, def.exact, all.gelu].map((one) => typeof one)).toEqual([
    ...["function", "function"],
    ...["undefined", "undefined"],
  ]);
});

test("what `npm run typecheck` refuses: a shape op that does not say how it moves elements", () => {
  const { move, ...rest } = shapeOps.transpose;
  // @ts-expect-error: `move` is missing.
  const def: ShapeDef = rest;
  expect([move, def.move]).toEqual(["permute", undefined]);
});

test("what `npm run typecheck` refuses: a norm that is defined by an op of no such name", () => {
  // @ts-expect-error: no op has this name.
  const define: NormDef["define"] = (emit, x) => emit.emit("adds", [x, x]);
  expect(define).toBeTypeOf("function");
});

/** Rewrites in the core that are about ops, and the names that they match. */
const rewrites: Readonly<Record<string, readonly string[]>> = {
  // x - mean(x), and sum(exp(x - max(x))).
  "codegen/graph.ts": ["sub", "sum", "exp", "max"],
  // mean((x - mean(x))^2) is a variance.
  "codegen/lower-norms.ts": ["mean", "mul", "sub"],
  // A cast rounds by itself.
  "codegen/round-strictly.ts": ["cast"],
};

test("the core asks the op table, and knows no op by its name", () => {
  const ofOneRow: readonly OpName[] = ["constant", "global", "extern"];
  const files = ["codegen", "src/ir"].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `${folder}/${name}`),
  );
  const found = files.flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const names = [...text.matchAll(/name [!=]== "(\w+)"|definedBy\([^;\n]*?((?:, "\w+")+)\)|\bop [!=]== "(\w+)"/g)]
      .flatMap(([match]) => [...match.matchAll(/"(\w+)"/g)].map(([, name]) => name as string))
      .filter((name) => isOpName(name) && !ofOneRow.includes(name));
    return names.length === 0 ? [] : [[file, [...new Set(names)].sort()] as const];
  });
  const wanted = Object.entries(rewrites).map(([file, names]) => [file, [...names].sort()]);
  expect(found).toEqual(wanted);
});

describe("a reduction by the bits that any element has", () => {
  const text = (columns: number | string) =>
    `fn f(x: u32[rows, ${columns}]) -> (any: u32[rows], rest: u32[rows, ${columns}]) {
  let any = bitor(x, axes = [-1], keepdims = true)
  return reshape(any, shape = [rows]), any - x
}`;
  const lengths = [1, 5, 64, 1000, "n"];

  /** With the rows in the tables, as if they were written there. */
  async function withRows(run: () => Promise<void>): Promise<void> {
    const opTable = ops as Record<string, OpDef>;
    const monoidTable = monoids as Record<string, Monoid>;
    const exact: ReductionDef["exact"] = (field, rows) => [rows].map((one) => field.apply("bitor", [one]));
    opTable.bitor = { ...row, monoid: "bitor" as "sum", elements: ["u32"], results: ["combined"], reduce, exact };
    monoidTable.bitor = { identity: () => 0, combine: (a, b) => binary("|", a, b) };
    try {
      await run();
    } finally {
      delete opTable.bitor;
      delete monoidTable.bitor;
    }
  }

  test.runIf(hasTint)("compiles to valid WGSL for every target", () =>
    withRows(async () => {
      for (const columns of lengths) {
        for (const target of allTargets) {
          const { kernel } = compileText(text(columns), target);
          expect(kernel.wgsl.includes(" | "), target.name).toBe(columns !== 1);
          expect(await validateWgsl(kernel.wgsl), target.name).toEqual([]);
        }
      }
    }),
  );

  gpuTest("computes on the device what its row computes", ({ gpu }) =>
    withRows(async () => {
      for (const columns of lengths) {
        for (const target of targetsFor(gpu.target)) {
          const { fn, kernel } = compileText(text(columns), target);
          const { errors } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, { rows: 3, n: 77 }));
          expect(errors, `${columns} columns`).toEqual({ any: 0, rest: 0 });
        }
      }
    }),
  );
});

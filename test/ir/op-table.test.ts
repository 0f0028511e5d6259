/** A row of the op table is all that a new op takes: one that lacks something does not compile, one that does not runs. */

import { describe, expect, test } from "vitest";
import { floats, type OpDef, type ReductionDef } from "../../src/ir/ops/def.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { type Monoid, monoids } from "../../src/ir/ops/monoids.ts";
import { reductionOps } from "../../src/ir/ops/reductions.ts";
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
    const monoid: Monoid = { combine: (a, b) => `${a} | ${b}`, isOperator: true };
    expect(monoid.identity).toBeUndefined();
  });

  test("a reduction of truth values, which subgroups do not exchange", () => {
    // @ts-expect-error: `bool` is no element type of a reduction.
    const def: ReductionDef = { ...row, monoid: "max", elements: ["bool"], results: ["combined"], reduce };
    expect(def.elements).toEqual(["bool"]);
  });
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
    opTable.bitor = { ...row, monoid: "bitor" as "sum", elements: ["u32"], results: ["combined"], reduce };
    monoidTable.bitor = { identity: () => 0, combine: (a, b) => `${a} | ${b}`, isOperator: true };
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

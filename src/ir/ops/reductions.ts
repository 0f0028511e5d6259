/** Rows of the op table for reductions: they fold the axes they name, one result for each remaining index. */

import type { ElementType } from "../types.ts";
import { type AttributeDef, attribute, floats, numbers, type ReductionDef } from "./def.ts";
import { meanOf, sumOf, varianceOf } from "./math.ts";

const axes: AttributeDef = { type: "axes", summary: "The axes that are folded; -1 is the last." };
const keepdims: AttributeDef = { type: "boolean", default: false, summary: "Keep folded axes with extent 1." };
const correction: AttributeDef = {
  type: "integer",
  minimum: 0,
  default: 0,
  summary: "The divisor is n - correction: 0 for the biased variance, 1 for the unbiased one.",
};

function reduction(
  summary: string,
  reduce: ReductionDef["reduce"],
  elements: readonly ElementType[],
  extra: Readonly<Record<string, AttributeDef>> = {},
  { results = ["y"], facts = {} }: Partial<Pick<ReductionDef, "results" | "facts">> = {},
): ReductionDef {
  const attributes = { axes, ...extra, keepdims };
  return { kind: "reduction", summary, operands: [{ name: "x" }], attributes, elements, facts, results, reduce };
}

const correctionOf = (attributes: Parameters<ReductionDef["reduce"]>[1]) => attribute.number(attributes, "correction");

const linear = { rowMeanZero: "sum" } as const;

export const reductionOps = {
  sum: reduction("Sum.", (row) => [sumOf(row)], numbers, {}, { facts: linear }),
  mean: reduction("Arithmetic mean.", (row) => [meanOf(row)], floats, {}, { facts: linear }),
  max: reduction("Largest element.", (row) => [row.reduce((a, b) => Math.max(a, b), -Infinity)], numbers),
  min: reduction("Smallest element.", (row) => [row.reduce((a, b) => Math.min(a, b), Infinity)], numbers),
  prod: reduction("Product.", (row) => [row.reduce((a, b) => a * b, 1)], floats),
  var: reduction(
    "Variance.",
    (row, attributes) => [varianceOf(row, correctionOf(attributes))],
    floats,
    { correction },
    { facts: { ignoresShift: true } },
  ),
  moments: reduction(
    "Mean and variance, in one read of the row.",
    (row, attributes) => [meanOf(row), varianceOf(row, correctionOf(attributes))],
    floats,
    { correction },
    { results: ["mean", "variance"] },
  ),
} satisfies Record<string, ReductionDef>;

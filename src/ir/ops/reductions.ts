/** Rows of the op table for reductions: they fold the axes they name, one result for each remaining index. */

import { logOfSum } from "../../kernel/exponentials.ts";
import { moments } from "../../kernel/moments.ts";
import { largest, product, smallest, sum } from "../../kernel/monoids.ts";
import { firstLargest, firstSmallest } from "../../kernel/places.ts";
import type { Reduction } from "../../kernel/reduction.ts";
import { type AttributeDef, attribute, floats, numbers, type ReductionRow } from "./def.ts";
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
  states: Reduction,
  reduce: ReductionRow["reduce"],
  elements: ReductionRow["elements"],
  extra: Readonly<Record<string, AttributeDef>> = {},
  {
    results = ["combined"],
    facts = {},
    ...rest
  }: Partial<Pick<ReductionRow, "results" | "facts" | "resultElement">> = {},
): ReductionRow {
  const attributes = { axes, ...extra, keepdims };
  return {
    kind: "reduction",
    summary,
    operands: [{ name: "x" }],
    attributes,
    elements,
    facts,
    reduction: states,
    results,
    reduce,
    ...rest,
  };
}

const correctionOf = (attributes: Parameters<ReductionRow["reduce"]>[1]) => attribute.number(attributes, "correction");

/** The first that `isBetter` than all before it; a NaN is better than any number. */
const placeOf = (isBetter: (a: number, b: number) => boolean) => (row: Float64Array) => {
  const firstNaN = row.findIndex(Number.isNaN);
  if (firstNaN >= 0) return [firstNaN];
  return [row.reduce((best, value, i) => (isBetter(value, row[best] as number) ? i : best), 0)];
};

const logSumExp = (row: Float64Array) => {
  const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
  return Number.isFinite(most) ? most + Math.log(sumOf(row.map((value) => Math.exp(value - most)))) : most;
};

const isPlace = { resultElement: "i32" } as const;
const linear = { rowMeanZero: "sum" } as const;

export const reductionOps = {
  sum: reduction("Sum.", sum, (row) => [sumOf(row)], numbers, {}, { facts: linear }),
  mean: reduction("Arithmetic mean.", sum, (row) => [meanOf(row)], floats, {}, { results: ["mean"], facts: linear }),
  max: reduction("Largest element.", largest, (row) => [row.reduce((a, b) => Math.max(a, b), -Infinity)], numbers),
  min: reduction("Smallest element.", smallest, (row) => [row.reduce((a, b) => Math.min(a, b), Infinity)], numbers),
  prod: reduction("Product.", product, (row) => [row.reduce((a, b) => a * b, 1)], floats),
  var: reduction(
    "Variance.",
    moments.counted.spread,
    (row, attributes) => [varianceOf(row, correctionOf(attributes))],
    floats,
    { correction },
    { results: ["variance"], facts: { ignoresShift: true } },
  ),
  std: reduction(
    "Standard deviation, the root of the variance.",
    moments.counted.spread,
    (row, attributes) => [Math.sqrt(varianceOf(row, correctionOf(attributes)))],
    floats,
    { correction },
    { results: ["deviation"], facts: { ignoresShift: true } },
  ),
  logsumexp: reduction(
    "`log(sum(exp(x)))`, which overflows only where its result does.",
    logOfSum,
    (row) => [logSumExp(row)],
    floats,
  ),
  argmax: reduction(
    "The place of the largest element, as i32: of several the first, and the first NaN where there is one; 0 of no elements. Of several axes it is that in row-major order. Rows have up to 2^24 elements.",
    firstLargest,
    placeOf((a, b) => a > b),
    numbers,
    {},
    isPlace,
  ),
  argmin: reduction(
    "The place of the smallest element, as i32; otherwise as `argmax`.",
    firstSmallest,
    placeOf((a, b) => a < b),
    numbers,
    {},
    isPlace,
  ),
  moments: reduction(
    "Mean and variance, in one read of the row.",
    moments.counted.spread,
    (row, attributes) => [meanOf(row), varianceOf(row, correctionOf(attributes))],
    floats,
    { correction },
    { results: ["mean", "variance"] },
  ),
} satisfies Record<string, ReductionRow>;

/** The name of a reduction. */
export type ReductionName = keyof typeof reductionOps;

/**
 * Statistics of rows in primitive ops: means, sums and means of squares, variances.
 *
 * A mean is `mean`, or a `sum` times 1/n where the row length n is known and the factor rounds to the same f32.
 * Each finding may carry a miss: it looks like that statistic, except for a condition.
 */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import type { Assumption } from "../src/ir/field/compare.ts";
import { definedBy, type Op, type Value } from "../src/ir/ir.ts";
import { quoted } from "../src/ir/naming.ts";
import { reductionResultOf } from "../src/ir/op-kinds.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { ops } from "../src/ir/ops/index.ts";
import { elementCount } from "../src/ir/tensor.ts";
import { printShape, reducedShape, type Shape, sameShape } from "../src/ir/types.ts";
import {
  floatTolerance,
  layOf,
  meetsItsRow,
  near,
  numberOf,
  type Products,
  peel,
  type Read,
  readOf,
  sameNumbers,
} from "./match.ts";

export const sameAxes = (a: readonly number[], b: readonly number[]) => a.join() === b.join();
export const printAxes = (axes: readonly number[]) => `[${axes.join(", ")}]`;

/** `scale * reduction(of)`, with one number per row. */
export interface Statistic {
  readonly op: Op;
  readonly value: Value;
  readonly of: Value;
  readonly axes: readonly number[];
  readonly scale: number;
  readonly lay: Shape;
  /** The op that rounds it to f16 in between, if any. */
  readonly rounded: Op | undefined;
}

/** The read as a statistic, if it is a reduction or a multiple of one. */
export function statisticOf(read: Read, products: Products): Statistic | undefined {
  const product = products.of(read);
  const [only, ...others] = product.factors;
  if (only === undefined || others.length > 0 || only.exponent !== 1) return undefined;
  let at = peel(only.read);
  const rounded = definedBy(at.value, "cast");
  if (rounded !== undefined) at = peel({ value: rounded.operand(0), lay: at.lay });
  const op = at.value.def;
  if (op === undefined || ops[op.name].kind !== "reduction") return undefined;
  const axes = attribute.axes(op.attributes);
  return { op, value: at.value, of: op.operand(0), axes, scale: product.constant, lay: layOf(at), rounded };
}

function roundedMiss(rounded: Op): Miss {
  return {
    because: `a statistic of the row is rounded to ${rounded.result.element} in between, which the norm would not do`,
    help: "keep the statistic in f32 up to the multiplication, and cast the result",
    at: rounded.span,
  };
}

/** The number of elements along these axes, if it is known. */
export function lengthAlong({ shape }: Value, axes: readonly number[]): number | undefined {
  const extents = axes.map((axis) => shape.at(axis));
  return extents.every((extent) => typeof extent === "number") ? elementCount(extents) : undefined;
}

/** The number of elements of a row; `undefined` if only the caller knows it. */
const rowLength = ({ of, axes }: Statistic) => lengthAlong(of, axes);

function divisorMiss(stat: Statistic): Miss {
  const { span: at } = stat.op;
  const n = rowLength(stat);
  const divisor = String(Number((1 / stat.scale).toPrecision(7)));
  if (n === undefined) {
    const because = `the sum is divided by ${divisor}, and the row length is a named dimension, known only at launch`;
    return { because, help: "use `mean`, or fix the length with `--dim`", at };
  }
  const because = `the sum is divided by ${divisor}, and the row has ${n} elements`;
  return { because, help: `divide by ${n}, or use \`mean\``, at };
}

/**
 * The ratio of the unbiased estimate to the mean, where the statistic is that estimate, and the row length is known:
 * sum(...) / (n - 1) is n / (n - 1) times the mean.
 */
function unbiasedFactor(stat: Statistic): number | undefined {
  const n = rowLength(stat);
  if (n === undefined || n < 2) return undefined;
  const isMean = reductionResultOf(stat.value) === "mean";
  if (!isMean && stat.op.name !== "sum") return undefined;
  const ofSum = isMean ? stat.scale / n : stat.scale;
  return near((n - 1) * ofSum, 1, 2 * floatTolerance) ? n / (n - 1) : undefined;
}

/** Undefined if the statistic is the mean of its operand; the reason why not if it nearly is; else "other". */
export function meanMiss(stat: Statistic): Miss | undefined | "other" {
  if (reductionResultOf(stat.value) === "mean" && near(stat.scale, 1, floatTolerance))
    return stat.rounded && roundedMiss(stat.rounded);
  if (stat.op.name !== "sum" || stat.scale === 1) return "other";
  const n = rowLength(stat);
  if (n === undefined || !near(n * stat.scale, 1, floatTolerance)) return divisorMiss(stat);
  return stat.rounded && roundedMiss(stat.rounded);
}

export function alignmentMiss(stat: Pick<Statistic, "lay" | "axes" | "op">, x: Value): Miss | undefined {
  if (meetsItsRow(stat.lay, x.shape, stat.axes)) return undefined;
  const wanted = printShape(reducedShape(x.shape, stat.axes, true));
  const statistic = `the statistic over axes ${printAxes(stat.axes)} of ${printShape(x.shape)}`;
  return {
    because: `${statistic} has shape ${printShape(stat.lay)}, so it is combined with other rows than its own`,
    help: `give it the shape ${wanted}: \`keepdims = true\``,
    at: stat.op.span,
  };
}

/** The mean or sum of squares of a row, or its variance. */
export interface Spread {
  readonly kind: "mean" | "sum" | "variance";
  readonly stat: Statistic;
  readonly of: Value;
  /** The statistic as a multiple of the mean square of the row or of its biased variance. */
  readonly factor: number;
  readonly miss: Miss | undefined;
  /** A variance is never below 0, so clamping it at 0 does nothing. */
  readonly assumes?: Assumption | undefined;
}

const isOp = (stat: Statistic, name: string) => stat.op.name === name;

function varianceOp(stat: Statistic): Spread | undefined {
  const isVariance = isOp(stat, "var") || (isOp(stat, "moments") && stat.value.index === 1);
  if (!isVariance || !near(stat.scale, 1, floatTolerance)) return undefined;
  const correction = attribute.number(stat.op.attributes, "correction");
  const n = rowLength(stat);
  const factor = correction === 0 ? 1 : n !== undefined && n > correction ? n / (n - correction) : undefined;
  const unbiased: Miss = {
    because: `the variance has correction = ${correction}, a LayerNorm's is the biased one, and the two differ by the row length, which ${n === undefined ? "is a named dimension, known only at launch" : `is ${n}`}`,
    help: "use `correction = 0`, or fix the length with `--dim`",
    at: stat.op.span,
  };
  const miss = factor === undefined ? unbiased : stat.rounded && roundedMiss(stat.rounded);
  return { kind: "variance", stat, of: stat.of, factor: factor ?? 1, miss };
}

/** `mean(d * d)`, `sum(pow(d, 2)) / n`, `sum(d * d)`. */
function meanOfPower(stat: Statistic, products: Products): Spread | undefined {
  const { constant, factors } = products.of(readOf(stat.of));
  const [only, ...others] = factors;
  if (only === undefined || others.length > 0 || constant !== 1 || only.read.lay !== undefined) return undefined;
  const factor = unbiasedFactor(stat);
  const problem = factor === undefined ? meanMiss(stat) : stat.rounded && roundedMiss(stat.rounded);
  const isSum = isOp(stat, "sum") && stat.scale === 1;
  if ((problem === "other" && !isSum) || only.exponent === 1) return undefined;
  const wrongPower: Miss = {
    because: `the mean is not of the square, but of the power ${only.exponent} of ${quoted(only.read.value)}`,
    help: "average the square: `d * d` or `pow(d, 2)`",
    at: stat.of.span,
  };
  const found = problem === "other" ? stat.rounded && roundedMiss(stat.rounded) : problem;
  const miss = only.exponent === 2 ? found : wrongPower;
  const kind = isSum && factor === undefined ? "sum" : "mean";
  return { kind, stat, of: only.read.value, factor: factor ?? 1, miss };
}

/** `mean(x * x) - mean(x) * mean(x)`, also where it is clamped so that rounding cannot make it negative. */
function differenceOfMeans(read: Read, products: Products): Spread | undefined {
  let at = peel(read);
  const clamped = definedBy(at.value, "maximum", "relu");
  const isClamped = clamped?.name === "relu" || (clamped !== undefined && numberOf(clamped.operand(1)) === 0);
  if (clamped !== undefined && isClamped) at = peel({ value: clamped.operand(0), lay: at.lay });
  const because = "a variance is never below 0, except by rounding";
  const assumes = clamped && isClamped ? { value: clamped.result, is: clamped.operand(0), because } : undefined;
  const difference = definedBy(at.value, "sub");
  if (difference === undefined) return undefined;
  const part = (i: number): Read => ({ value: difference.operand(i), lay: at.lay });
  const squares = statisticOf(part(0), products);
  const spread = squares && meanOfPower(squares, products);
  const [mean, ...others] = products.of(part(1)).factors;
  if (spread?.kind !== "mean" || spread.factor !== 1 || mean?.exponent !== 2 || others.length > 0) return undefined;
  const stat = statisticOf(mean.read, products);
  if (stat === undefined || !sameNumbers(stat.of, spread.of) || !sameAxes(stat.axes, spread.stat.axes))
    return undefined;
  const problem = meanMiss(stat);
  if (problem === "other" || !sameShape(stat.lay, spread.stat.lay)) return undefined;
  return { ...spread, kind: "variance", miss: spread.miss ?? problem, assumes };
}

export function spreadOf(read: Read, products: Products): Spread | undefined {
  const stat = statisticOf(read, products);
  if (stat === undefined) return differenceOfMeans(read, products);
  return varianceOp(stat) ?? meanOfPower(stat, products);
}

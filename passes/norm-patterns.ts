/**
 * Centering, LayerNorm, RMSNorm and L2 norm written in primitive ops.
 *
 *   center:   x - m                 with m = mean(x)
 *   rmsnorm:  d * (v + eps)^-1/2    with v = mean(d^2)
 *   layernorm: the same             with d = x - mean(x), or v = var(x), or v = mean(x^2) - mean(x)^2
 *   l2norm:   d * (v + eps)^-1/2    with v = sum(d^2)
 *
 * A mean may be `mean`, or a `sum` times 1/n where the row length n is known and the factor rounds to the same f32.
 */

import type { Miss } from "../src/diagnostics/remarks.ts";
import type { Builder } from "../src/ir/builder.ts";
import { definedBy, type Op, type Value } from "../src/ir/ir.ts";
import { attribute } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { printShape, reducedShape, sameShape, sameType } from "../src/ir/types.ts";
import {
  type Factor,
  floatTolerance,
  layOf,
  meetsItsRow,
  near,
  numberOf,
  orders,
  type Product,
  type Products,
  peel,
  type Read,
  readOf,
  sameNumbers,
} from "./match.ts";
import type { Raising } from "./raising.ts";

export const nameOf = (value: Value) => value.name ?? `${value.def?.name ?? "?"}(...)`;
export const sameAxes = (a: readonly number[], b: readonly number[]) => a.join() === b.join();
const printAxes = (axes: readonly number[]) => `[${axes.join(", ")}]`;

/** `scale * reduction(of)`, each number of it about one row. */
export interface Statistic {
  readonly op: Op;
  readonly value: Value;
  readonly of: Value;
  readonly axes: readonly number[];
  readonly scale: number;
  readonly lay: readonly (number | string)[];
  /** Where it is rounded to f16 in between. */
  readonly rounded: Op | undefined;
}

/** The read as a reduction, or a multiple of one. */
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

/** How many elements a row has; `undefined` if that is known to the caller only. */
function rowLength(stat: Statistic): number | undefined {
  const extents = stat.axes.map((axis) => stat.of.shape.at(axis));
  return extents.every((extent) => typeof extent === "number") ? extents.reduce((a, b) => a * b, 1) : undefined;
}

function divisorMiss(stat: Statistic): Miss {
  const { span: at } = stat.op;
  const n = rowLength(stat);
  const divisor = String(Number((1 / stat.scale).toPrecision(7)));
  if (n === undefined) {
    const because = `the sum is divided by ${divisor}, and the row length is a name that only the caller knows`;
    return { because, help: "use `mean`, or fix the length with `--dim`", at };
  }
  const unbiased = near((n - 1) * stat.scale, 1, floatTolerance) ? " (the unbiased variance)" : "";
  const because = `the sum is divided by ${divisor}${unbiased}, and the row has ${n} elements`;
  return { because, help: `divide by ${n}, or use \`mean\``, at };
}

/** Whether the statistic is the mean of its operand; words for why not, where it is nearly that. */
export function meanMiss(stat: Statistic): Miss | undefined | "other" {
  const isMean = stat.op.name === "mean" || (stat.op.name === "moments" && stat.value.index === 0);
  if (isMean && near(stat.scale, 1, floatTolerance)) return stat.rounded && roundedMiss(stat.rounded);
  if (stat.op.name !== "sum" || stat.scale === 1) return "other";
  const n = rowLength(stat);
  if (n === undefined || !near(n * stat.scale, 1, floatTolerance)) return divisorMiss(stat);
  return stat.rounded && roundedMiss(stat.rounded);
}

function alignmentMiss(stat: Pick<Statistic, "lay" | "axes" | "op">, x: Value): Miss | undefined {
  if (meetsItsRow(stat.lay, x.shape, stat.axes)) return undefined;
  const wanted = printShape(reducedShape(x.shape, stat.axes, true));
  return {
    because: `the statistic over axes ${printAxes(stat.axes)} has shape ${printShape(stat.lay)}, so it broadcasts along another axis than its own row of ${printShape(x.shape)}`,
    help: `give it the shape ${wanted}: \`keepdims = true\``,
    at: stat.op.span,
  };
}

/** `x - mean(x)`, `x + -mean(x)`. */
export function raiseCenter(op: Op, builder: Builder, raising: Raising): Value | undefined {
  if (op.name !== "sub" && op.name !== "add") return undefined;
  for (const [x, other] of orders(op)) {
    const found = statisticOf(readOf(other), raising.products);
    if (found === undefined || !sameNumbers(found.of, x)) continue;
    const stat = op.name === "add" ? { ...found, scale: -found.scale } : found;
    const problem = meanMiss(stat);
    if (problem === "other") continue;
    const miss = problem ?? alignmentMiss(stat, x);
    if (miss !== undefined) raising.missed(stat.value, op, "`x - mean(x)`", miss);
    if (miss !== undefined || !sameType(x.type, op.result.type)) continue;
    raising.raised(stat.value, "center");
    return builder.emit("center", [x], { axes: stat.axes }, op.result.name);
  }
  return undefined;
}

/** The mean or sum of squares of a row, or its variance. */
interface Spread {
  readonly kind: "mean" | "sum" | "variance";
  readonly stat: Statistic;
  readonly of: Value;
  readonly miss: Miss | undefined;
}

const isFoldOf = (stat: Statistic, name: string) => stat.op.name === name;

function varianceOp(stat: Statistic): Spread | undefined {
  const isVariance = isFoldOf(stat, "var") || (isFoldOf(stat, "moments") && stat.value.index === 1);
  if (!isVariance || !near(stat.scale, 1, floatTolerance)) return undefined;
  const correction = attribute.number(stat.op.attributes, "correction");
  const unbiased: Miss = {
    because: `the variance has correction = ${correction}, and a LayerNorm's is the biased one`,
    help: "use `correction = 0`",
    at: stat.op.span,
  };
  const miss = correction === 0 ? stat.rounded && roundedMiss(stat.rounded) : unbiased;
  return { kind: "variance", stat, of: stat.of, miss };
}

/** `mean(d * d)`, `sum(pow(d, 2)) / n`, `sum(d * d)`. */
function meanOfPower(stat: Statistic, products: Products): Spread | undefined {
  const { constant, factors } = products.of(readOf(stat.of));
  const [only, ...others] = factors;
  if (only === undefined || others.length > 0 || constant !== 1 || only.read.lay !== undefined) return undefined;
  const problem = meanMiss(stat);
  const isSum = isFoldOf(stat, "sum") && stat.scale === 1;
  if ((problem === "other" && !isSum) || only.exponent === 1) return undefined;
  const wrongPower: Miss = {
    because: `what is averaged is the power ${only.exponent} of \`${nameOf(only.read.value)}\``,
    help: "average the square: `d * d` or `pow(d, 2)`",
    at: stat.of.span,
  };
  const found = problem === "other" ? stat.rounded && roundedMiss(stat.rounded) : problem;
  const miss = only.exponent === 2 ? found : wrongPower;
  return { kind: isSum ? "sum" : "mean", stat, of: only.read.value, miss };
}

/** `mean(x * x) - mean(x) * mean(x)`, also where rounding is kept from making it negative. */
function differenceOfMeans(read: Read, products: Products): Spread | undefined {
  let at = peel(read);
  const clamped = definedBy(at.value, "maximum", "relu");
  const isClamped = clamped?.name === "relu" || (clamped !== undefined && numberOf(clamped.operand(1)) === 0);
  if (clamped !== undefined && isClamped) at = peel({ value: clamped.operand(0), lay: at.lay });
  const difference = definedBy(at.value, "sub");
  if (difference === undefined) return undefined;
  const part = (i: number): Read => ({ value: difference.operand(i), lay: at.lay });
  const squares = statisticOf(part(0), products);
  const spread = squares && meanOfPower(squares, products);
  const [mean, ...others] = products.of(part(1)).factors;
  if (spread?.kind !== "mean" || mean?.exponent !== 2 || others.length > 0) return undefined;
  const stat = statisticOf(mean.read, products);
  if (stat === undefined || !sameNumbers(stat.of, spread.of) || !sameAxes(stat.axes, spread.stat.axes))
    return undefined;
  const problem = meanMiss(stat);
  if (problem === "other" || !sameShape(stat.lay, spread.stat.lay)) return undefined;
  return { ...spread, kind: "variance", miss: spread.miss ?? problem };
}

function spreadOf(read: Read, products: Products): Spread | undefined {
  const stat = statisticOf(read, products);
  if (stat === undefined) return differenceOfMeans(read, products);
  return varianceOp(stat) ?? meanOfPower(stat, products);
}

/** `rest + number`, in either order; 0 where nothing is added. */
function splitEpsilon(read: Read): { rest: Read; eps: number } {
  const { value, lay } = peel(read);
  const sum = definedBy(value, "add");
  for (const [rest, number] of sum === undefined ? [] : orders(sum)) {
    const eps = numberOf(number);
    if (eps !== undefined) return { rest: { value: rest, lay }, eps };
  }
  return { rest: { value, lay }, eps: 0 };
}

interface Scale extends Spread {
  readonly eps: number;
}

/** What a factor of a negative power divides by. */
function scaleOf({ read, exponent }: Factor, products: Products): Scale | undefined {
  if (exponent === -0.5) {
    const { rest, eps } = splitEpsilon(read);
    const spread = spreadOf(rest, products);
    return spread && { ...spread, eps };
  }
  if (exponent !== -1) return undefined;
  const outside = rootInside(read, products);
  if (outside !== undefined) return outside;
  const { rest, eps } = splitEpsilon(read);
  const spread = spreadOf(rest, products);
  if (spread === undefined || spread.kind === "sum") return undefined;
  const miss = {
    because: "it divides by the mean square itself, not by its root",
    help: "divide by `sqrt(...)`",
    at: spread.stat.op.span,
  };
  return { ...spread, eps, miss };
}

/** `sqrt(v) + eps`, `maximum(sqrt(v), eps)`. */
function rootInside(read: Read, products: Products): Scale | undefined {
  const { value, lay } = peel(read);
  const op = definedBy(value, "add", "maximum");
  for (const [inner, number] of op === undefined ? [] : orders(op)) {
    const eps = numberOf(number);
    const [root, ...others] = products.of({ value: inner, lay }).factors;
    if (op === undefined || eps === undefined || root?.exponent !== 0.5 || others.length > 0) continue;
    const spread = spreadOf(root.read, products);
    const because =
      op.name === "add"
        ? "eps is added to the root, not inside of it"
        : "the root is kept above eps, and a norm adds eps inside of it";
    const help = `write \`sqrt(... + ${eps})\`; choose eps anew, for it is compared with squares then`;
    if (spread !== undefined) return { ...spread, eps, miss: { because, help, at: op.span } };
  }
  return undefined;
}

const normNames = { mean: "an RMSNorm", variance: "a LayerNorm", sum: "an L2 norm" } as const;

/** The factor that the scale is the scale of; words for why none is, where one nearly is. */
function scaled(scale: Scale, factors: readonly Factor[]): { factor?: Factor; miss?: Miss } {
  const { of, stat, kind } = scale;
  const candidates = factors.filter((f) => f.exponent === 1 && f.read.lay === undefined);
  const centerOf = (value: Value) => definedBy(value, "center");
  const isIt = ({ read: { value } }: Factor) => {
    if (kind !== "variance") return sameNumbers(value, of);
    const center = centerOf(value);
    return (
      center !== undefined &&
      sameNumbers(center.operand(0), of) &&
      sameAxes(attribute.axes(center.attributes), stat.axes)
    );
  };
  const factor = candidates.find(isIt);
  if (factor !== undefined) return { factor };
  const x = kind === "variance" ? of : centerOf(of)?.operand(0);
  const plain = candidates.find(({ read }) => x !== undefined && sameNumbers(read.value, x));
  if (plain !== undefined) {
    const because = `what is scaled is \`${nameOf(plain.read.value)}\` itself, and the scale is that of its distance from the mean`;
    return { miss: { because, help: "scale `x - mean(x)`, or take the mean of `x * x`", at: stat.op.span } };
  }
  const elsewhere = candidates.find(({ read }) => {
    const center = centerOf(read.value);
    return kind === "variance" && center !== undefined && sameNumbers(center.operand(0), of);
  });
  if (elsewhere === undefined) return {};
  const axes = printAxes(attribute.axes((centerOf(elsewhere.read.value) as Op).attributes));
  const because = `the mean is over axes ${axes}, and the variance over ${printAxes(stat.axes)}`;
  return { miss: { because, help: "take both over the same axes", at: elsewhere.read.value.span } };
}

/** `product` without the factors of the norm, times the norm. */
export function timesTheRest(norm: Value, product: Product, used: readonly Factor[], op: Op, builder: Builder): Value {
  let result = norm;
  for (const factor of product.factors) {
    if (used.includes(factor)) continue;
    const { value } = factor.read;
    const { element } = op.result;
    const operand = value.element === element ? value : builder.emit("cast", [value], { to: element });
    result = builder.emit(factor.exponent === 1 ? "mul" : "div", [result, operand]);
  }
  if (product.constant === 1) return result;
  return builder.emit("mul", [result, builder.constant(op.result.element, product.constant)]);
}

/** Whether the other factors can be multiplied by again: they stand as they are. */
export function canMultiply(product: Product, used: readonly Factor[]): boolean {
  return product.factors.every((f) => used.includes(f) || (Math.abs(f.exponent) === 1 && f.read.lay === undefined));
}

/** `d * rsqrt(mean(d * d) + eps)` and its relatives. */
export function raiseNorm(op: Op, builder: Builder, raising: Raising): Value | undefined {
  if (op.name !== "mul" && op.name !== "div") return undefined;
  const product = raising.products.of(readOf(op.result));
  for (const inverse of product.factors) {
    const scale = inverse.exponent < 0 ? scaleOf(inverse, raising.products) : undefined;
    if (scale === undefined) continue;
    const { factor, miss: other } = scaled(scale, product.factors);
    const x = factor?.read.value;
    const miss = other ?? (x && (scale.miss ?? alignmentMiss(scale.stat, x)));
    if (miss !== undefined) raising.missed(scale.stat.value, op, normNames[scale.kind], miss);
    if (factor === undefined || x === undefined || miss !== undefined) continue;
    const used = [factor, inverse];
    if (!canMultiply(product, used)) continue;
    raising.raised(scale.stat.value);
    return timesTheRest(norm(x, scale, op, builder, raising), product, used, op, builder);
  }
  return undefined;
}

function norm(x: Value, scale: Scale, op: Op, builder: Builder, raising: Raising): Value {
  const { eps, kind } = scale;
  const { axes } = scale.stat;
  const { element } = op.result;
  const wide = (value: Value) => (value.element === element ? value : builder.emit("cast", [value], { to: element }));
  const center = definedBy(x, "center");
  const name = kind === "sum" ? "l2norm" : "rmsnorm";
  if (center !== undefined && name === "rmsnorm") {
    const centerAxes = attribute.axes(center.attributes);
    if (sameAxes(centerAxes, axes)) {
      raising.counted("layernorm");
      return builder.emit("layernorm", [wide(center.operand(0))], { axes, eps });
    }
    const because = `the mean is over axes ${printAxes(centerAxes)}, and the mean square over ${printAxes(axes)}`;
    raising.note(op, "a LayerNorm", { because, help: "take both over the same axes", at: center.span });
  }
  raising.counted(name);
  return builder.emit(name, [wide(x)], { axes, eps });
}

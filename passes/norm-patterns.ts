/**
 * Centering, LayerNorm, RMSNorm and L2 norm written in primitive ops.
 *
 *   center:   x - m                 with m = mean(x)
 *   rmsnorm:  d * (v + eps)^-1/2    with v = mean(d^2)
 *   layernorm: the same             with d = x - mean(x), or v = var(x), or v = mean(x^2) - mean(x)^2
 *   l2norm:   d * (v + eps)^-1/2    with v = sum(d^2)
 *
 * The unbiased variance of rows of n elements is f = n / (n - 1) times v, and
 *   d * (f v + eps)^-1/2 = f^-1/2 * d * (v + eps / f)^-1/2.
 */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import type { Builder } from "../src/ir/builder.ts";
import { definedBy, type Fn, type Op, usesOf, type Value } from "../src/ir/ir.ts";
import { quoted } from "../src/ir/naming.ts";
import { attribute, isSize } from "../src/ir/ops/attributes.ts";
import { sameType } from "../src/ir/types.ts";
import {
  type Factor,
  meetsItsRow,
  numberOf,
  orders,
  type Product,
  Products,
  peel,
  type Read,
  readOf,
  sameNumbers,
} from "./match.ts";
import type { Raising } from "./raising.ts";
import { alignmentMiss, meanMiss, printAxes, type Spread, sameAxes, spreadOf, statisticOf } from "./statistics.ts";

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

/** The differing factors of the sum's two terms, where one term is `x * s` and the other `m * s`. */
function commonScale(a: Product, b: Product): { x: Factor; m: Factor } | undefined {
  const isIn = (product: Product) => (f: Factor) =>
    product.factors.some((g) => g.read.value === f.read.value && g.exponent === f.exponent);
  const [x, ...others] = a.factors.filter((f) => !isIn(b)(f));
  const [m, ...rest] = b.factors.filter((f) => !isIn(a)(f));
  if (x?.exponent !== 1 || m?.exponent !== 1 || others.length + rest.length > 0) return undefined;
  return { x, m };
}

/** `x * s - m * s`, `x * s + (b - m * s)` with `m = mean(x)`: `(x - m) * s`, `(x - m) * s + b`. */
export function raiseShifted(op: Op, builder: Builder, raising: Raising): Value | undefined {
  if (op.name !== "sub" && op.name !== "add") return undefined;
  for (const [left, right] of orders(op)) {
    const shift = op.name === "add" ? definedBy(right, "sub") : undefined;
    const subtracted = shift === undefined ? (op.name === "sub" ? right : undefined) : shift.operand(1);
    if (subtracted === undefined) continue;
    const product = raising.products.of(readOf(left));
    const other = raising.products.of(readOf(subtracted));
    const pair = commonScale(product, other);
    if (pair === undefined || pair.x.read.lay !== undefined || product.constant !== other.constant) continue;
    const x = pair.x.read.value;
    const stat = statisticOf(pair.m.read, raising.products);
    if (stat === undefined || !sameNumbers(stat.of, x) || meanMiss(stat) !== undefined) continue;
    if (!meetsItsRow(stat.lay, x.shape, stat.axes) || x.element !== op.result.element) continue;
    const used = [pair.x];
    if (!canMultiply(product, used)) continue;
    raising.raised(stat.value, "center");
    const center = builder.emit("center", [x], { axes: stat.axes });
    const scaled = timesTheRest(center, product, used, op, builder);
    return shift === undefined ? scaled : builder.emit("add", [scaled, shift.operand(0)]);
  }
  return undefined;
}

interface Scale extends Spread {
  readonly eps: number;
}

/** `rest + number`, in either order; 0 if nothing is added. */
function splitEpsilon(read: Read): { rest: Read; eps: number } {
  const { value, lay } = peel(read);
  const sum = definedBy(value, "add");
  for (const [rest, number] of sum === undefined ? [] : orders(sum)) {
    const eps = numberOf(number);
    if (eps !== undefined && isSize(eps)) return { rest: { value: rest, lay }, eps };
  }
  return { rest: { value, lay }, eps: 0 };
}

/** The divisor that a factor of negative power expresses. */
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
        ? "eps is added to the root, not inside it"
        : "the root is clamped at eps, but a norm adds eps inside the root";
    const help = `write \`sqrt(... + ${eps})\`; choose a new eps, as it is then added to squares`;
    if (spread !== undefined) return { ...spread, eps, miss: { because, help, at: op.span } };
  }
  return undefined;
}

/** `(x - mean(x)) / (sqrt(v) + eps)`: the op that computes it, and the centering in it. */
interface Standardization {
  readonly op: Op;
  readonly center: Op;
  readonly eps: number;
}

/** Rows divided by their standard deviation plus eps: not a norm of the language, but their mean may be removed all the same. */
export function standardizations(fn: Fn): Standardization[] {
  const products = new Products({ used: usesOf(fn) });
  return fn.ops.flatMap((op) => {
    if (op.name !== "mul" && op.name !== "div") return [];
    const { factors } = products.of(readOf(op.result));
    for (const { read, exponent } of factors) {
      const scale = exponent === -1 ? rootInside(read, products) : undefined;
      const center = scale && scaled(scale, factors).factor?.read.value.def;
      const isDeviation =
        center?.name === "center" && sameAxes(attribute.axes(center.attributes), scale?.stat.axes ?? []);
      if (scale !== undefined && isDeviation) return [{ op, center, eps: scale.eps }];
    }
    return [];
  });
}

function nameOfNorm({ kind, of }: Scale): string {
  if (kind === "sum") return "an L2 norm";
  return kind === "variance" || definedBy(of, "center") !== undefined ? "a LayerNorm" : "an RMSNorm";
}

/** The factor that the scale normalizes, or the reason why the product is not a norm if it nearly is. */
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
    const because = `${quoted(plain.read.value)} itself is scaled, by the scale of its deviations from the mean`;
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

/** `product` with the factors of the norm replaced by the norm. */
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

/** Whether the product can be written again with its other factors as they are. */
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
    if (miss !== undefined) raising.missed(scale.stat.value, op, nameOfNorm(scale), miss);
    if (factor === undefined || x === undefined || miss !== undefined) continue;
    const used = [factor, inverse];
    if (!canMultiply(product, used)) continue;
    raising.raised(scale.stat.value);
    if (scale.assumes !== undefined) raising.assumptions.push(scale.assumes);
    const constant = product.constant / Math.sqrt(scale.factor);
    return timesTheRest(norm(x, scale, op, builder, raising), { ...product, constant }, used, op, builder);
  }
  return undefined;
}

function norm(x: Value, scale: Scale, op: Op, builder: Builder, raising: Raising): Value {
  const { kind } = scale;
  const eps = scale.eps / scale.factor;
  const { axes } = scale.stat;
  const { element } = op.result;
  const wide = (value: Value) => (value.element === element ? value : builder.emit("cast", [value], { to: element }));
  const center = definedBy(x, "center");
  const name = kind === "sum" ? "l2norm" : "rmsnorm";
  if (center !== undefined && name === "rmsnorm") {
    const centerAxes = attribute.axes(center.attributes);
    if (sameAxes(centerAxes, axes)) {
      raising.counted("layernorm");
      return builder.emit("layernorm", [wide(center.operand(0)), undefined, undefined], { axes, eps });
    }
    const because = `the mean is over axes ${printAxes(centerAxes)}, and the mean square over ${printAxes(axes)}`;
    raising.note(op, "a LayerNorm", { because, help: "take both over the same axes", at: center.span });
  }
  raising.counted(name);
  const operands = name === "rmsnorm" ? [wide(x), undefined] : [wide(x)];
  return builder.emit(name, operands, { axes, eps });
}

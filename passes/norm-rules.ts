/**
 * The rules of `simplify-norms`, which remove ops before a norm that the norm itself makes unnecessary.
 *
 * Write S(x) for the sum or the mean of the squares of a row, and n_e(x) = x / sqrt(S(x) + e).
 *
 *   norm of norm     n_b(s n_a(x))  =  sign(s) / sqrt(1 + r B) n_c(x),  B = b / s^2,  c = a B / (1 + r B)
 * For S(n_a(x)) + B = S/(S + a) + B = (S (1 + B) + a B) / (S + a), and r = 1. For an RMSNorm of an L2 norm
 * r is the length of a row, and 1 over it for an L2 norm of an RMSNorm.
 *   scale into eps   n_e(s x)  =  sign(s) n_(e / s^2)(x)
 * row scale        n_0(r x)  =  n_0(x)  for one number r per row, 1 <= r <= 2^16
 * row shift        f(x + c)  =  f(x)  for c, one number per row, where f ignores shifts (softmax, variance, ...)
 *
 * The first is FlashNorm's (arXiv 2407.09577) pair of norms with nothing in between, and with eps, which is derived here. The
 * next two are the homogeneity of norms, which MIGraphX (#2737) uses in the opposite direction against overflow in f16. A
 * centering may stand between norm and scale: P (s x) = s P x.
 */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import type { Builder } from "../src/ir/builder.ts";
import type { Arithmetic, Law, PositiveRows } from "../src/ir/field/laws.ts";
import { constantValue, definedBy, type Op, presentOperands, type Uses, type Value } from "../src/ir/ir.ts";
import { quoted } from "../src/ir/naming.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { ops } from "../src/ir/ops/index.ts";
import { sameType } from "../src/ir/types.ts";
import type { Centering } from "./centering.ts";
import { numberOf, orders } from "./match.ts";
import { lengthAlong, sameAxes } from "./statistics.ts";

/** The context of a rule besides the op. */
export interface Site {
  readonly builder: Builder;
  readonly uses: (value: Value) => Uses;
  readonly centering: Centering;
  /** Of values as the rule sees them. */
  readonly law: (law: Law) => void;
  readonly missed: (value: Value, what: string, miss: Miss) => void;
  /** Applies the rules to a norm that one of them has just created: its operands are in their final form already. */
  readonly settled: (norm: Value) => Value;
}

/** The replacement of the result of the op; `undefined` where the rule does not apply. */
export type NormRule = (op: Op, site: Site) => Value | undefined;

const isUsedOnce = (value: Value, { uses }: Site) => uses(value).ops.length + Number(uses(value).returned) <= 1;
const axesOf = ({ attributes }: Op) => attribute.axes(attributes);
const epsOf = ({ attributes }: Op) => attribute.number(attributes, "eps");

/** Norms that divide by the root of a statistic of squares. */
const isScaling = (op: Op | undefined): op is Op => op?.name === "rmsnorm" || op?.name === "l2norm";

/** A literal with an exponent of 1 or -1. */
type Power = readonly [literal: number, exponent: number];

/** A factor in a chain of products: a number, or a value with one number per row. */
interface Step {
  readonly of: Value;
  readonly number: number;
  readonly powers: readonly Power[];
  readonly row?: Value;
}

function stepOf(op: Op): Step | undefined {
  if (op.name === "neg") return { of: op.operand(0), number: -1, powers: [] };
  if (op.name !== "mul" && op.name !== "div") return undefined;
  for (const [of, by] of orders(op)) {
    const number = constantValue(by);
    if (!sameType(of.type, op.result.type) || numberOf(of) !== undefined) continue;
    if (number === undefined) continue;
    const exponent = op.name === "div" ? -1 : 1;
    return { of, number: number ** exponent, powers: [[Math.abs(number), exponent]] };
  }
  return undefined;
}

/** For a product with one bounded number per row that is 1 or more: the other factor. */
function rowStepOf(op: Op, axes: readonly number[], { centering }: Site): Step | undefined {
  if (op.name !== "mul") return undefined;
  for (const [of, row] of orders(op)) {
    const isRow = sameType(of.type, op.result.type) && centering.isConstantAlong(row, { axes }).proved;
    const [least, most] = rangeOf(row);
    if (isRow && least >= 1 && most <= mostScale) return { of, number: 1, powers: [], row };
  }
  return undefined;
}

type Range = readonly [least: number, most: number];

/** The bounds of a value, if they are known. */
function rangeOf(value: Value): Range {
  const number = numberOf(value);
  if (number !== undefined) return [number, number];
  const { def: op } = value;
  const of = () => presentOperands(op as Op).map(rangeOf) as [Range, ...Range[]];
  switch (op?.name) {
    case "maximum":
    case "minimum": {
      const fold = op.name === "maximum" ? Math.max : Math.min;
      return of().reduce(([a, b], [c, d]) => [fold(a, c), fold(b, d)]);
    }
    case "sqrt": {
      const [[least, most]] = of();
      return [Math.sqrt(Math.max(0, least)), most < 0 ? Infinity : Math.sqrt(most)];
    }
    case "broadcast":
    case "reshape":
      return rangeOf(op.operand(0));
    default:
      return [-Infinity, Infinity];
  }
}

/** The operand of a norm as a number times a value that may be centered; only the norm reads the values in between. */
interface Source {
  readonly of: Value;
  readonly isCentered: boolean;
  readonly number: number;
  readonly powers: readonly Power[];
  readonly rows: readonly Value[];
}

function sourceOf(norm: Op, site: Site): Source {
  const axes = axesOf(norm);
  let source: Source = { of: norm.operand(0), isCentered: false, number: 1, powers: [], rows: [] };
  for (let op = source.of.def; op !== undefined && isUsedOnce(source.of, site); op = source.of.def) {
    if (op.name === "center" && !source.isCentered && sameAxes(axesOf(op), axes)) {
      source = { ...source, of: op.operand(0), isCentered: true };
      continue;
    }
    const step = stepOf(op) ?? (epsOf(norm) === 0 ? rowStepOf(op, axes, site) : undefined);
    if (step === undefined || step.number === 0) break;
    const number = source.number * step.number;
    const rows = step.row === undefined ? source.rows : [...source.rows, step.row];
    source = { ...source, of: step.of, number, powers: [...source.powers, ...step.powers], rows };
  }
  return source;
}

/** Powers of literals in the finite fields, squared. */
const squared = <T>(f: Arithmetic<T>, powers: readonly Power[]): T =>
  powers.reduce((product, [literal, exponent]) => {
    const square = f.mul(f.number(literal), f.number(literal));
    return exponent > 0 ? f.mul(product, square) : f.div(product, square);
  }, f.integer(1));

/** Whether eps is 0, or so large that squares that f32 flushes to 0 are negligible beside it. */
const isEps = (eps: number) => eps === 0 || (eps >= 2 ** -100 && Number.isFinite(Math.fround(eps)));

/** Without eps, removing a scale of up to this makes squares smaller: it uses 32 of the 126 binary orders of magnitude below 1. */
const mostScale = 2 ** 16;

/** The norm of another operand, with another eps. */
function renormed(norm: Op, of: Value, eps: number, { builder, settled }: Site): Value {
  return settled(builder.emit(norm.name, norm.operands.with(0, of), { axes: axesOf(norm), eps }));
}

function times(value: Value, number: number, { builder }: Pick<Site, "builder">): Value {
  if (number === 1) return value;
  if (number === -1) {
    // A new factor takes the sign.
    const factor = constantValue(definedBy(value, "mul")?.operand(1));
    if (factor !== undefined) return times((value.def as Op).operand(0), -factor, { builder });
    return builder.emit("neg", [value]);
  }
  return builder.emit("mul", [value, builder.constant(value.element, number)]);
}

const positive = (powers: readonly Power[], { law }: Site) => {
  for (const [number] of powers) law({ kind: "positive number", number });
};

/**
 * n_e(s x) = sign(s) n_(e / s^2)(x), and n_0(r x) = n_0(x). Only for scales of 1 or more: with s < 1 the squares of x may overflow
 * although those of s x do not. Without eps only up to `mostScale`: the squares of x may underflow although those of s x do not.
 */
const scaleIntoEps: NormRule = (norm, site) => {
  if (!isScaling(norm)) return undefined;
  const { of, isCentered, number, powers, rows } = sourceOf(norm, site);
  if (number === 1 && powers.length + rows.length === 0) return undefined;
  const eps = epsOf(norm) / number ** 2;
  const isSmall = Math.abs(number) < 1;
  if (isSmall || !isEps(eps) || (eps === 0 && Math.abs(number) > mostScale)) {
    const because = isSmall
      ? `the squares of ${quoted(of)} may overflow, unlike those of the scaled rows`
      : `the squares of ${quoted(of)} may underflow in f32, unlike those of the scaled rows`;
    const help = isSmall
      ? "if they do not overflow, leave the scale out, and divide eps by its square"
      : "use a smaller scale, or leave it out if the rows are large enough, and divide eps by its square";
    site.missed(norm.result, `the scale before \`${norm.name}\``, { because, help });
    return undefined;
  }
  positive(powers, site);
  if (eps !== epsOf(norm)) {
    const given = epsOf(norm);
    site.law({ kind: "meaning", number: eps, is: (f) => f.div(f.number(given), squared(f, powers)) });
  }
  const row = isCentered ? site.builder.emit("center", [of], { axes: axesOf(norm) }) : of;
  return times(renormed(norm, row, eps, site), Math.sign(number), site);
};

/** The ratio of the inner statistic of a row to the outer: 1, N or 1/N. Missing where that matters and is unknown. */
function ratioOf(outer: Op, inner: Op): { readonly over: number; readonly under: number } | undefined {
  if (outer.name === inner.name || epsOf(outer) === 0) return { over: 1, under: 1 };
  const length = lengthAlong(outer.result, axesOf(outer));
  if (length === undefined) return undefined;
  return outer.name === "rmsnorm" ? { over: length, under: 1 } : { over: 1, under: length };
}

/** n_b(s n_a(x)) = sign(s) / sqrt(1 + B) n_c(x). */
const normOfNorm: NormRule = (outer, site) => {
  if (!isScaling(outer)) return undefined;
  const { of, isCentered, number, powers, rows } = sourceOf(outer, site);
  const inner = of.def;
  if (!isScaling(inner) || isCentered || rows.length > 0 || !isUsedOnce(of, site)) return undefined;
  if (inner.operands[1] !== undefined || !sameAxes(axesOf(inner), axesOf(outer))) return undefined;
  const ratio = ratioOf(outer, inner);
  if (ratio === undefined) return undefined;
  const [a, b] = [epsOf(inner), epsOf(outer)];
  const scaledEps = b / number ** 2;
  const added = (scaledEps * ratio.over) / ratio.under;
  const eps = (a * scaledEps) / (1 + added);
  const factor = 1 / Math.sqrt(1 + added);
  if (!isEps(eps) || factor === 0 || !Number.isFinite(added)) return undefined;
  positive(powers, site);
  site.law(positiveRows(inner));
  const own = <T>(f: Arithmetic<T>) => f.div(f.number(b), squared(f, powers));
  const sum = <T>(f: Arithmetic<T>) =>
    f.add(f.integer(1), f.div(f.mul(own(f), f.integer(ratio.over)), f.integer(ratio.under)));
  site.law({ kind: "meaning", number: eps, is: (f) => f.div(f.mul(f.number(a), own(f)), sum(f)) });
  const root = <T>(f: Arithmetic<T>) => f.div(f.integer(1), f.sqrt(sum(f)));
  site.law({ kind: "meaning", number: factor, is: root });
  site.law({ kind: "meaning", number: -factor, is: (f) => f.neg(root(f)) });
  return times(times(renormed(outer, inner.operand(0), eps, site), factor, site), Math.sign(number), site);
};

/** States that the value under the root of an inner norm is positive; for the rows before a centering, which keeps their mean. */
function positiveRows(inner: Op): PositiveRows {
  const [x, axes] = [inner.operand(0), axesOf(inner)];
  const center = definedBy(x, "center");
  const isVariance = center !== undefined && sameAxes(axesOf(center), axes) && inner.name === "rmsnorm";
  const statistic = isVariance ? "variance" : inner.name === "rmsnorm" ? "mean square" : "sum of squares";
  return {
    kind: "positive rows",
    value: isVariance ? center.operand(0) : x,
    axes,
    statistic,
    eps: epsOf(inner),
  };
}

/** f(x + c) = f(x). Not the logarithm of a softmax: no field has log(exp(c) a) = c + log(a), so nothing would check it. */
const rowShift: NormRule = (op, site) => {
  if (ops[op.name].facts.ignoresShift !== true || op.name === "log_softmax") return undefined;
  const shifts: Value[] = [];
  let x = op.operand(0);
  // All at once, because the fields see only the first and the last of these sums.
  for (let term = shiftOf(x, op, site); term !== undefined; term = shiftOf(x, op, site)) {
    shifts.push(term.shift);
    x = term.of;
  }
  if (shifts.length === 0) return undefined;
  for (const value of [x, ...shifts]) site.law({ kind: "any numbers", value });
  return site.builder.emit(op.name, op.operands.with(0, x), op.attributes, op.result.name);
};

/** A term added to `value` with one number per row of the op, and the other term. */
function shiftOf(value: Value, op: Op, site: Site): { readonly of: Value; readonly shift: Value } | undefined {
  const sum = definedBy(value, "add", "sub");
  if (sum === undefined || !isUsedOnce(value, site)) return undefined;
  for (const [of, shift] of orders(sum)) {
    const isRow = sameType(of.type, value.type) && site.centering.isConstantAlong(shift, { axes: axesOf(op) }).proved;
    if (!isRow) continue;
    if (staysFinite(shift)) return { of, shift };
    const because = `${quoted(shift)} may be infinite, and the result is then NaN`;
    const help = "leave it out if it is always finite";
    site.missed(op.result, `the term added before \`${op.name}\``, { because, help, at: shift.span });
  }
  return undefined;
}

/** Whether a value is finite where parameters are, within the range of its type. */
function staysFinite(value: Value): boolean {
  const reached = new Set([value]);
  for (const { def: op } of reached) {
    if (op === undefined || op.name === "global") continue;
    if (op.name === "constant" && Number.isFinite(op.attributes.value)) continue;
    const { kind, facts } = ops[op.name];
    const isSum = kind === "elementwise" && facts.rowMeanZero !== undefined && facts.rowMeanZero !== "quotient";
    if (!isSum && kind !== "reduction" && kind !== "norm" && kind !== "shape" && kind !== "linear") return false;
    for (const operand of presentOperands(op)) reached.add(operand);
  }
  return true;
}

/** The name of a rule that others run alone. */
export const droppedShifts = "shifts of rows dropped";

/** By name; the order does not matter. */
export const normRules: Readonly<Record<string, NormRule>> = {
  "norms of norms": normOfNorm,
  "scales taken into eps": scaleIntoEps,
  [droppedShifts]: rowShift,
};

/**
 * Lowers norms to the primitive ops that a kernel computes, and recognizes variances among these.
 *
 *   y = rmsnorm(center(x), g, eps)
 *   ->
 *   c = x - mean(x)
 *   y = c * rsqrt(mean(c * c) + eps) * g
 *   ->
 *   y = (x - mean(x)) * rsqrt(var(x) + eps) * g       one Welford reduction, one read of the row
 *
 * With two-pass reductions, the second form stays, and variances of the program are rewritten to it.
 *
 * With scaled accuracy, the squares of a row neither overflow nor underflow. For a power of two s, exactly,
 *
 *   y = rmsnorm(center(x), eps)
 *   ->
 *   s = pow2_scale(max(abs(x)))
 *   y = rmsnorm(center(x * s), eps * s * s)
 *
 * The row is scaled before it is centered, because differences of its elements may overflow just as squares do. If eps s^2
 * underflows, `leastEps` replaces it: either all elements are equal, or the largest differs from another by at least 2^-24 of
 * itself, and then `leastEps` is less than the rounding error of the variance.
 */

import { withoutEqualOps } from "../passes/cse.ts";
import type { Span } from "../src/diagnostics/diagnostic.ts";
import { type Builder, copyOp, rewriteFn } from "../src/ir/builder.ts";
import { definedBy, type Fn, type Op, type Value } from "../src/ir/ir.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import type { NormDef } from "../src/ir/ops/def.ts";
import type { Emitter } from "../src/ir/ops/emitter.ts";
import { ops } from "../src/ir/ops/index.ts";
import { elementCount } from "../src/ir/tensor.ts";
import { type Shape, sameShape } from "../src/ir/types.ts";
import { isLongRow, reducedRow, rowExtents } from "../src/plan/row-tiles.ts";
import type { Accuracy, KernelOptions } from "../src/target/options.ts";

/** @param isLowered selects the norms to lower; by default all. */
export function lowerNorms(
  fn: Fn,
  { accuracy = "normal", reduction }: KernelOptions = {},
  isLowered: (op: Op) => boolean = () => true,
): Fn {
  const lowered = rewriteFn(
    rewriteFn(fn, (op, builder) => (isLowered(op) ? primitive(op, builder, accuracy) : undefined)),
    reduction === "two-fold" ? inTwoPasses : variance,
  );
  return lowered === fn ? fn : joined(lowered, fn);
}

/**
 * Computes 1 / std once if several norms of a row need it, or if the program also computes it itself, as a gradient does. A
 * value shared by an op of the program and a norm keeps the op's span. A value that is the whole of one norm and a part of
 * another keeps the span of the former: the other norm has further lines that map to it.
 */
function joined(lowered: Fn, { ops: program }: Fn): Fn {
  const normSpans = new Set(program.filter((op) => ops[op.name].kind === "norm").map(({ span }) => span));
  const last = new Map(lowered.ops.map((op) => [op.span, op]));
  const isOfNorm = ({ span }: Op) => normSpans.has(span);
  const isPart = (op: Op) => isOfNorm(op) && last.get(op.span) !== op;
  const places = new Map<Op, Span>();
  const { fn } = withoutEqualOps(lowered, (gone, stays, now) => {
    if ((isOfNorm(stays) && !isOfNorm(gone)) || (isPart(stays) && !isPart(gone))) places.set(now, gone.span);
  });
  if (places.size === 0) return fn;
  return rewriteFn(fn, (op, builder, original) => {
    const span = places.get(original);
    return span && builder.add(copyOp(op, { span })).results;
  });
}

function primitive(op: Op, builder: Builder, accuracy: Accuracy): Value | undefined {
  const def = ops[op.name];
  return def.kind === "norm" ? inPrimitives(op, def, builder, accuracy) : undefined;
}

function inPrimitives(op: Op, def: NormDef, builder: Builder, accuracy: Accuracy): Value {
  const [x, gamma, beta] = op.operands as [Value, Value | undefined, Value | undefined];
  const { view, axes, affineView } = def.view(x.shape, op.attributes);
  const emitter: Emitter = {
    emit: (name, operands, attributes) => builder.emit(name, operands, attributes),
    constant: (element, value) => builder.constant(element, value),
  };
  const eps = "eps" in def.attributes ? attribute.number(op.attributes, "eps") : undefined;
  const isScaled = accuracy === "scaled" && eps !== undefined;
  const rows = reshaped(builder, x, view);
  const parts = isScaled
    ? scaled(rows, axes, eps, emitter)
    : { rows, eps: eps ? emitter.constant(x.element, eps) : undefined };
  let y = def.define(emitter, parts.rows, axes, parts.eps);
  if (gamma !== undefined) y = builder.emit("mul", [y, reshaped(builder, gamma, affineView)]);
  if (beta !== undefined) y = builder.emit("add", [y, reshaped(builder, beta, affineView)]);
  return reshaped(builder, y, x.shape);
}

/** The minimum lengths of a long row, and of a long column, which is reduced across rows; 0 includes columns of unknown length. */
export interface LongReductions {
  readonly longRow: number;
  readonly longColumn: number;
}

/** Lowers the norms that will be split: norms of long rows, and softmax over long columns. */
export function lowerLongNorms(fn: Fn, options: KernelOptions, least: LongReductions): Fn {
  const isSplit = (op: Op) =>
    ops[op.name].kind === "norm" &&
    (isLongRow(rowOf(op), least.longRow) || (isSoftmax(op) && columnLength(op) >= least.longColumn));
  return fn.ops.some(isSplit) ? lowerNorms(fn, options, isSplit) : fn;
}

/** Over columns only softmax is split: others center their rows, and the mean of a column would be stored as a single f32. */
const isSoftmax = ({ name }: Op) => name === "softmax" || name === "log_softmax";

/** The first op with a long reduction, whose length must be known unless the minimum is 0. */
export const longReduction = ({ ops }: Fn, least: LongReductions): Op | undefined =>
  ops.find((op) => isLongRow(rowOf(op), least.longRow) || columnLength(op) >= least.longColumn);

/** The extents of the row that a norm or a reduction reduces, if its axes are the last ones, with known extents. */
function rowOf(op: Op): readonly number[] | undefined {
  const def = ops[op.name];
  if (def.kind !== "norm") return reducedRow(op);
  const { view, axes } = def.view(op.operand(0).shape, op.attributes);
  return rowExtents(view, axes);
}

/** The number of elements that an op over the first axis reduces to one: 0 if it is not known, -1 for other ops. */
function columnLength({ name, attributes, operands: [x] }: Op): number {
  const { kind } = ops[name];
  if (x === undefined || (kind !== "norm" && kind !== "reduction") || attributes.axes === undefined) return -1;
  const axes = attribute.axes(attributes);
  if (!axes.includes(-x.shape.length)) return -1;
  const extents = axes.map((axis) => x.shape.at(axis));
  return extents.every((extent) => typeof extent === "number") ? elementCount(extents) : 0;
}

const leastEps = 2 ** -100;

/** The rows scaled to [-2, 2], or as close to it as is possible without an overflow of eps s^2. */
function scaled(rows: Value, axes: readonly number[], eps: number, { emit, constant }: Emitter) {
  const { element } = rows;
  const centered = centeredAlong(rows, axes);
  const x = centered ?? rows;
  const largest = emit("max", [emit("abs", [x])], { axes, keepdims: true });
  let scale = emit("pow2_scale", [largest]);
  const scaledRows = () => {
    const product = emit("mul", [x, scale]);
    if (centered === undefined) return product;
    return emit("sub", [product, emit("mean", [product], { axes, keepdims: true })]);
  };
  if (eps === 0) return { rows: scaledRows(), eps: undefined };
  // Rows whose squares are negligible beside eps need no scale.
  const most = constant(element, 2 ** Math.min(126, Math.ceil(-Math.log2(eps) / 2)));
  scale = emit("minimum", [scale, most]);
  const scaledEps = emit("mul", [emit("mul", [constant(element, eps), scale]), scale]);
  return { rows: scaledRows(), eps: emit("maximum", [scaledEps, constant(element, leastEps)]) };
}

function reshaped(builder: Builder, value: Value, shape: Shape): Value {
  return sameShape(value.shape, shape) ? value : builder.emit("reshape", [value], { shape });
}

/** mean((x - mean(x))^2) = var(x). */
function variance(op: Op, builder: Builder): Value | undefined {
  const square = op.name === "mean" ? definedBy(op.operand(0), "mul") : undefined;
  if (square === undefined || square.operands[0] !== square.operands[1]) return undefined;
  const axes = attribute.axes(op.attributes);
  const x = centeredAlong(square.operand(0), axes);
  return x && builder.emit("var", [x], { axes, keepdims: attribute.flag(op.attributes, "keepdims") });
}

/** var(x) = mean((x - mean(x))^2): one reduction for the mean, and one for the squared deviations from it. */
function inTwoPasses({ name, attributes, ...op }: Op, builder: Builder): Value | undefined {
  if ((name !== "var" && name !== "std") || attribute.number(attributes, "correction") !== 0) return undefined;
  const x = op.operands[0] as Value;
  const axes = attribute.axes(attributes);
  const distance = builder.emit("sub", [x, builder.emit("mean", [x], { axes, keepdims: true })]);
  const square = builder.emit("mul", [distance, distance]);
  const spread = builder.emit("mean", [square], { axes, keepdims: attribute.flag(attributes, "keepdims") });
  return name === "std" ? builder.emit("sqrt", [spread]) : spread;
}

/** `x`, if the value is x - mean(x) along the axes. */
export function centeredAlong(value: Value, axes: readonly number[]): Value | undefined {
  const difference = definedBy(value, "sub");
  const mean = definedBy(difference?.operands[1], "mean");
  const x = difference?.operand(0);
  if (x === undefined || mean?.operand(0) !== x || !attribute.flag(mean.attributes, "keepdims")) return undefined;
  return String(attribute.axes(mean.attributes)) === String(axes) ? x : undefined;
}

/**
 * Writes norms as the primitive ops that a kernel computes, and finds the variances among them.
 *
 *   y = rmsnorm(center(x), g, eps)
 *   ->
 *   c = x - mean(x)
 *   y = c * rsqrt(mean(c * c) + eps) * g
 *   ->
 *   y = (x - mean(x)) * rsqrt(var(x) + eps) * g       one Welford reduction, one read of the row
 */

import { type Builder, rewriteFn } from "../src/ir/builder.ts";
import { definedBy, type Fn, type Op, type Value } from "../src/ir/ir.ts";
import { attribute, type Emitter, type NormDef } from "../src/ir/ops/def.ts";
import { type OpName, ops } from "../src/ir/ops/index.ts";
import { type Shape, sameShape } from "../src/ir/types.ts";

export function lowerNorms(fn: Fn): Fn {
  return rewriteFn(rewriteFn(fn, primitive), variance);
}

function primitive(op: Op, builder: Builder): Value | undefined {
  const def = ops[op.name];
  return def.kind === "norm" ? inPrimitives(op, def, builder) : undefined;
}

function inPrimitives(op: Op, def: NormDef, builder: Builder): Value {
  const [x, gamma, beta] = op.operands as [Value, Value | undefined, Value | undefined];
  const { view, axes, affineView } = def.view(x.shape, op.attributes);
  const emitter: Emitter = {
    emit: (name, operands, attributes) => builder.emit(name as OpName, operands, attributes),
    constant: (element, value) => builder.constant(element, value),
  };
  let y = def.define(emitter, reshaped(builder, x, view), axes, op.attributes);
  if (gamma !== undefined) y = builder.emit("mul", [y, reshaped(builder, gamma, affineView)]);
  if (beta !== undefined) y = builder.emit("add", [y, reshaped(builder, beta, affineView)]);
  return reshaped(builder, y, x.shape);
}

function reshaped(builder: Builder, value: Value, shape: Shape): Value {
  return sameShape(value.shape, shape) ? value : builder.emit("reshape", [value], { shape });
}

/** mean((x - mean(x))^2) = var(x). */
function variance(op: Op, builder: Builder): Value | undefined {
  const square = op.name === "mean" ? definedBy(op.operand(0), "mul") : undefined;
  const centered = definedBy(square?.operands[0], "sub");
  if (centered === undefined || square?.operands[1] !== centered.result) return undefined;
  const mean = definedBy(centered.operand(1), "mean");
  const x = centered.operand(0);
  if (mean?.operand(0) !== x || !attribute.flag(mean.attributes, "keepdims")) return undefined;
  const axes = attribute.axes(op.attributes);
  if (String(attribute.axes(mean.attributes)) !== String(axes)) return undefined;
  return builder.emit("var", [x], { axes, keepdims: attribute.flag(op.attributes, "keepdims") });
}

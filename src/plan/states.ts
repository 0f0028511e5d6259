/**
 * The states to which several workgroups reduce parts of a row, and their merges. Each field of a state is one number per part.
 *
 *   logsumexp, softmax   the largest element m, and the sum s of exp(x - m):
 *                        m = max(m_t),  s = sum(s_t * exp(m_t - m))          (Milakov and Gimelshein 2018)
 *   argmax, argmin       the best element and its position:
 *                        t = argmax(best_t),  place = start of t + place_t
 *
 * The parts are in order, so that the first of several equal elements is found. States of f16 and bf16 elements are f32.
 */

import type { Builder } from "../ir/builder.ts";
import { definedBy, type Op, type Value } from "../ir/ir.ts";
import { attribute } from "../ir/ops/attributes.ts";
import { ops as table } from "../ir/ops/index.ts";
import { isMonoid } from "../kernel/reduction.ts";

/** Reductions whose state differs from their result. */
const ownMerges: ReadonlySet<string> = new Set(["var", "std", "moments", "logsumexp", "argmax", "argmin"]);

/** Whether the result of a reduction can be computed from the states of parts. A monoid merges results of parts as elements. */
export function isMergeable({ name }: Op): boolean {
  const def = table[name];
  return def.kind === "reduction" && (isMonoid(def.reduction) || ownMerges.has(name));
}

/** The x, if the op is a sum of exp(x - max(x)). */
export function sumOfExps(op: Op): Value | undefined {
  const exp = op.name === "sum" ? definedBy(op.operand(0), "exp") : undefined;
  const difference = definedBy(exp?.operand(0), "sub");
  const max = definedBy(difference?.operands[1], "max");
  const x = difference?.operand(0);
  if (x === undefined || max?.operand(0) !== x || !attribute.flag(max.attributes, "keepdims")) return undefined;
  return String(attribute.axes(max.attributes)) === String(attribute.axes(op.attributes)) ? x : undefined;
}

/** The value that a reduction reduces; for a sum of exp(x - max(x)) this is x, so that its parts need not wait for the maximum. */
export const reducedValue = (op: Op): Value => sumOfExps(op) ?? op.operand(0);

/** The sum of exp(x - most) of a part whose largest element is `most`, which has the reduced axes kept. */
export function expsOfPart(to: Builder, x: Value, most: Value, axes: readonly number[]): Value {
  return to.emit("sum", [to.emit("exp", [to.emit("sub", [x, most])])], { axes });
}

/**
 * The sum of exp(x - max(x)) over all parts, from their largest elements and their sums.
 * A part in which all elements are -Infinity is skipped, as exp(x - most) is NaN there.
 */
export function mergedExps(to: Builder, [mosts, sums]: readonly [Value, Value], axis: number): Value {
  const most = to.emit("max", [mosts], { axes: [axis], keepdims: true });
  const scaled = to.emit("mul", [sums, to.emit("exp", [to.emit("sub", [mosts, most])])]);
  const isNone = to.emit("eq", [mosts, to.constant("f32", -Infinity)]);
  const terms = to.emit("where", [isNone, to.constant("f32", 0), scaled]);
  return to.emit("sum", [terms], { axes: [axis] });
}

/** log(sum(exp(x))) over all parts, from the same states; an infinite maximum is the result itself. */
export function mergedLogsumexp(to: Builder, state: readonly [Value, Value], axis: number): Value {
  const most = to.emit("max", [state[0]], { axes: [axis] });
  const sum = to.emit("add", [most, to.emit("log", [mergedExps(to, state, axis)])]);
  const isInfinite = to.emit("eq", [most, to.constant("f32", Infinity)]);
  return to.emit("where", [isInfinite, most, sum]);
}

/**
 * The position of the best element of all parts.
 * @param starts the position at which each part begins, in the shape of the states.
 */
export function mergedPlace(
  to: Builder,
  name: "argmax" | "argmin",
  [bests, places]: readonly [Value, Value],
  starts: Value,
  axis: number,
): Value {
  const part = to.emit(name, [bests], { axes: [axis], keepdims: true });
  const number = to.emit("iota", [], { shape: bests.shape, axis });
  const isIt = to.emit("eq", [number, part]);
  const place = to.emit("where", [isIt, to.emit("add", [starts, places]), to.constant("i32", 0)]);
  return to.emit("sum", [place], { axes: [axis] });
}

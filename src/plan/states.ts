/**
 * What a part of a row is reduced to where several workgroups share the row, and how these states become the result: one number for
 * each of the fields of a state.
 *
 *   logsumexp, softmax   the largest element m, and the sum s of exp(x - m):
 *                        m = max(m_t),  s = sum(s_t * exp(m_t - m))          (Milakov and Gimelshein 2018)
 *   argmax, argmin       the best element and its place:
 *                        t = argmax(best_t),  place = start of t + place_t
 *
 * The parts are in order, so that of equal elements the first is found. States are f32 where elements are of two bytes.
 */

import type { Builder } from "../ir/builder.ts";
import { definedBy, type Op, type Value } from "../ir/ir.ts";
import { attribute } from "../ir/ops/attributes.ts";
import { ops as table } from "../ir/ops/index.ts";
import { isMonoid } from "../kernel/reduction.ts";

/** Reductions whose state is more than their result, or another number. */
const ownMerges: ReadonlySet<string> = new Set(["var", "std", "moments", "logsumexp", "argmax", "argmin"]);

/** Whether the results of a reduction follow from the states of parts. A monoid reduces its own results. */
export function isMergeable({ name }: Op): boolean {
  const def = table[name];
  return def.kind === "reduction" && (isMonoid(def.reduction) || ownMerges.has(name));
}

/** The x of a sum of exp(x - max(x)). */
export function sumOfExps(op: Op): Value | undefined {
  const exp = op.name === "sum" ? definedBy(op.operand(0), "exp") : undefined;
  const difference = definedBy(exp?.operand(0), "sub");
  const max = definedBy(difference?.operands[1], "max");
  const x = difference?.operand(0);
  if (x === undefined || max?.operand(0) !== x || !attribute.flag(max.attributes, "keepdims")) return undefined;
  return String(attribute.axes(max.attributes)) === String(attribute.axes(op.attributes)) ? x : undefined;
}

/** What a reduction needs of the elements of a row: its parts wait for no other reduction. */
export const reducedValue = (op: Op): Value => sumOfExps(op) ?? op.operand(0);

/** The sum of exp(x - most) of a part whose largest element is `most`, where the reduced axes are kept. */
export function expsOfPart(to: Builder, x: Value, most: Value, axes: readonly number[]): Value {
  return to.emit("sum", [to.emit("exp", [to.emit("sub", [x, most])])], { axes });
}

/**
 * The sum of exp(x - max(x)) of all parts, from their largest elements and their sums.
 * A part of nothing but -Infinity adds nothing: exp(x - most) is NaN there.
 */
export function mergedExps(to: Builder, [mosts, sums]: readonly [Value, Value], axis: number): Value {
  const most = to.emit("max", [mosts], { axes: [axis], keepdims: true });
  const scaled = to.emit("mul", [sums, to.emit("exp", [to.emit("sub", [mosts, most])])]);
  const isNone = to.emit("eq", [mosts, to.constant("f32", -Infinity)]);
  const terms = to.emit("where", [isNone, to.constant("f32", 0), scaled]);
  return to.emit("sum", [terms], { axes: [axis] });
}

/** log(sum(exp(x))) of all parts, from the same; an infinite maximum is itself. */
export function mergedLogsumexp(to: Builder, state: readonly [Value, Value], axis: number): Value {
  const most = to.emit("max", [state[0]], { axes: [axis] });
  const sum = to.emit("add", [most, to.emit("log", [mergedExps(to, state, axis)])]);
  const isInfinite = to.emit("eq", [most, to.constant("f32", Infinity)]);
  return to.emit("where", [isInfinite, most, sum]);
}

/**
 * The place of the best element of all parts.
 * @param starts where each part begins: of the shape of a part's state.
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

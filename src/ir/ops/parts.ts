/**
 * How a reduction follows from reductions of parts of what it reduces: the column `parts` of its row. Each part is reduced to a
 * state of one or two numbers; a merge combines the states of all parts.
 *
 *   mean                 the sum, or the mean of parts of equal lengths
 *   var, std, moments    the mean and the variance, by the formulas of Chan, Golub and LeVeque (1979):
 *                        n = sum(n_t),  m = sum(n_t m_t) / n,  v = sum(n_t (v_t + (m_t - m)^2)) / n
 *                        or for parts of equal lengths:  m = mean(m_t),  v = mean(v_t) + var(m_t)
 *   logsumexp, softmax   the largest element m, and the sum s of exp(x - m):
 *                        m = max(m_t),  s = sum(s_t * exp(m_t - m))          (Milakov and Gimelshein 2018)
 *   argmax, argmin       the best element and its position:
 *                        t = argmax(best_t),  place = start of t + place_t
 *
 * The parts are in order, so that the first of several equal elements is found. States of f16 and bf16 elements are f32.
 */

import type { ReductionResult } from "../../kernel/reduction.ts";
import type { Attributes, Value } from "../ir.ts";
import { attribute } from "./attributes.ts";
import type { Emitter } from "./emitter.ts";
import type { Operands } from "./meaning.ts";

/** Numbers of elements: as f32 values, which the merge computes, where they are not known. */
export interface Counts {
  /** The number of all reduced elements. */
  total(): Value | number;
  /** The number of elements of each part, which broadcasts against the states, and the total; absent if all parts have equally many. */
  each?(): readonly [each: Value, total: Value];
}

/** How the parts divide what is reduced. */
export interface Division {
  /** The axes of a state along which the parts lie. */
  readonly axes: readonly number[];
  /** Whether a reduction along `axes` must keep them for its result to broadcast against the states. */
  readonly keepdims: boolean;
  readonly elements: Counts;
  /** The position of the first element of each part among the reduced ones, as i32, which broadcasts against the states. */
  starts(): Value;
}

/** A result of a reduction, from what the states of all parts were merged to. */
export type MergedResult = (to: Emitter, merged: Operands<Value>, division: Division, attributes: Attributes) => Value;

/** How a reduction follows from reductions of parts. A state has one element for each part. */
export interface PartialReduction {
  /** The names of the states, for buffers. */
  readonly state: readonly string[];
  /** The states of a part, from its elements `x`. With `isEqual`, all parts have equally many elements. */
  readonly states: (
    to: Emitter,
    x: Value,
    at: { readonly axes: readonly number[]; readonly attributes: Attributes; readonly isEqual: boolean },
  ) => readonly Value[];
  /** Merges the states of all parts; without attributes, as several ops may share what is merged. */
  readonly merge: (to: Emitter, states: Operands<Value>, division: Division) => readonly Value[];
  /** The results from what is merged; by default the first result is the first value merged, and so on. */
  readonly result?: Partial<Record<ReductionResult, MergedResult>>;
}

export const asValue = (to: Emitter, count: Value | number): Value =>
  typeof count === "number" ? to.constant("f32", count) : count;

export const meanParts: PartialReduction = {
  state: ["sums"],
  states: (to, x, { axes, isEqual }) => [to.emit(isEqual ? "mean" : "sum", [x], { axes })],
  merge: (to, [state], { axes, elements }) => {
    if (elements.each === undefined) return [to.emit("mean", [state], { axes })];
    return [to.emit("div", [to.emit("sum", [state], { axes }), asValue(to, elements.total())])];
  },
};

const momentsOf = (to: Emitter, x: Value, axes: readonly number[]) =>
  to.emit("moments", [x], { axes }).def?.results as readonly [mean: Value, variance: Value];

const variance: MergedResult = (to, [, spread, total], { elements }, attributes) => {
  const correction = attribute.number(attributes, "correction");
  const sum = total === undefined ? undefined : spread;
  if (correction === 0) return sum ? to.emit("div", [sum, total]) : spread;
  const count = total ?? elements.total();
  if (typeof count === "number") return to.emit("mul", [spread, to.constant("f32", count / (count - correction))]);
  const divisor = to.emit("sub", [count, to.constant("f32", correction)]);
  return to.emit("div", [sum ?? to.emit("mul", [spread, count]), divisor]);
};

/** What is merged: the mean and the variance of equal parts; else the mean, the sum of squares of differences from it, and the count. */
export const spreadParts: PartialReduction = {
  state: ["means", "variances"],
  states: (to, x, { axes }) => momentsOf(to, x, axes),
  merge: (to, [means, variances], { axes, keepdims, elements }) => {
    if (elements.each === undefined) {
      const [mean, between] = momentsOf(to, means, axes);
      return [mean, to.emit("add", [to.emit("mean", [variances], { axes }), between])];
    }
    const [counts, total] = elements.each();
    const over = (value: Value) => to.emit("sum", [to.emit("mul", [counts, value])], { axes, keepdims });
    const mean = to.emit("div", [over(means), total]);
    const from = to.emit("sub", [means, mean]);
    return [mean, over(to.emit("add", [variances, to.emit("mul", [from, from])])), total];
  },
  result: {
    mean: (_, [mean]) => mean,
    variance,
    deviation: (to, ...rest) => to.emit("sqrt", [variance(to, ...rest)]),
  },
};

/** The sum of exp(x - max(x)). A part in which all elements are -Infinity is skipped, as exp(x - most) is NaN there. */
export const expParts: PartialReduction = {
  state: ["maxs", "exps"],
  states: (to, x, { axes }) => {
    const most = to.emit("max", [x], { axes });
    const shape = x.shape.map((dim, axis) => (axes.includes(axis - x.shape.length) ? 1 : dim));
    const kept = to.emit("reshape", [most], { shape });
    return [most, to.emit("sum", [to.emit("exp", [to.emit("sub", [x, kept])])], { axes })];
  },
  merge: (to, [mosts, sums], { axes }) => {
    const most = to.emit("max", [mosts], { axes, keepdims: true });
    const scaled = to.emit("mul", [sums, to.emit("exp", [to.emit("sub", [mosts, most])])]);
    const isNone = to.emit("eq", [mosts, to.constant("f32", -Infinity)]);
    const terms = to.emit("where", [isNone, to.constant("f32", 0), scaled]);
    return [to.emit("sum", [terms], { axes })];
  },
};

/** log(sum(exp(x))) from the same states; an infinite maximum is the result itself. */
export const logsumexpParts: PartialReduction = {
  ...expParts,
  merge: (to, states, division) => {
    const most = to.emit("max", [states[0]], { axes: division.axes });
    const sum = to.emit("add", [most, to.emit("log", expParts.merge(to, states, division))]);
    const isInfinite = to.emit("eq", [most, to.constant("f32", Infinity)]);
    return [to.emit("where", [isInfinite, most, sum])];
  },
};

/** The position of an extreme. @param name what finds it, in a part and among the extremes of parts. */
export const placeParts = (extreme: "max" | "min", name: "argmax" | "argmin"): PartialReduction => ({
  state: [`${extreme}s`, `${name}s`],
  states: (to, x, { axes }) => [to.emit(extreme, [x], { axes }), to.emit(name, [x], { axes })],
  merge: (to, [bests, places], { axes, starts }) => {
    const from = starts();
    const part = to.emit(name, [bests], { axes, keepdims: true });
    const number = to.emit("iota", [], { shape: bests.shape, axis: axes[0] as number });
    const isIt = to.emit("eq", [number, part]);
    const place = to.emit("where", [isIt, to.emit("add", [from, places]), to.constant("i32", 0)]);
    return [to.emit("sum", [place], { axes })];
  },
});

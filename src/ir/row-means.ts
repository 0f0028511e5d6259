/** Means of the rows of a tensor. */

import type { Span } from "../diagnostics/diagnostic.ts";
import { makeOp } from "./builder.ts";
import { evaluateOp } from "./interpret.ts";
import { Value } from "./ir.ts";
import type { Tensor } from "./tensor.ts";

const nowhere: Span = { source: { name: "", text: "" }, start: 0, end: 0 };

/** Over `axes`, which are kept with extent 1: the mean of each row, or its largest element. */
export function foldRows(tensor: Tensor, axes: readonly number[], name: "mean" | "max"): Tensor {
  const x = new Value(tensor, undefined, nowhere);
  const op = makeOp(name, [x], { axes, keepdims: true }, { places: { op: nowhere } });
  return evaluateOp(op, [tensor], {})[0] as Tensor;
}

/** A mean of zero may be off by this part of the row's largest value: more than rounding to the element type leaves. */
export const meanTolerance = { f32: 1e-6, f16: 1e-3 } as const;

/** For each row over `axes` its mean, and the largest magnitude in it. */
export function rowMeans(tensor: Tensor, axes: readonly number[]): { means: Float64Array; sizes: Float64Array } {
  const magnitudes = { ...tensor, data: tensor.data.map(Math.abs) };
  return { means: foldRows(tensor, axes, "mean").data, sizes: foldRows(magnitudes, axes, "max").data };
}

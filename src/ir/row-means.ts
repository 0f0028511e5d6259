/** Means of the rows of a tensor. */

import type { Span } from "../diagnostics/diagnostic.ts";
import { makeOp } from "./builder.ts";
import { evaluateOp } from "./interpret.ts";
import { Value } from "./ir.ts";
import type { Rows } from "./ops/def.ts";
import { broadcastTo, type Tensor } from "./tensor.ts";

const nowhere: Span = { source: { name: "", text: "" }, start: 0, end: 0 };

/** The mean or the largest element of each row along `axes`, which are kept with extent 1. */
export function reduceRows(tensor: Tensor, axes: readonly number[], name: "mean" | "max"): Tensor {
  const x = new Value(tensor, undefined, nowhere);
  const op = makeOp(name, [x], { axes, keepdims: true }, { places: { op: nowhere } });
  return evaluateOp(op, [tensor], {})[0] as Tensor;
}

/** The tensor minus the mean of each row, in float64. */
export function withoutMeans(tensor: Tensor, axes: readonly number[]): Tensor {
  const means = broadcastTo(reduceRows(tensor, axes, "mean"), tensor.shape);
  return { ...tensor, data: tensor.data.map((value, i) => value - (means[i] as number)) };
}

/** The tolerance of a mean of zero relative to the row's largest value, which is above the rounding to the element type. */
export const meanTolerance = { f32: 1e-6, f16: 1e-3, bf16: 8e-3 } as const;

/** Splits the axis into an axis of blocks and one of their elements. */
function inBlocks(tensor: Tensor, { axes, block }: Rows): { tensor: Tensor; axes: readonly number[] } {
  const axis = (axes[0] ?? 0) + tensor.shape.length;
  if (block === undefined) return { tensor, axes };
  const shape = tensor.shape.toSpliced(axis, 1, (tensor.shape[axis] as number) / block, block);
  return { tensor: { ...tensor, shape }, axes };
}

/** The mean of each row, and the largest magnitude in it. */
export function rowMeans(numbers: Tensor, rows: Rows): { means: Float64Array; sizes: Float64Array } {
  const { tensor, axes } = inBlocks(numbers, rows);
  const magnitudes = { ...tensor, data: tensor.data.map(Math.abs) };
  return { means: reduceRows(tensor, axes, "mean").data, sizes: reduceRows(magnitudes, axes, "max").data };
}

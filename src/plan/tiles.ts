/** The semantics of a launch over tiles: its function runs on each slice of a dimension, and the results are concatenated. */

import { Copies } from "../ir/builder.ts";
import { resolveShape } from "../ir/interpret.ts";
import { type Fn, makeFn, type Op, Value } from "../ir/ir.ts";
import { ops as table } from "../ir/ops/index.ts";
import { elementCount, gather, rowMajorStrides } from "../ir/tensor.ts";
import type { Shape } from "../ir/types.ts";
import type { Launch } from "./plan.ts";

/** A tensor of any kind: a shape, and numbers in row-major order. */
export interface Numbers {
  readonly shape: readonly number[];
}

/** How tensors of one kind are sliced and concatenated. */
export interface Pieces<T extends Numbers> {
  /** Applies `change` to each array of numbers in the tensor. */
  readonly map: (tensor: T, shape: readonly number[], change: (data: Float64Array) => Float64Array) => T;
  /** Concatenates the arrays of several tensors, with the given shape. */
  readonly join: (tensors: readonly T[], shape: readonly number[]) => T;
}

/**
 * A tensor in the shape in which a function reads it: a scalar that one kernel has written is read by the next as a row of one
 * element, and an opaque step reads through reshapes.
 */
export function seenAs<T extends Numbers>(tensor: T, shape: Shape, extents: Readonly<Record<string, number>>): T {
  const seen = resolveShape(shape, extents);
  return elementCount(seen) === elementCount(tensor.shape) ? { ...tensor, shape: seen } : tensor;
}

/** The axis that is cut; -1 if none is. */
const cutAxis = (shape: Shape, dim: string | undefined): number => (dim === undefined ? -1 : shape.indexOf(dim));

/** Whether the op gives positions or sizes in `dim`: they refer to the whole dimension, not to a tile. */
const isPosition = (op: Op, dim: string) =>
  table[op.name].kind === "index" &&
  op.operands.length === 0 &&
  (op.attributes.shape as Shape | undefined)?.includes(dim) === true;

/** The function with each such op replaced by a parameter, and a function that computes these parameters. */
function withoutPositions(fn: Fn, dim: string): { readonly fn: Fn; readonly positions?: Fn } {
  const ops = fn.ops.filter((op) => isPosition(op, dim));
  if (ops.length === 0) return { fn };
  const now = new Copies(ops.map(({ result }, i) => [result, new Value(result.type, `position ${i}`, result.span)]));
  const kept = fn.ops.filter((op) => !ops.includes(op)).map((op) => now.op(op));
  const params = [...fn.params, ...ops.map(({ result }) => now.of(result))];
  const made = ops.map(({ result }, i) => ({ name: `position ${i}`, value: result }));
  return {
    fn: makeFn({ ...fn, params, ops: kept, results: now.resultsOf(fn) }),
    positions: makeFn({ ...fn, params: [], ops, results: made }),
  };
}

/**
 * Runs a launch: once, or once for each tile.
 * @param run evaluates a function for these parameters, with this extent of the dimension that is cut.
 */
export function runLaunch<T extends Numbers>(
  { fn: whole, tile }: Pick<Launch, "fn" | "tile">,
  inputs: readonly T[],
  extents: Readonly<Record<string, number>>,
  pieces: Pieces<T>,
  run: (fn: Fn, params: readonly T[], extent: number | undefined) => readonly T[],
): readonly T[] {
  if (tile === undefined) return run(whole, inputs, undefined);
  const { dim } = tile;
  const [extent, size] = [extents[dim], extents[tile.size]] as [number, number];
  const { fn, positions } = withoutPositions(whole, dim);
  const given = [...inputs, ...(positions ? run(positions, [], extent) : [])];
  const ran: (readonly T[])[] = [];
  for (let from = 0; from < extent; from += size) {
    const length = Math.min(size, extent - from);
    const params = given.map((tensor, i) => {
      const axis = cutAxis(fn.params[i]?.shape as Shape, dim);
      return axis < 0 ? tensor : slice(tensor, axis, from, length, pieces);
    });
    ran.push(run(fn, params, length));
  }
  return fn.results.map(({ value }, i) => {
    const parts = ran.map((one) => one[i] as T);
    const axis = cutAxis(value.shape, dim);
    const shape = parts[0]?.shape ?? [];
    if (axis < 0) return pieces.join(parts, [parts.length, ...shape]);
    return along(
      axis,
      parts,
      shape.map((length, i) => (i === axis ? extent : length)),
      pieces,
    );
  });
}

/** Concatenates tensors along an axis. */
function along<T extends Numbers>(axis: number, parts: readonly T[], shape: readonly number[], pieces: Pieces<T>): T {
  const outer = elementCount(shape.slice(0, axis));
  const rows = Array.from({ length: outer }, (_, row) =>
    parts.map((part) => {
      const own = part.shape.slice(axis);
      const size = elementCount(own);
      return pieces.map(part, own, (data) => data.subarray(row * size, (row + 1) * size));
    }),
  );
  return outer === 1 ? pieces.join(parts, shape) : pieces.join(rows.flat(), shape);
}

function slice<T extends Numbers>(tensor: T, axis: number, from: number, length: number, pieces: Pieces<T>): T {
  const { shape } = tensor;
  const strides = rowMajorStrides(shape);
  const cut = shape.map((extent, i) => (i === axis ? length : extent));
  const start = from * (strides[axis] as number);
  return pieces.map(tensor, cut, (data) => gather(data.subarray(start), cut, strides));
}

/** Concatenates arrays of numbers. */
export function joined(arrays: readonly Float64Array[], shape: readonly number[]): Float64Array {
  const data = new Float64Array(elementCount(shape));
  let at = 0;
  for (const array of arrays) {
    data.set(array, at);
    at += array.length;
  }
  return data;
}

/** Dense row-major tensors in float64, for the reference interpreter. Booleans are 0 and 1. */

import type { ElementType } from "./types.ts";

/** A tensor in row-major order. Its elements are float64, whatever its element type. */
export interface Tensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The index along each axis of the element at a row-major position. */
export function indexAt(place: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = place;
  for (const extent of shape.toReversed()) {
    index.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  return index;
}

/** The index of the element at a row-major position, for messages: `[2, 17]`. */
export const printIndex = (place: number, shape: readonly number[]): string => `[${indexAt(place, shape).join(", ")}]`;

/** The stride in elements along each axis of a row-major tensor. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

/** The strides with which a tensor of `shape` is read in the shape `target`: 0 along broadcast axes. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const offset = target.length - shape.length;
  const strides = rowMajorStrides(shape);
  return target.map((_, axis) =>
    axis < offset || shape[axis - offset] === 1 ? 0 : (strides[axis - offset] as number),
  );
}

/** The elements read with `strides`, in the row-major order of `shape`. */
export function gather(data: Float64Array, shape: readonly number[], strides: readonly number[]): Float64Array {
  const count = elementCount(shape);
  const isInOrder = count === data.length && rowMajorStrides(shape).every((stride, axis) => stride === strides[axis]);
  if (isInOrder) return data.slice();
  const result = new Float64Array(count);
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let i = 0; i < result.length; i++) {
    result[i] = data[at] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      at += strides[axis] as number;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      at -= (strides[axis] as number) * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return result;
}

/** The order of axes in which rows along `axes` are contiguous. */
export function rowOrder(shape: readonly number[], axes: readonly number[]) {
  const columns = axes.map((axis) => axis + shape.length);
  const order = [...shape.keys()].filter((axis) => !columns.includes(axis)).concat(columns);
  const strides = rowMajorStrides(shape);
  const ordered = order.map((axis) => shape[axis] as number);
  const split = ordered.length - columns.length;
  return {
    shape: ordered,
    strides: order.map((axis) => strides[axis] as number),
    width: elementCount(ordered.slice(split)),
    count: elementCount(ordered.slice(0, split)),
    isInOrder: order.every((axis, i) => axis === i),
    /** The strides with which contiguous rows are read in the order of `shape`. */
    back() {
      const from = rowMajorStrides(ordered);
      return [...shape.keys()].map((axis) => from[order.indexOf(axis)] as number);
    },
  };
}

/** The elements of `tensor` broadcast to `target` by NumPy's rules. */
export function broadcastTo(tensor: Tensor, target: readonly number[]): Float64Array {
  if (elementCount(tensor.shape) === elementCount(target)) return tensor.data;
  return gather(tensor.data, target, broadcastStrides(tensor.shape, target));
}

/** Calls `visit` with each index of a shape. The array is reused. */
export function eachIndex(shape: readonly number[], visit: (index: readonly number[]) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  for (let count = elementCount(shape); count > 0; count--) {
    visit(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
}

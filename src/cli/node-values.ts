/** The interface for evaluating a node in float64. */

import { eachIndex, elementCount, rowMajorStrides, type Tensor } from "../ir/tensor.ts";

/** The node is not computed; the reason is a clause that can follow "because". */
export class NotComputed extends Error {
  /** Whether smaller extents would help. */
  readonly isTooLarge: boolean;

  constructor(reason: string, isTooLarge = false) {
    super(reason);
    this.isTooLarge = isTooLarge;
  }
}

/** A node during its evaluation. */
export interface NodeValues {
  /** By position; `undefined` for omitted inputs. */
  readonly inputs: readonly (Tensor | undefined)[];
  integer(name: string, otherwise: number): number;
  integers(name: string): readonly number[] | undefined;
  number(name: string, otherwise: number): number;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  tensor(name: string): Pick<Tensor, "shape" | "data"> | undefined;
}

export type Numbers = Pick<Tensor, "shape" | "data">;
/** One tensor, or the node's results by position. */
export type Evaluate = (node: NodeValues) => Numbers | readonly Numbers[];

export const input = ({ inputs }: NodeValues, i: number) => inputs[i] as Tensor;
export const list = (tensor: Tensor | undefined) => tensor && [...tensor.data];
export const fromEnd = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
export const vector = (numbers: readonly number[]): Numbers => ({
  shape: [numbers.length],
  data: Float64Array.from(numbers),
});

/** A tensor whose elements are computed from their indices. */
export function made(shape: readonly number[], number: (index: readonly number[]) => number): Numbers {
  const data = new Float64Array(elementCount(shape));
  let i = 0;
  eachIndex(shape, (index) => {
    data[i++] = number(index);
  });
  return { shape, data };
}

export const offsetOf = (strides: readonly number[], index: readonly number[]) =>
  index.reduce((offset, at, axis) => offset + at * (strides[axis] as number), 0);

/** Reads a tensor by index. */
export function reader({ shape, data }: Numbers): (index: readonly number[]) => number {
  const strides = rowMajorStrides(shape);
  return (index) => data[offsetOf(strides, index)] as number;
}

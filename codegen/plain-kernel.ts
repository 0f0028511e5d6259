/** Helpers of plain kernels: indices and offsets of elements in tensors. */

import type { Dim, Shape } from "../src/ir/types.ts";
import {
  binary,
  count,
  dimension,
  divide,
  type Expression,
  multiply,
  type Operand,
  remainder,
  sumOf,
  type Variable,
} from "../src/kernel/expression.ts";
import type { Program, Statements } from "../src/kernel/statement.ts";

/** The body of a plain kernel, and its dispatch. */
export interface Made {
  readonly body: Program["body"];
  /** Arrays in workgroup memory; none by default. */
  readonly shared?: readonly Variable[];
  readonly dispatch: { readonly rows: readonly Dim[]; readonly rowsPerWorkgroup: number };
}

export const extent = (dim: Dim): Expression => (typeof dim === "number" ? count(dim) : dimension(dim));

export const product = (dims: readonly Dim[]): Expression => {
  const known = dims.reduce<number>((all, dim) => (typeof dim === "number" ? all * dim : all), 1);
  const names = dims.filter((dim) => typeof dim === "string").map(extent);
  const factors = known === 1 && names.length > 0 ? names : [count(known), ...names];
  return factors.reduce((all, one) => multiply(all, one));
};

export const isLess = (a: Operand, b: Operand) => binary("<", a, b);

/** The index along each of these dimensions of the element with a row-major index. */
export function indices(to: Statements, element: Expression, dims: readonly Dim[]): Expression[] {
  const first = dims.findIndex((dim) => dim !== 1);
  let rest = element;
  return dims
    .toReversed()
    .map((dim, i) => {
      const axis = dims.length - 1 - i;
      if (dim === 1) return count(0);
      const at = to.define(`index${axis}`, axis === first ? rest : remainder(rest, extent(dim)));
      if (axis !== first) rest = divide(rest, extent(dim));
      return at;
    })
    .toReversed();
}

/** The terms of an element's offset in a tensor of this shape, which may be broadcast to the indices. */
export function offsetIn(shape: Shape, index: readonly Expression[]): Expression[] {
  const own = index.slice(index.length - shape.length);
  return shape.flatMap((dim, i) => {
    if (dim === 1) return [];
    const at = own[i] as Expression;
    const inner = shape.slice(i + 1).filter((other) => other !== 1);
    return [inner.length === 0 ? at : multiply(at, product(inner))];
  });
}

export const placeIn = (shape: Shape, index: readonly Expression[]) => sumOf(offsetIn(shape, index)) ?? count(0);

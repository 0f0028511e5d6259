/**
 * Derivatives of ops that move elements, and of products: the column `vjp` of their rows. All are linear in each operand,
 * so each derivative is a transpose: of a reshape the reshape back, of a broadcast a sum, of y = a b the products dy b' and
 * a' dy.
 */

import type { Value } from "../ir.ts";
import type { Dim, Shape } from "../types.ts";
import { attribute } from "./def.ts";
import type { LinearName } from "./linear.ts";
import type { ShapeName } from "./shape.ts";
import { type Adjoint, ofOne, type Pullback, type Terms, type Vjp } from "./vjp.ts";

const given = ({ operands, cotangents }: Adjoint) => ({
  a: operands[0] as Value,
  b: operands[1] as Value,
  dy: cotangents[0] as Value,
});

const moved = (back: Parameters<typeof ofOne>[0]): Vjp => ({ by: [ofOne(back)] });

/** The permutation that takes another one back. */
function inverse(perm: readonly number[]): number[] {
  const axes = perm.map((axis) => (axis < 0 ? axis + perm.length : axis));
  return axes.map((_, axis) => axes.indexOf(axis));
}

export const shapeVjps: { readonly [Name in ShapeName]: Vjp } = {
  reshape: moved((t, x, dy) => t.reshape(dy, x.shape)),
  transpose: moved((t, _, dy, { attributes }) => t.transpose(dy, inverse(attribute.permutation(attributes)))),
  broadcast: moved((t, x, dy) => t.summedTo(dy, x.shape)),
};

/** The last two axes exchanged. */
function transposed(t: Terms, x: Value): Value {
  const rank = x.shape.length;
  return t.transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

const asRow = (t: Terms, x: Value) => (x.shape.length === 1 ? t.reshape(x, [1, ...x.shape]) : x);
const asColumn = (t: Terms, x: Value) => (x.shape.length === 1 ? t.reshape(x, [...x.shape, 1]) : x);

/** All axes but the last as one, where at most one of them has a name; else the axes as they are. */
function asMatrix(t: Terms, x: Value): Value {
  const rows = x.shape.slice(0, -1);
  const names = rows.filter((dim) => typeof dim === "string");
  const count = rows.reduce<number>((all, dim) => (typeof dim === "number" ? all * dim : all), 1);
  const [name] = names;
  if (x.shape.length < 3 || names.length > 1 || (name !== undefined && count !== 1)) return x;
  return t.reshape(x, [name ?? count, x.shape.at(-1) as Dim]);
}

/** The sum over all rows of what the row of `a` and that of `b` make: a' b, [..., columns of a, columns of b]. */
function ofRows(t: Terms, a: Value, b: Value): Value {
  const [left, right] = [asMatrix(t, a), asMatrix(t, b)];
  const product = t.op("matmul", [transposed(t, left), right]);
  return t.summedTo(product, product.shape.slice(-2));
}

/** The operands and the cotangent of a product as matrices. */
function matrices(at: Adjoint) {
  const { a, b, dy } = given(at);
  const t = at.terms;
  const columns = b.shape.length === 1 ? t.reshape(dy, [...dy.shape, 1]) : dy;
  const lacksRow = a.shape.length === 1;
  const full: Shape = [...columns.shape.slice(0, -1), 1, columns.shape.at(-1) as Dim];
  return { a, b, left: asRow(t, a), right: asColumn(t, b), dy: lacksRow ? t.reshape(columns, full) : columns };
}

const productByLeft: Pullback = (at) => {
  const { a, left, right, dy } = matrices(at);
  const t = at.terms;
  const full = t.op("matmul", [dy, transposed(t, right)]);
  return t.reshape(t.summedTo(full, left.shape), a.shape);
};

const productByRight: Pullback = (at) => {
  const { b, left, right, dy } = matrices(at);
  const t = at.terms;
  const isOneMatrix = right.shape.length === 2;
  const full = isOneMatrix ? ofRows(t, left, dy) : t.op("matmul", [transposed(t, left), dy]);
  return t.reshape(t.summedTo(full, right.shape), b.shape);
};

const linear: Vjp = {
  by: [
    (at) => {
      const { b: weight, dy } = given(at);
      return at.terms.op("matmul", [dy, weight]);
    },
    (at) => {
      const { a: x, dy } = given(at);
      return ofRows(at.terms, asRow(at.terms, dy), asRow(at.terms, x));
    },
    (at) => at.terms.summedTo(given(at).dy, (at.operands[2] as Value).shape),
  ],
};

const windowOf = ({ attributes: { shape: _, ...window } }: Adjoint) => window;
const byInput = (at: Adjoint, weight: Value, dy: Value, x: Value) =>
  at.terms.op("conv_input_grad", [weight, dy], { ...windowOf(at), shape: [...x.shape] });
const byWeight = (at: Adjoint, x: Value, dy: Value, weight: Value) =>
  at.terms.op("conv_weight_grad", [x, dy], { ...windowOf(at), shape: [...weight.shape] });

export const linearVjps: { readonly [Name in LinearName]: Vjp } = {
  matmul: { by: [productByLeft, productByRight] },
  linear,
  embedding_grad: { by: [null, (at) => at.terms.op("embedding", [at.operands[0], at.cotangents[0]])] },
  // Each element is in the sums of those behind it.
  cumsum: moved((t, _, dy, { attributes }) =>
    t.op("cumsum", [dy], { ...attributes, reverse: attributes.reverse !== true }),
  ),
  // The three are the derivatives of one sum of products x weight d_y.
  conv: {
    by: [
      (at) => byInput(at, given(at).b, given(at).dy, given(at).a),
      (at) => byWeight(at, given(at).a, given(at).dy, given(at).b),
      ({ operands, cotangents, terms: t }) => {
        const [bias, dy] = [operands[2] as Value, cotangents[0] as Value];
        const axes = dy.shape.flatMap((_, i) => (i === 1 ? [] : [i - dy.shape.length]));
        return t.reshape(t.sum(dy, axes), bias.shape);
      },
    ],
  },
  conv_input_grad: {
    by: [
      (at) => byWeight(at, given(at).dy, given(at).b, given(at).a),
      (at) => at.terms.op("conv", [given(at).dy, given(at).a], windowOf(at)),
    ],
  },
  conv_weight_grad: {
    by: [
      (at) => byInput(at, given(at).dy, given(at).b, given(at).a),
      (at) => at.terms.op("conv", [given(at).a, given(at).dy], windowOf(at)),
    ],
  },
};

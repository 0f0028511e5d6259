/**
 * Rows of the op table for matrix products. They are linear in each operand, so that a derivative is a product with the
 * other operand transposed: for y = a b, these are dy b' and a' dy.
 */

import * as linearErrors from "../../diagnostics/areas/linear.ts";
import { type Help, type Span, wrapped } from "../../diagnostics/diagnostic.ts";
import type { Value } from "../ir.ts";
import { broadcastTo, elementCount, type Tensor } from "../tensor.ts";
import { broadcastShapes, type Dim, printShape, type Shape, sameShape } from "../types.ts";
import { floats, type LinearDef, type Refusal } from "./def.ts";
import { linearOp } from "./linear.ts";
import { type Adjoint, ofPair, type Pullback, type Terms } from "./vjp.ts";

type Infer = LinearDef["infer"];
type Evaluate = LinearDef["evaluate"];
type ZeroMeanRule = LinearDef["zeroMean"];

const printed = (shape: Shape) => (shape.length === 0 ? "a scalar" : printShape(shape));

/** A vector on the left is a row, and one on the right a column; the result does not have that axis. */
const asRows = (shape: Shape): Shape => (shape.length === 1 ? [1, ...shape] : shape);
const asColumns = (shape: Shape): Shape => (shape.length === 1 ? [...shape, 1] : shape);

/** How to write `b` of this rank with its matrices transposed. */
function transposedHelp(rank: number, b: Span): Help {
  const perm = `perm = [${[...Array(rank - 2).keys(), rank - 1, rank - 2].join(", ")}]`;
  const line =
    rank === 2
      ? "`b` fits transposed: `linear(a, b)` is `a` by `b` transposed"
      : `\`b\` fits transposed: \`transpose(b, ${perm})\``;
  return { line, fixes: [{ title: "transpose `b`", edits: wrapped(b, "transpose(", `, ${perm})`) }] };
}

const inferMatmul: Infer = (shapes) => {
  const [a, b] = shapes as [Shape, Shape];
  for (const [i, shape] of [a, b].entries()) {
    const name = i === 0 ? "a" : "b";
    const wanted = "a vector or a matrix";
    if (shape.length === 0) return (at) => linearErrors.operandShape(at(i), "matmul", name, wanted, "a scalar");
  }
  const [left, right] = [asRows(a), asColumns(b)];
  const [rows, inner, across, columns] = [left.at(-2), left.at(-1), right.at(-2), right.at(-1)] as [Dim, Dim, Dim, Dim];
  if (inner !== across) {
    const fits = b.length > 1 && columns === inner;
    const second = { name: "b", shape: printShape(b), extent: String(across) };
    const first = { name: "a", shape: printShape(a), extent: String(inner) };
    return (at) => {
      const help = fits ? [transposedHelp(b.length, at(1))] : [];
      return linearErrors.contraction(at(1), "matmul", second, { ...first, span: at(0) }, help);
    };
  }
  const batches = [left.slice(0, -2), right.slice(0, -2)] as const;
  const batch = broadcastShapes(...batches);
  if (batch === undefined) {
    const [of, by] = batches.map(printShape) as [string, string];
    return (at) => linearErrors.batches(at(1), by, of, at(0));
  }
  return [...batch, ...(a.length === 1 ? [] : [rows]), ...(b.length === 1 ? [] : [columns])];
};

const multiply: Evaluate = (operands) => {
  const [a, b] = operands as [Tensor, Tensor];
  const [left, right] = [asRows(a.shape), asColumns(b.shape)] as [number[], number[]];
  const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2)) as number[];
  const [rows, inner, columns] = [left.at(-2), left.at(-1), right.at(-1)] as [number, number, number];
  const x = broadcastTo({ ...a, shape: left }, [...batch, rows, inner]);
  const y = broadcastTo({ ...b, shape: right }, [...batch, inner, columns]);
  const result = new Float64Array(elementCount(batch) * rows * columns);
  // In the row-major order of y.
  for (let row = 0; row < elementCount(batch) * rows; row++) {
    const matrix = Math.floor(row / rows) * inner * columns;
    const sums = result.subarray(row * columns, (row + 1) * columns);
    for (let i = 0; i < inner; i++) {
      const factor = x[row * inner + i] as number;
      const from = matrix + i * columns;
      for (let column = 0; column < columns; column++) {
        sums[column] = (sums[column] as number) + factor * (y[from + column] as number);
      }
    }
  }
  return result;
};

/**
 * A sum over the columns of the result is a sum over those of b; a sum over its rows is one over those of a. So is a sum over
 * other axes, if they all share one matrix b.
 */
const matmulMean: ZeroMeanRule = ({ axes, block }, [a = [], b = []]) => {
  const [isRow, isColumn] = [a.length === 1, b.length === 1];
  const isOne = axes.length === 1;
  const columns = !isColumn && axes.includes(-1) ? [{ means: [{ operand: 1, axes: [-1], block }], exact: isOne }] : [];
  const ofA = axes.filter((axis) => isColumn || axis !== -1).map((axis) => (isColumn ? axis - 1 : axis));
  const own = b.length <= 2 ? ofA : ofA.filter((axis) => axis === -2);
  const exact = own.length === axes.length;
  const rows = !isRow && own.length > 0 ? [{ means: [{ operand: 0, axes: own, block }], exact }] : [];
  return [...columns, ...rows];
};

const inferLinear: Infer = ([x, weight, bias]) => {
  const [rows, matrix] = [x, weight] as [Shape, Shape];
  const refused =
    (index: number, name: string, wanted: string, got: Shape): Refusal =>
    (at) =>
      linearErrors.operandShape(at(index), "linear", name, wanted, printed(got));
  if (rows.length === 0) return refused(0, "x", "[..., in]", rows);
  if (matrix.length !== 2) return refused(1, "weight", "[out, in]", matrix);
  const [out, width] = matrix as [Dim, Dim];
  const inner = rows.at(-1) as Dim;
  if (inner !== width) {
    const help = out === inner ? ["`weight` is [out, in]; by a matrix [in, out] multiplies `matmul`"] : [];
    const second = { name: "weight", shape: printShape(matrix), extent: String(width) };
    const first = { name: "x", shape: printShape(rows), extent: String(inner) };
    return (at) => linearErrors.contraction(at(1), "linear", second, { ...first, span: at(0) }, help);
  }
  if (bias !== undefined && !sameShape(bias, [out])) return refused(2, "bias", printShape([out]), bias);
  return [...rows.slice(0, -1), out];
};

const applyLinear: Evaluate = (operands) => {
  const [x, weight, bias] = operands as [Tensor, Tensor, Tensor | undefined];
  const [out, inner] = weight.shape as [number, number];
  const rows = elementCount(x.shape.slice(0, -1));
  const result = new Float64Array(rows * out);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < out; column++) {
      let sum = 0;
      for (let i = 0; i < inner; i++) {
        sum += (x.data[row * inner + i] as number) * (weight.data[column * inner + i] as number);
      }
      result[row * out + column] = sum + (bias?.data[column] ?? 0);
    }
  }
  return result;
};

/** The outputs are the rows of the weight, and a bias adds its mean to theirs. Along other axes, a bias would have to be 0. */
const linearMean: ZeroMeanRule = ({ axes, block }, [, , bias]) => {
  const outputs = [
    { operand: 1, axes: [-2], block },
    ...(bias === undefined ? [] : [{ operand: 2, axes: [-1], block }]),
  ];
  const others = axes.filter((axis) => axis !== -1);
  const byRows = { means: [{ operand: 0, axes: others, block }], exact: others.length === axes.length };
  return [
    ...(axes.includes(-1) ? [{ means: outputs, exact: axes.length === 1 }] : []),
    ...(bias === undefined && others.length > 0 ? [byRows] : []),
  ];
};

/** The shape with its last two axes exchanged. */
function transposed(t: Terms, x: Value): Value {
  const rank = x.shape.length;
  return t.transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

const asRowOf = (t: Terms, x: Value) => (x.shape.length === 1 ? t.reshape(x, [1, ...x.shape]) : x);
const asColumnOf = (t: Terms, x: Value) => (x.shape.length === 1 ? t.reshape(x, [...x.shape, 1]) : x);

/** Collapses all axes but the last into one, if at most one of them is symbolic; else returns the axes unchanged. */
function asMatrix(t: Terms, x: Value): Value {
  const rows = x.shape.slice(0, -1);
  const names = rows.filter((dim) => typeof dim === "string");
  const count = rows.reduce<number>((all, dim) => (typeof dim === "number" ? all * dim : all), 1);
  const [name] = names;
  if (x.shape.length < 3 || names.length > 1 || (name !== undefined && count !== 1)) return x;
  return t.reshape(x, [name ?? count, x.shape.at(-1) as Dim]);
}

/** The sum over all rows of their outer products: a' b, [..., columns of a, columns of b]. */
function ofRows(t: Terms, a: Value, b: Value): Value {
  const [left, right] = [asMatrix(t, a), asMatrix(t, b)];
  const product = t.op("matmul", [transposed(t, left), right]);
  return t.summedTo(product, product.shape.slice(-2));
}

/** The operands and the cotangent of a product as matrices. */
function matrices(at: Adjoint) {
  const [a, b] = at.operands as [Value, Value];
  const [dy] = at.cotangents as [Value];
  const t = at.terms;
  const columns = b.shape.length === 1 ? t.reshape(dy, [...dy.shape, 1]) : dy;
  const lacksRow = a.shape.length === 1;
  const full: Shape = [...columns.shape.slice(0, -1), 1, columns.shape.at(-1) as Dim];
  return { a, b, left: asRowOf(t, a), right: asColumnOf(t, b), dy: lacksRow ? t.reshape(columns, full) : columns };
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

const because = "matrix products are not compiled to kernels";
const innermost = ([a]: readonly Shape[]): Shape => (a as Shape).slice(-1);

export const matmul = linearOp({
  summary:
    "Matrix product of `[..., m, k]` and `[..., k, n]`; the leading dimensions broadcast as in NumPy. A vector `a` is treated as one row and a vector `b` as one column, and that dimension is not in the result.",
  operands: [{ name: "a" }, { name: "b" }],
  elements: floats,
  infer: inferMatmul,
  evaluate: multiply,
  exact: "bilinear",
  zeroMean: matmulMean,
  terms: innermost,
  outside: { because, plain: "product" },
  vjp: { by: [productByLeft, productByRight] },
});

export const linear = linearOp({
  summary:
    "`x` times the transpose of `weight`, plus `bias`: `[..., in]` to `[..., out]`; weight is `[out, in]`, bias `[out]`.",
  operands: [{ name: "x" }, { name: "weight" }, { name: "bias", optional: true }],
  elements: floats,
  infer: inferLinear,
  evaluate: applyLinear,
  exact: "bilinear",
  zeroMean: linearMean,
  terms: innermost,
  outside: { because, plain: "product by rows" },
  vjp: {
    by: [
      ofPair((t, _, weight, dy) => t.op("matmul", [dy, weight])),
      ofPair((t, x, _, dy) => ofRows(t, asRowOf(t, dy), asRowOf(t, x))),
      ofPair((t, _x, _weight, dy, { operands }) => t.summedTo(dy, (operands[2] as Value).shape)),
    ],
  },
});

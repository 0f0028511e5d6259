/** Rows of the op table for products of matrices, and for joining, cutting and looking up rows. */

import { fail, type Help, type Span, wrapped } from "../../diagnostics/diagnostic.ts";
import { linearErrors } from "../../diagnostics/errors-linear.ts";
import type { Attributes } from "../ir.ts";
import { broadcastTo, elementCount, type Tensor } from "../tensor.ts";
import { broadcastShapes, type Dim, printShape, type Shape, sameShape } from "../types.ts";
import { type AttributeDef, anyElement, attribute, floats, type LinearRow, type Refusal } from "./def.ts";

type Infer = LinearRow["infer"];
type Evaluate = LinearRow["evaluate"];
type ZeroMeanRule = LinearRow["zeroMean"];

const printed = (shape: Shape) => (shape.length === 0 ? "a scalar" : printShape(shape));

/** A vector on the left is one row, and one on the right one column; the result has neither. */
const asRows = (shape: Shape): Shape => (shape.length === 1 ? [1, ...shape] : shape);
const asColumns = (shape: Shape): Shape => (shape.length === 1 ? [...shape, 1] : shape);

/** How to give `b` of this rank with its matrices transposed. */
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
  // Row by row of y, which lies in this order in memory.
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
 * A sum over the columns of the result is a sum over those of b; over its rows, over those of a, and over all other axes
 * too where there is one matrix b for all of them.
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

/** The outputs are the rows of the weight; a bias has their mean. Over other axes it would have to be 0. */
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

const inferEmbedding: Infer = (shapes) => {
  const [ids, table] = shapes as [Shape, Shape];
  if (table.length === 2) return [...ids, table[1] as Dim];
  return (at) => linearErrors.operandShape(at(1), "embedding", "table", "[count, width]", printed(table));
};

const lookUp: Evaluate = (operands, _, span) => {
  const [ids, table] = operands as [Tensor, Tensor];
  const [count, width] = table.shape as [number, number];
  const result = new Float64Array(ids.data.length * width);
  for (const [i, id] of ids.data.entries()) {
    if (id < 0 || id >= count) fail(linearErrors.idOutOfRange(span, id, i, count));
    result.set(table.data.subarray(id * width, (id + 1) * width), i * width);
  }
  return result;
};

const pieceNames = ["a", "b", "c", "d"];

const inferConcat: Infer = (shapes, attributes) => {
  const axis = attribute.axis(attributes);
  const [first] = shapes as [Shape];
  const at = axis + first.length;
  const without = (shape: Shape) => shape.filter((_, i) => i !== at);
  let extent = 0;
  for (const [i, shape] of shapes.entries()) {
    if (shape === undefined) continue;
    const name = pieceNames[i] as string;
    if (shape.length !== first.length || !sameShape(without(shape), without(first))) {
      return (place) => linearErrors.pieces(place(i), name, printShape(shape), printShape(first), axis, place(0));
    }
    const own = shape[at] as Dim;
    if (typeof own === "string") return (place) => linearErrors.namedExtent(place(i), "concat", name, axis, own);
    extent += own;
  }
  return first.map((dim, i) => (i === at ? extent : dim));
};

/** A tensor as `count` runs of elements that lie together, each all that there is from `axis` on. */
function runsFrom(axis: number, { shape, data }: Tensor): { count: number; run: (index: number) => Float64Array } {
  const length = elementCount(shape.slice(axis));
  return {
    count: elementCount(shape.slice(0, axis)),
    run: (index) => data.subarray(index * length, (index + 1) * length),
  };
}

const join: Evaluate = (operands, attributes) => {
  const pieces = operands
    .filter((piece) => piece !== undefined)
    .map((piece) => runsFrom(attribute.axis(attributes), piece));
  const { count } = pieces[0] as (typeof pieces)[0];
  const result = new Float64Array(operands.reduce((sum, piece) => sum + (piece?.data.length ?? 0), 0));
  let at = 0;
  for (let index = 0; index < count; index++) {
    for (const piece of pieces) {
      const run = piece.run(index);
      result.set(run, at);
      at += run.length;
    }
  }
  return result;
};

/** Where a slice begins and ends, counted from the front. */
function boundsOf(extent: number, attributes: Attributes): { start: number; end: number } {
  const fromFront = (at: number) => (at < 0 ? at + extent : at);
  const of = (name: string) => fromFront(attribute.number(attributes, name));
  return { start: of("start"), end: of("end") };
}

const inferSlice: Infer = ([x], attributes) => {
  const shape = x as Shape;
  const axis = attribute.axis(attributes);
  const extent = shape.at(axis) as Dim;
  if (typeof extent === "string") return (at) => linearErrors.namedExtent(at(0), "slice", "x", axis, extent);
  for (const key of ["start", "end"]) {
    const value = attribute.number(attributes, key);
    if (Math.abs(value) > extent) return (at) => linearErrors.sliceRange(at(key), key, value, axis, extent);
  }
  const { start, end } = boundsOf(extent, attributes);
  if (end < start) return (at) => linearErrors.sliceOrder(at("end"), start, end);
  return shape.map((dim, i) => (i === axis + shape.length ? end - start : dim));
};

const cut: Evaluate = ([operand], attributes) => {
  const x = operand as Tensor;
  const axis = attribute.axis(attributes);
  const inner = elementCount(x.shape.slice(axis).slice(1));
  const { start, end } = boundsOf(x.shape.at(axis) as number, attributes);
  const { count, run } = runsFrom(axis, x);
  const length = (end - start) * inner;
  const result = new Float64Array(count * length);
  for (let i = 0; i < count; i++) result.set(run(i).subarray(start * inner, end * inner), i * length);
  return result;
};

const along: AttributeDef = { type: "axis", summary: "The axis; -1 is the last." };

type Parts = Omit<LinearRow, "kind" | "facts" | "attributes"> & Partial<Pick<LinearRow, "attributes">>;

function linearOp(parts: Parts): LinearRow {
  return { kind: "linear", facts: {}, attributes: {}, ...parts };
}

const noProduct = "a kernel here computes no matrix product";

export const linearOps = {
  matmul: linearOp({
    summary:
      "The product of matrices, `[..., m, k]` by `[..., k, n]`; the dimensions before them broadcast, as in NumPy. A vector `a` is one row, a vector `b` one column, which the result does not have.",
    operands: [{ name: "a" }, { name: "b" }],
    elements: floats,
    infer: inferMatmul,
    evaluate: multiply,
    exact: "bilinear",
    zeroMean: matmulMean,
    noKernel: noProduct,
  }),
  linear: linearOp({
    summary:
      "`x` by `weight` transposed, plus `bias`: `[..., in]` to `[..., out]`; weight is `[out, in]`, bias `[out]`.",
    operands: [{ name: "x" }, { name: "weight" }, { name: "bias", optional: true }],
    elements: floats,
    infer: inferLinear,
    evaluate: applyLinear,
    exact: "bilinear",
    zeroMean: linearMean,
    noKernel: noProduct,
  }),
  embedding: linearOp({
    summary: "The rows of a table `[count, width]` that `ids` (i32 or u32, of any shape) name: `[...ids, width]`.",
    operands: [{ name: "ids", element: "index" }, { name: "table" }],
    elements: anyElement,
    infer: inferEmbedding,
    evaluate: lookUp,
    exact: "moves",
    zeroMean: ({ axes, block }) =>
      axes.includes(-1) ? [{ means: [{ operand: 1, axes: [-1], block }], exact: axes.length === 1 }] : [],
    noKernel: "a kernel here reads no rows by their number",
  }),
  concat: linearOp({
    summary: "Two to four tensors one after the other along an axis, on which their extents are numbers.",
    operands: pieceNames.map((name, i) => (i < 2 ? { name } : { name, optional: true })),
    attributes: { axis: along },
    elements: anyElement,
    infer: inferConcat,
    evaluate: join,
    exact: "moves",
    // The sum over the whole is the sum of sums over the pieces, or that over one of them.
    zeroMean: ({ axes, block }, shapes, attributes) => {
      const axis = attribute.axis(attributes);
      const isAlong = axes.includes(axis);
      // A block of the whole must not go over a seam.
      const isWhole = (shape: Shape | undefined) =>
        shape === undefined || (shape.at(axis) as number) % (block ?? 1) === 0;
      if (isAlong && !shapes.every(isWhole)) return [];
      const means = shapes.flatMap((shape, operand) => (shape === undefined ? [] : [{ operand, axes, block }]));
      return [{ means, exact: !isAlong || block !== undefined }];
    },
    noKernel: "a kernel here does not join tensors",
  }),
  slice: linearOp({
    summary: "The elements `start` to `end - 1` along an axis, on which the extent is a number.",
    operands: [{ name: "x" }],
    attributes: {
      axis: along,
      start: { type: "integer", summary: "The first element; a negative one counts from the end." },
      end: { type: "integer", summary: "The element after the last; a negative one counts from the end." },
    },
    elements: anyElement,
    infer: inferSlice,
    evaluate: cut,
    exact: "moves",
    zeroMean: ({ axes, block }, [x], attributes) => {
      const axis = attribute.axis(attributes);
      const others = axes.filter((one) => one !== axis);
      const exact = others.length === axes.length;
      if (others.length > 0) return [{ means: [{ operand: 0, axes: others, block }], exact }];
      // What is cut out is one block of several, or some of them.
      const extent = x?.at(axis) as number;
      const { start, end } = boundsOf(extent, attributes);
      const size = block ?? end - start;
      const isWhole = size > 0 && start % size === 0 && extent % size === 0;
      return isWhole ? [{ means: [{ operand: 0, axes, block: size }], exact: true }] : [];
    },
    noKernel: "a kernel here reads tensors as a whole, and this cuts one",
  }),
} satisfies Record<string, LinearRow>;

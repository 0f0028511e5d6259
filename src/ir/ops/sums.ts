/** Rows of the op table for sums that are not reductions: running sums, and sums of rows by their index. */

import * as linearErrors from "../../diagnostics/areas/linear.ts";
import { elementCount, type Tensor } from "../tensor.ts";
import { printShape, type Shape } from "../types.ts";
import { hasNegative, numbers } from "./def.ts";
import { checkedTranspose, linearOp, shapeAttribute } from "./linear.ts";
import { ofOne, ofPair } from "./vjp.ts";

export const cumsum = linearOp({
  summary: "The sum of each element and all before it along an axis.",
  operands: [{ name: "x" }],
  attributes: {
    axis: { type: "axis", summary: "The axis; -1 is the last." },
    exclusive: { type: "boolean", default: false, summary: "Exclude the element itself; the first sum is then 0." },
    reverse: {
      type: "boolean",
      default: false,
      summary: "Sum the elements after each element instead of those before it.",
    },
  },
  elements: numbers,
  infer: ([x]) => x as Shape,
  evaluate: ([operand], attributes) => {
    const { shape, data } = operand as Tensor;
    const axis = attributes.axis + shape.length;
    const [extent, inner] = [shape[axis] as number, elementCount(shape.slice(axis + 1))];
    const [isExclusive, isReverse] = [attributes.exclusive, attributes.reverse];
    const result = new Float64Array(data.length);
    for (let line = 0; line < elementCount(shape.slice(0, axis)) * inner; line++) {
      const start = Math.floor(line / inner) * extent * inner + (line % inner);
      let sum = 0;
      for (let i = 0; i < extent; i++) {
        const at = start + (isReverse ? extent - 1 - i : i) * inner;
        const value = data[at] as number;
        result[at] = isExclusive ? sum : sum + value;
        sum += value;
      }
    }
    return result;
  },
  exact: "sums",
  // Rows along other axes are summed as a whole, and keep a mean of zero. Along the axis itself, nothing is known.
  zeroMean: ({ axes, block }, _, attributes) => {
    const others = axes.filter((axis) => axis !== attributes.axis);
    return others.length === 0
      ? []
      : [{ means: [{ operand: 0, axes: others, block }], exact: others.length === axes.length }];
  },
  terms: ([x]) => (x as Shape).slice(-1),
  // Each element contributes to its own sum and to those after it.
  vjp: {
    by: [
      ofOne((t, _, dy, { attributes }) =>
        t.op("cumsum", [dy], { ...attributes, reverse: attributes.reverse !== true }),
      ),
    ],
  },
});

const rowsOf = (ids: Shape, table: Shape): Shape => [...ids, ...table.slice(1)];

export const embedding_grad = linearOp({
  summary:
    "The transpose of `embedding`: a table `[count, width]` that starts as zeros; each row of `d_y`, `[...ids, width]`, is added to the row that `ids` selects.",
  operands: [{ name: "ids", element: "index" }, { name: "d_y" }],
  attributes: shapeAttribute("The shape of the table."),
  elements: numbers,
  infer: ([ids = [], d_y = []], attributes) => {
    const { shape } = attributes;
    const wanted = "[count, width]";
    if (shape.length !== 2 || hasNegative(shape))
      return (at) => linearErrors.operandShape(at("shape"), "embedding_grad", "shape", wanted, printShape(shape));
    return checkedTranspose("embedding_grad", shape, rowsOf(ids, shape), d_y);
  },
  evaluate: (operands, attributes) => {
    const [ids, d_y] = operands as [Tensor, Tensor];
    const [count, width] = attributes.shape as [number, number];
    const result = new Float64Array(count * width);
    for (const [i, id] of ids.data.entries()) {
      for (let column = 0; column < width; column++) {
        const at = id * width + column;
        result[at] = (result[at] as number) + (d_y.data[i * width + column] as number);
      }
    }
    return result;
  },
  exact: "sums",
  zeroMean: ({ axes, block }) =>
    axes.includes(-1) ? [{ means: [{ operand: 1, axes: [-1], block }], exact: axes.length === 1 }] : [],
  terms: ([ids]) => ids as Shape,
  outside: { because: "sums of rows by index are not compiled to kernels", plain: "rows by number" },
  vjp: { by: [null, ofPair((t, ids, _, dy) => t.op("embedding", [ids, dy]))] },
});

/**
 * Rows of the op table for the transposes of ops: what derivatives are made of. A convolution is linear in x and in the
 * weight, so each has one; all three are one sum of products x weight d_y, without the factor that is their result.
 */

import * as linearErrors from "../../diagnostics/areas/linear.ts";
import type { Attributes } from "../ir.ts";
import { elementCount, type Tensor } from "../tensor.ts";
import { printShape, type Shape, sameShape } from "../types.ts";
import { eachTerm, inferConv, windowAttributes } from "./conv.ts";
import { attribute, floats, hasNegative, type LinearRow, numbers, type Refusal, type Rows } from "./def.ts";

const shapeAttribute = (summary: string) => ({ shape: { type: "shape", summary } }) as const;

/** The shape that the attribute says, if the op of which this is the transpose makes of it what `d_y` is. */
function checked(op: string, shape: Shape, forward: Shape | Refusal, d_y: Shape): Shape | Refusal {
  if (typeof forward === "function") return (at) => forward((part) => at(typeof part === "number" ? 0 : part));
  if (sameShape(forward, d_y)) return shape;
  return (at) => linearErrors.operandShape(at(1), op, "d_y", printShape(forward), printShape(d_y));
}

const rowsOf = (ids: Shape, table: Shape): Shape => [...ids, ...table.slice(1)];

/** By which operand the rows along an axis have mean zero, where there is one group of channels. */
const alongAxis =
  (operand: number, of: number, axis: (rank: number) => number): LinearRow["zeroMean"] =>
  ({ axes, block }: Rows, shapes: readonly (Shape | undefined)[], attributes: Attributes) => {
    const rank = shapes[0]?.length ?? 0;
    const isOne = attribute.number(attributes, "group") === 1 && axes.length === 1 && axes[0] === axis(rank);
    return isOne ? [{ means: [{ operand, axes: [of - rank], block }], exact: true }] : [];
  };

const noConvolution = { because: "a kernel here computes no convolution" };

export const transposeOps = {
  embedding_grad: {
    kind: "linear",
    facts: {},
    summary:
      "The transpose of `embedding`: a table `[count, width]` of zeros, to whose rows that `ids` name the rows of `d_y`, `[...ids, width]`, are added.",
    operands: [{ name: "ids", element: "index" }, { name: "d_y" }],
    attributes: shapeAttribute("The shape of the table."),
    elements: numbers,
    infer: ([ids = [], d_y = []], attributes) => {
      const shape = attribute.shape(attributes, "shape");
      const wanted = "[count, width]";
      if (shape.length !== 2 || hasNegative(shape))
        return (at) => linearErrors.operandShape(at("shape"), "embedding_grad", "shape", wanted, printShape(shape));
      return checked("embedding_grad", shape, rowsOf(ids, shape), d_y);
    },
    evaluate: (operands, attributes) => {
      const [ids, d_y] = operands as [Tensor, Tensor];
      const [count, width] = attribute.shape(attributes, "shape") as [number, number];
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
    outside: { because: "a kernel here adds no rows up by their number", plain: "rows by number" },
  },
  conv_input_grad: {
    kind: "linear",
    facts: {},
    summary:
      "The transpose of `conv` in `x`, a transposed convolution: from `d_y`, in the shape of `conv(x, weight)`, to the shape of `x`.",
    operands: [{ name: "weight" }, { name: "d_y" }],
    attributes: { ...shapeAttribute("The shape of x."), ...windowAttributes },
    elements: floats,
    infer: ([weight = [], d_y = []], attributes) => {
      const shape = attribute.shape(attributes, "shape");
      return checked("conv_input_grad", shape, inferConv([shape, weight], attributes), d_y);
    },
    evaluate: (operands, attributes) => {
      const [weight, d_y] = operands as [Tensor, Tensor];
      const shape = attribute.shape(attributes, "shape") as number[];
      const result = new Float64Array(elementCount(shape));
      eachTerm(shape, weight.shape, attributes, (to, by, from) => {
        result[to] = (result[to] as number) + (weight.data[by] as number) * (d_y.data[from] as number);
      });
      return result;
    },
    exact: "bilinear",
    zeroMean: alongAxis(0, 1, (rank) => 1 - rank),
    terms: ([weight]) => (weight as Shape).with(1, 1),
    outside: noConvolution,
  },
  conv_weight_grad: {
    kind: "linear",
    facts: {},
    summary:
      "The transpose of `conv` in `weight`: from `x` and `d_y`, in the shape of `conv(x, weight)`, to the shape of `weight`.",
    operands: [{ name: "x" }, { name: "d_y" }],
    attributes: { ...shapeAttribute("The shape of the weight."), ...windowAttributes },
    elements: floats,
    infer: ([x = [], d_y = []], attributes) => {
      const shape = attribute.shape(attributes, "shape");
      return checked("conv_weight_grad", shape, inferConv([x, shape], attributes), d_y);
    },
    evaluate: (operands, attributes) => {
      const [x, d_y] = operands as [Tensor, Tensor];
      const shape = attribute.shape(attributes, "shape") as number[];
      const result = new Float64Array(elementCount(shape));
      eachTerm(x.shape, shape, attributes, (by, to, from) => {
        result[to] = (result[to] as number) + (x.data[by] as number) * (d_y.data[from] as number);
      });
      return result;
    },
    exact: "bilinear",
    zeroMean: alongAxis(1, 1, (rank) => -rank),
    terms: ([, d_y]) => (d_y as Shape).with(1, 1),
    outside: noConvolution,
  },
} satisfies Record<string, LinearRow>;

/**
 * Rows of the op table for convolutions and their transposes. A convolution is linear in x and in the weight, so each has a
 * transpose; all three are one sum of products x weight d_y, without the factor that is their result, and derivatives of
 * each other.
 */

import type { Value } from "../ir.ts";
import { elementCount, type Tensor } from "../tensor.ts";
import type { Shape } from "../types.ts";
import { floats, type LinearDef } from "./def.ts";
import { checkedTranspose, linearOp, shapeAttribute } from "./linear.ts";
import { type Adjoint, ofPair, type Terms } from "./vjp.ts";
import { eachTerm, inferConv, windowAttributes } from "./window.ts";

type Conv = LinearDef<typeof windowAttributes>;

const convolve: Conv["evaluate"] = (operands, attributes) => {
  const [x, weight, bias] = operands as [Tensor, Tensor, Tensor | undefined];
  const shape = inferConv([x.shape, weight.shape, bias?.shape], attributes) as number[];
  const [, out, ...places] = shape as [number, number, ...number[]];
  const result = new Float64Array(elementCount(shape));
  eachTerm(x.shape, weight.shape, attributes, (from, by, to) => {
    result[to] = (result[to] as number) + (x.data[from] as number) * (weight.data[by] as number);
  });
  if (bias === undefined) return result;
  const plane = elementCount(places);
  return result.map((value, i) => value + (bias.data[Math.floor(i / plane) % out] as number));
};

/**
 * The outputs are the first axis of the weight. With groups, each is computed from its group's channels, so that only
 * rows within a group are sums over the same channels.
 */
const convMean: Conv["zeroMean"] = ({ axes, block }, [, weight, bias], attributes) => {
  const rank = weight?.length ?? 0;
  const { group } = attributes;
  if (!axes.includes(1 - rank)) return [];
  const way = (size: number | undefined, exact: boolean) => {
    const outputs = { operand: 1, axes: [-rank], block: size };
    return [{ means: bias === undefined ? [outputs] : [outputs, { operand: 2, axes: [-1], block: size }], exact }];
  };
  if (group === 1) return way(block, axes.length === 1);
  const perGroup = (weight?.[0] as number) / group;
  if (block !== undefined) return perGroup % block === 0 ? way(block, axes.length === 1) : [];
  // The mean over all groups is zero if it is zero in each.
  return perGroup > 1 ? way(perGroup, false) : [];
};

/** Which operand's mean makes the mean of rows along an axis zero, with a single group of channels. */
const alongAxis =
  (operand: number, of: number, axis: (rank: number) => number): LinearDef<typeof windowAttributes>["zeroMean"] =>
  ({ axes, block }, shapes, { group }) => {
    const rank = shapes[0]?.length ?? 0;
    const isOne = group === 1 && axes.length === 1 && axes[0] === axis(rank);
    return isOne ? [{ means: [{ operand, axes: [of - rank], block }], exact: true }] : [];
  };

/** The attributes of a convolution, or of one of its transposes. */
const windowIn = ({ attributes: { shape: _, ...window } }: Adjoint) => window;
const byInput = (t: Terms, at: Adjoint, weight: Value, dy: Value, x: Value) =>
  t.op("conv_input_grad", [weight, dy], { ...windowIn(at), shape: [...x.shape] });
const byWeight = (t: Terms, at: Adjoint, x: Value, dy: Value, weight: Value) =>
  t.op("conv_weight_grad", [x, dy], { ...windowIn(at), shape: [...weight.shape] });

export const conv = linearOp({
  summary:
    "The convolution (cross-correlation) of `x`, `[batch, in, ...spatial]`, with the kernels of `weight`, `[out, in / group, ...kernel]`, plus `bias`, `[out]`; one to three spatial dimensions.",
  operands: [{ name: "x" }, { name: "weight" }, { name: "bias", optional: true }],
  attributes: windowAttributes,
  elements: floats,
  infer: inferConv,
  evaluate: convolve,
  exact: "bilinear",
  zeroMean: convMean,
  terms: ([, weight]) => (weight as Shape).slice(1),
  fixesExtents: ([x]) => (x as Shape).slice(2),
  outside: { because: "convolutions are not compiled to kernels", plain: "convolution" },
  vjp: {
    by: [
      ofPair((t, x, weight, dy, at) => byInput(t, at, weight, dy, x)),
      ofPair((t, x, weight, dy, at) => byWeight(t, at, x, dy, weight)),
      ({ operands, cotangents, terms: t }) => {
        const [bias, dy] = [operands[2] as Value, cotangents[0] as Value];
        const axes = dy.shape.flatMap((_, i) => (i === 1 ? [] : [i - dy.shape.length]));
        return t.reshape(t.sum(dy, axes), bias.shape);
      },
    ],
  },
});

const noConvolution = { because: "convolutions are not compiled to kernels" };

export const conv_input_grad = linearOp({
  summary:
    "The transpose of `conv` in `x`, a transposed convolution: from `d_y`, in the shape of `conv(x, weight)`, to the shape of `x`.",
  operands: [{ name: "weight" }, { name: "d_y" }],
  attributes: { ...shapeAttribute("The shape of x."), ...windowAttributes },
  elements: floats,
  infer: ([weight = [], d_y = []], attributes) => {
    const { shape } = attributes;
    return checkedTranspose("conv_input_grad", shape, inferConv([shape, weight], attributes), d_y);
  },
  evaluate: (operands, attributes) => {
    const [weight, d_y] = operands as [Tensor, Tensor];
    const shape = attributes.shape as number[];
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
  vjp: {
    by: [
      ofPair((t, weight, y, dx, at) => byWeight(t, at, dx, y, weight)),
      ofPair((t, weight, _, dx, at) => t.op("conv", [dx, weight], windowIn(at))),
    ],
  },
});

export const conv_weight_grad = linearOp({
  summary:
    "The transpose of `conv` in `weight`: from `x` and `d_y`, in the shape of `conv(x, weight)`, to the shape of `weight`.",
  operands: [{ name: "x" }, { name: "d_y" }],
  attributes: { ...shapeAttribute("The shape of the weight."), ...windowAttributes },
  elements: floats,
  infer: ([x = [], d_y = []], attributes) => {
    const { shape } = attributes;
    return checkedTranspose("conv_weight_grad", shape, inferConv([x, shape], attributes), d_y);
  },
  evaluate: (operands, attributes) => {
    const [x, d_y] = operands as [Tensor, Tensor];
    const shape = attributes.shape as number[];
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
  vjp: {
    by: [
      ofPair((t, x, y, dw, at) => byInput(t, at, dw, y, x)),
      ofPair((t, x, _, dw, at) => t.op("conv", [x, dw], windowIn(at))),
    ],
  },
});

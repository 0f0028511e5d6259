/** Type inference for elementwise ops, reductions and norms. */

import { dataTypes, types } from "../data-types.ts";
import type { Extent } from "../extent.ts";
import { broadcast } from "./shapes.ts";
import { decline, each, likeFirst, shaped, type Typed, type TypeRule, type TypeView } from "./view.ts";

/** The operands broadcast; the element type is that of operand `like`, or `element`. */
const broadcasting =
  (of: { readonly like: number } | { readonly element: number }): TypeRule =>
  (at) => {
    const element = "like" in of ? at.element(of.like) : of.element;
    return [{ element, shape: broadcast(at, at.shapes()) }];
  };

const elementOf =
  (attribute: string, other?: number): TypeRule =>
  (at) => {
    const element = at.hasAttribute(attribute) ? at.int(attribute, 1) : (other ?? at.element(0));
    return [at.like(0, { element })];
  };

/** The last opset in which the axes of a reduction are an attribute. */
export const axesAttributeUpTo = (op: string) => (op === "ReduceSum" ? 12 : 17);

/** The axes that are reduced, counted from the front if the rank is known; all axes if the node names none. */
export function reducedAxes(at: TypeView): { axes: number[]; keepdims: boolean } {
  const given = at.axesOf(axesAttributeUpTo(at.node.opType), 1);
  const keepdims = at.int("keepdims", 1) === 1;
  const isFromEnd = given?.every((axis) => axis < 0) === true && given.length > 0;
  // Axes that are counted from the end do not need the rank.
  if (at.info(0).shape === undefined && isFromEnd) return { axes: [...given], keepdims };
  const rank = at.shape(0).length;
  const isNoop = at.int("noop_with_empty_axes", 0) === 1;
  const isAll = (given === undefined || given.length === 0) && !isNoop;
  const axes = isAll ? [...Array(rank).keys()] : at.axes(given ?? [], rank);
  return { axes, keepdims };
}

const reduced = (x: readonly Extent[], axes: readonly number[], keepdims: boolean): Extent[] =>
  keepdims ? x.map((extent, i) => (axes.includes(i) ? 1 : extent)) : x.filter((_, i) => !axes.includes(i));

/** If only the number of axes is known, so is the rank of the result. */
const reduction = shaped((at) => {
  const x = at.shape(0);
  const count = at.opset > axesAttributeUpTo(at.node.opType) && at.has(1) ? at.info(1).shape?.[0] : undefined;
  const isOpen = count !== undefined && at.constantItems(1) === undefined;
  if (isOpen && at.int("keepdims", 1) === 1) return x.map(() => undefined);
  if (isOpen && typeof count === "number") return x.slice(count).map(() => undefined);
  const { axes, keepdims } = reducedAxes(at);
  return reduced(x, axes, keepdims);
});

const position: TypeRule = (at) => {
  const x = at.shape(0);
  const axis = at.axis(at.int("axis", 0), x.length);
  return [{ element: types.int64, shape: reduced(x, [axis], at.int("keepdims", 1) === 1) }];
};

/** The statistics of a norm: an extent of 1 along the normalized axes. */
function statistic(at: TypeView, element: number | undefined): Typed {
  const x = at.info(0).shape;
  if (x === undefined) return { element, shape: undefined };
  const axis = at.axis(at.int("axis", -1), x.length);
  return { element, shape: x.map((extent, i) => (i < axis ? extent : 1)) };
}

/** The shape of the first input, with the type of the scale. */
const norm: TypeRule = (at) => {
  const element = at.has(1) ? at.element(1) : at.element(0);
  const rest = statistic(at, at.int("stash_type", 1));
  return [at.like(0, { element: element ?? at.element(0) }), rest, rest];
};

const batchNorm: TypeRule = (at) => {
  const channels = at.has(3) ? at.like(3) : undefined;
  return [at.like(0), channels, channels, channels, channels];
};

const dropout: TypeRule = (at) => [at.like(0), at.like(0, { element: at.opset < 10 ? at.element(0) : types.bool })];

const loss: TypeRule = (at) => {
  const isSum = at.text("reduction", "mean") !== "none";
  return [at.like(0, { shape: isSum ? [] : at.info(1).shape }), at.like(0)];
};

const castLike: TypeRule = (at) => [at.like(0, { element: at.element(1) })];

const bitCast: TypeRule = (at) => {
  const bytes = (element: number | undefined) => dataTypes.get(element ?? 0)?.bytes;
  const to = at.int("to", 0);
  if (bytes(to) !== bytes(at.element(0))) decline("its element types differ in size");
  return [at.like(0, { element: to })];
};

const swiGlu = shaped((at) => {
  const x = at.shape(0);
  const last = x.at(-1);
  const half = last === undefined ? undefined : at.extents.floorDivide(last, 2);
  return at.has(1) ? x : [...x.slice(0, -1), half];
});

export const numberTypes: Readonly<Record<string, TypeRule>> = {
  ...each("Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Clip Cos Cosh Elu Erf Exp Floor", likeFirst),
  ...each("Gelu HardSigmoid HardSwish Hardmax LeakyRelu Log LogSoftmax Mish Neg Not PRelu Reciprocal", likeFirst),
  ...each("Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh", likeFirst),
  ...each("ThresholdedRelu GroupNormalization InstanceNormalization LRN LpNormalization", likeFirst),
  ...each("MeanVarianceNormalization RotaryEmbedding", likeFirst),
  ...each("Add Sub Mul Div Mod Max Min Mean Sum BitShift BitwiseAnd BitwiseOr BitwiseXor", broadcasting({ like: 0 })),
  Pow: broadcasting({ like: 0 }),
  Where: broadcasting({ like: 1 }),
  ...each("And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual", broadcasting({ element: types.bool })),
  StringConcat: broadcasting({ element: types.string }),
  ...each("IsInf IsNaN RegexFullMatch", (at) => [at.like(0, { element: types.bool })]),
  ...each("ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin", reduction),
  ...each("ReduceProd ReduceSum ReduceSumSquare", reduction),
  ...each("ArgMax ArgMin", position),
  ...each("LayerNormalization RMSNormalization SimplifiedLayerNormalization", norm),
  BatchNormalization: batchNorm,
  Dropout: dropout,
  Cast: elementOf("to"),
  CastLike: castLike,
  BitCast: bitCast,
  SwiGLU: swiGlu,
  ...each("Bernoulli RandomNormalLike RandomUniformLike", elementOf("dtype")),
  ...each("NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss", loss),
};

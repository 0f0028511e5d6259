/** Type inference for recurrent networks, quantization, signals, sequences, and ops without a better place. */

import { types } from "../data-types.ts";
import { add, type Extent, multiply, subtract, sum } from "../extent.ts";
import { broadcast } from "./shapes.ts";
import { decline, each, likeFirst, shaped, type Typed, type TypeRule, type TypeView } from "./view.ts";

/** The outputs of all steps, `[steps, directions, batch, hidden]` or with the batch first, and the last state. */
const recurrent: TypeRule = (at) => recurrentOf(at, { LSTM: 4, GRU: 3, RNN: 1 }[at.node.opType] ?? 1);

function recurrentOf(at: TypeView, gates: number): readonly Typed[] {
  const x = at.shape(0);
  const hidden = at.hasAttribute("hidden_size")
    ? at.int("hidden_size", 1)
    : (at.shape(2)[2] ?? at.extents.floorDivide(at.shape(1)[1] as Extent, gates));
  const directions = at.text("direction", "forward") === "bidirectional" ? 2 : 1;
  const isBatchFirst = at.int("layout", 0) === 1;
  const [steps, batch] = (isBatchFirst ? [x[1], x[0]] : [x[0], x[1]]) as [Extent, Extent];
  const state = at.like(0, { shape: isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden] });
  const y = isBatchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
  return [at.like(0, { shape: y }), state, state];
}

const quantize: TypeRule = (at) => {
  const zero = at.has(2) ? at.element(2) : undefined;
  const wanted = at.int("output_dtype", 0);
  return [at.like(0, { element: zero ?? (wanted === 0 ? types.uint8 : wanted) })];
};

const dequantize: TypeRule = (at) => {
  const wanted = at.int("output_dtype", 0);
  return [at.like(0, { element: wanted === 0 ? at.element(1) : wanted })];
};

const dynamicQuantize: TypeRule = (at) => [
  at.like(0, { element: types.uint8 }),
  { element: types.float, shape: [] },
  { element: types.uint8, shape: [] },
];

/** Type and shape are attributes. */
const random: TypeRule = (at) => [{ element: at.int("dtype", 1), shape: at.ints("shape") }];

const multinomial: TypeRule = (at) => [
  { element: at.int("dtype", types.int32), shape: [at.shape(0)[0], at.int("sample_size", 1)] },
];

const window: TypeRule = (at) => [{ element: at.int("output_datatype", 1), shape: [at.itemsIfKnown(0)?.[0]] }];

const melWeights: TypeRule = (at) => {
  const [bins, size] = [at.itemsIfKnown(0)?.[0], at.itemsIfKnown(1)?.[0]];
  const spectrum = size === undefined ? undefined : add(at.extents.floorDivide(size, 2), 1);
  return [{ element: at.int("output_datatype", 1), shape: [spectrum, bins] }];
};

/** Real signals have one-sided spectra. The last axis holds real and imaginary parts, or real parts alone. */
const dft = shaped((at) => {
  const x = at.shape(0);
  const [isOneSided, isInverse] = [at.int("onesided", 0) === 1, at.int("inverse", 0) === 1];
  const given = at.opset < 20 ? at.int("axis", 1) : at.has(2) ? at.constantItems(2)?.[0] : -2;
  if (given === undefined) return x.map(() => undefined);
  const axis = at.axis(given, x.length);
  const length = at.has(1) ? at.itemsIfKnown(1)?.[0] : x[axis];
  const half = length === undefined ? undefined : add(at.extents.floorDivide(length, 2), 1);
  const [last, isHalf, isWhole] = [isOneSided && isInverse ? 1 : 2, isOneSided && !isInverse, isOneSided && isInverse];
  // The inverse of a one-sided spectrum is the whole signal; its length is even unless it is given.
  const whole = isWhole && !at.has(1) && length !== undefined ? multiply(subtract(length, 1), 2) : length;
  const shape = x.map((extent, i) => (i === axis ? (isHalf ? half : whole) : extent));
  return shape.with(-1, last);
});

const stft = shaped((at) => {
  const [batch, samples] = at.shape(0);
  const step = at.constantItems(1)?.[0];
  const size = at.has(2) ? at.shape(2)[0] : at.itemsIfKnown(3)?.[0];
  const isKnown = samples !== undefined && step !== undefined && size !== undefined;
  const frames = isKnown ? add(at.extents.floorDivide(subtract(samples, size), step), 1) : undefined;
  const half = size === undefined ? undefined : add(at.extents.floorDivide(size, 2), 1);
  return [batch, frames, at.int("onesided", 1) === 1 ? half : size, 2];
});

const sequenceOf = (at: TypeView, index: number): Typed => at.like(index, { isSequence: true });
const oneOf = (at: TypeView, index: number): Typed => at.like(index, { isSequence: false });

/** All pieces have extent 1 along the axis if the node does not give their lengths. */
const splitToSequence: TypeRule = (at) => {
  const x = at.shape(0);
  const axis = at.axis(at.int("axis", 0), x.length);
  const drops = !at.has(1) && at.int("keepdims", 1) === 0;
  const given = at.has(1) ? undefined : 1;
  const shape = drops ? x.filter((_, i) => i !== axis) : x.map((extent, i) => (i === axis ? given : extent));
  return [at.like(0, { shape, isSequence: true })];
};

const concatSequence: TypeRule = (at) => {
  const x = at.shape(0);
  const isNew = at.int("new_axis", 0) === 1;
  const axis = at.axis(at.int("axis", 0), x.length + (isNew ? 1 : 0));
  const shape = isNew
    ? [...x.slice(0, axis), undefined, ...x.slice(axis)]
    : x.map((e, i) => (i === axis ? undefined : e));
  return [at.like(0, { shape, isSequence: false })];
};

const stringSplit: TypeRule = (at) => {
  const x = at.shape(0);
  return [at.like(0, { shape: [...x, undefined] }), { element: types.int64, shape: x }];
};

const tfIdf: TypeRule = (at) => {
  const x = at.shape(0);
  const indexes = at.ints("ngram_indexes") ?? decline("it has no attribute `ngram_indexes`");
  return [{ element: types.float, shape: [...x.slice(0, -1), indexes.reduce((a, b) => Math.max(a, b), 0) + 1] }];
};

const sequenceMap: TypeRule = (at) => {
  const inputs = Array.from({ length: at.inputCount }, (_, i) => oneOf(at, i));
  const known = inputs.map((input) => ({ ...input, shape: at.info(inputs.indexOf(input)).shape }));
  return at.body("body", known).map((output) => output && { ...output, items: undefined, isSequence: true });
};

export const otherTypes: Readonly<Record<string, TypeRule>> = {
  ...each("LSTM GRU RNN", recurrent),
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamicQuantize,
  ...each("RandomNormal RandomUniform", random),
  Multinomial: multinomial,
  ...each("BlackmanWindow HammingWindow HannWindow", window),
  MelWeightMatrix: melWeights,
  DFT: dft,
  STFT: stft,
  NonMaxSuppression: () => [{ element: types.int64, shape: [undefined, 3] }],
  SequenceConstruct: (at) => [{ ...sequenceOf(at, 0), shape: at.inputCount === 1 ? at.info(0).shape : undefined }],
  SequenceEmpty: (at) => [{ element: at.int("dtype", 1), shape: undefined, isSequence: true }],
  SequenceInsert: (at) => [{ ...sequenceOf(at, 1), shape: undefined }],
  SequenceErase: (at) => [sequenceOf(at, 0)],
  SequenceAt: (at) => [oneOf(at, 0)],
  SequenceLength: () => [{ element: types.int64, shape: [] }],
  SequenceMap: sequenceMap,
  SplitToSequence: splitToSequence,
  ConcatFromSequence: concatSequence,
  ...each("Optional OptionalGetElement", (at) => [
    at.like(0, at.has(0) ? { isSequence: at.info(0).isSequence ?? false } : {}),
  ]),
  OptionalHasElement: () => [{ element: types.bool, shape: [] }],
  ImageDecoder: (at) => [
    { element: types.uint8, shape: [undefined, undefined, at.text("pixel_format", "RGB") === "Grayscale" ? 1 : 3] },
  ],
  StringNormalizer: shaped((at) => at.shape(0).map((extent, i, { length }) => (i === length - 1 ? undefined : extent))),
  StringSplit: stringSplit,
  TfIdfVectorizer: tfIdf,
};

const embedLayerNorm: TypeRule = (at) => {
  const [b, s] = at.shape(0);
  const wordTable = at.shape(2);
  const sum = at.like(2, { shape: [b, s, wordTable[1]] });
  return [sum, { element: types.int32, shape: [b] }, sum];
};

const skipNorm: TypeRule = (at) => {
  const x = at.info(0).shape;
  const statistic = { element: types.float, shape: x?.map((extent, i) => (i === x.length - 1 ? 1 : extent)) };
  return [at.like(0), statistic, statistic, at.like(0)];
};

const biasSplitGelu = shaped((at) => {
  const x = at.shape(0);
  return x.with(-1, at.extents.floorDivide(x.at(-1) as Extent, 2));
});

const nhwcPool = shaped((at) => {
  const x = at.shape(0);
  return x.map((extent, i) => (i === 0 || i === x.length - 1 ? extent : 1));
});

const qLinearConcat: TypeRule = (at) => {
  const shapes = at.node.inputs.flatMap((_, i) => (i >= 2 && (i - 2) % 3 === 0 ? [at.shape(i)] : []));
  const [first] = shapes;
  if (first === undefined) decline("it has no inputs");
  const axis = at.axis(at.int("axis", 0), first.length);
  const along = sum(shapes.map((shape) => shape[axis] as Extent));
  return [{ element: at.element(1), shape: first.map((extent, i) => (i === axis ? along : extent)) }];
};

const gatherBlocks: TypeRule = (at) => {
  const [x, ids] = [at.shape(0), at.shape(1)];
  const axis = at.axis(at.int("gather_axis", 0), x.length);
  const packed = at.element(0) === types.uint8 ? 8 / at.int("bits", 4) : 1;
  const shape = x.map((extent, i) => (i === x.length - 1 ? multiply(extent, packed) : extent));
  return [{ element: at.element(2), shape: [...shape.slice(0, axis), ...ids, ...shape.slice(axis + 1)] }];
};

const unfold = shaped((at) => {
  const x = at.shape(0);
  const axis = at.axis(at.int("dim", -1), x.length);
  const [size, step] = [at.int("size", 1), at.int("step", 1)];
  const count = add(at.extents.floorDivide(subtract(x[axis] as Extent, size), step), 1);
  return [...x.with(axis, count), size];
});

export const otherTypesOfMicrosoft: Readonly<Record<string, TypeRule>> = {
  ...each("BiasGelu FastGelu Gelu QuickGelu RotaryEmbedding GroupNorm BiasSoftmax Inverse BiasAdd Trilu", likeFirst),
  ...each("QLinearSigmoid QLinearSoftmax QLinearLeakyRelu MoE QMoE", likeFirst),
  BiasDropout: (at) => [at.like(0), at.like(0, { element: types.bool })],
  ...each(
    "QLinearAdd QLinearMul",
    shaped((at) => broadcast(at, [at.shape(0), at.shape(3)])),
  ),
  QLinearWhere: (at) => [at.like(1, { shape: broadcast(at, [at.shape(0), at.shape(1), at.shape(4)]) })],
  DynamicQuantizeLSTM: (at) => [...recurrentOf(at, 4)],
  SkipGroupNorm: (at) => [at.like(0), at.like(0)],
  EmbedLayerNormalization: embedLayerNorm,
  ...each("SkipLayerNormalization SkipSimplifiedLayerNormalization", skipNorm),
  SimplifiedLayerNormalization: (at) => [at.like(0)],
  BiasSplitGelu: biasSplitGelu,
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  QLinearConcat: qLinearConcat,
  QLinearGlobalAveragePool: (at) =>
    at.int("channels_last", 0) === 1
      ? nhwcPool(at)
      : [at.like(0, { shape: at.shape(0).map((extent, i) => (i < 2 ? extent : 1)) })],
  GatherBlockQuantized: gatherBlocks,
  UnfoldTensor: unfold,
  ExpandDims: (at) => {
    const x = at.shape(0);
    const given = at.constantItems(1)?.[0] ?? decline("its axis is not a constant");
    const axis = at.axis(given, x.length + 1);
    return [at.like(0, { shape: [...x.slice(0, axis), 1, ...x.slice(axis)] })];
  },
};

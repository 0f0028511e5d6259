/**
 * Types of the results of nodes that are kept as they are, as far as they follow from those of the inputs: what comes
 * after a convolution is of use only if its shape is known.
 */

import type { Value } from "../ir/ir.ts";
import type { Dim, ElementType } from "../ir/types.ts";
import { dataTypes } from "./data-types.ts";
import type { Extent } from "./dimensions.ts";
import { type Item, mostItems } from "./known.ts";
import { Declined, decline, type NodeView } from "./node.ts";
import { broadcasting, comparisons } from "./rules/elementwise.ts";
import { reducedAxes, reductionKinds } from "./rules/reductions.ts";

export interface ExternType {
  /** `undefined` where the file must say it. */
  readonly element: ElementType | undefined;
  readonly shape: readonly Extent[];
}

export interface ExternTypes {
  readonly types: readonly (ExternType | undefined)[];
  /** What the first result holds. */
  readonly items?: readonly Item[];
}

type TypeRule = (at: NodeView) => ExternTypes;

const one = (element: ElementType | undefined, shape: readonly Extent[]): ExternTypes => ({
  types: [{ element, shape }],
});

const like =
  (index: number): TypeRule =>
  (at) => {
    const { element, shape } = at.input(index);
    return one(element, shape);
  };

/** What windows of `size` that begin every `stride` elements make of an extent with `padding` on both sides together. */
function windows(extent: Dim, size: number, stride: number, padding: number, isCeil: boolean): Extent {
  const rest = padding - size;
  const round = isCeil ? Math.ceil : Math.floor;
  if (typeof extent === "number") return Math.max(0, round((extent + rest) / stride) + 1);
  if (stride === 1 && rest === -1) return extent;
  return { made: `${isCeil ? "ceil" : "floor"}((${extent} + ${rest}) / ${stride}) + 1` };
}

/** How many dimensions come after batch and channels. */
function spatialRank(x: Value): number {
  return x.shape.length < 3 ? decline("its input has no spatial dimensions") : x.shape.length - 2;
}

/** The spatial dimensions after a convolution or a pooling with a window of `kernel`. */
function spatial(at: NodeView, x: Value, kernel: readonly number[]): Extent[] {
  const count = spatialRank(x);
  const all = (name: string, other: number) => at.ints(name) ?? new Array<number>(count).fill(other);
  const [strides, dilations] = [all("strides", 1), all("dilations", 1)];
  const pads = at.ints("pads") ?? new Array<number>(2 * count).fill(0);
  const auto = at.text("auto_pad", "NOTSET");
  return x.shape.slice(2).map((extent, i) => {
    const [stride, dilation] = [strides[i] ?? 1, dilations[i] ?? 1];
    const size = dilation * ((kernel[i] ?? 1) - 1) + 1;
    // SAME: as many windows as strides fit into the extent, a part of one counted as one.
    if (auto.startsWith("SAME")) return windows(extent, stride, stride, stride - 1, false);
    const padding = auto === "VALID" ? 0 : (pads[i] ?? 0) + (pads[i + count] ?? 0);
    return windows(extent, size, stride, padding, at.int("ceil_mode", 0) === 1);
  });
}

const numeric = (dims: readonly (Dim | undefined)[]): number[] =>
  dims.map((dim) => (typeof dim === "number" ? dim : decline("its window has no numbers")));

const conv: TypeRule = (at) => {
  const [x, weight] = [at.input(0), at.input(1)];
  return one(x.element, [x.shape[0], weight.shape[0], ...spatial(at, x, numeric(weight.shape.slice(2)))]);
};

/** The inverse of a convolution's arithmetic. */
const convTranspose: TypeRule = (at) => {
  const [x, weight] = [at.input(0), at.input(1)];
  const count = spatialRank(x);
  const all = (name: string, other: number, length = count) => at.ints(name) ?? new Array<number>(length).fill(other);
  const [strides, dilations, more] = [all("strides", 1), all("dilations", 1), all("output_padding", 0)];
  const pads = all("pads", 0, 2 * count);
  if (at.ints("output_shape") !== undefined || at.text("auto_pad", "NOTSET") !== "NOTSET")
    decline("it is padded by itself");
  const [channels] = numeric([weight.shape[1]]) as [number];
  const kernel = numeric(weight.shape.slice(2));
  const dims = x.shape.slice(2).map((extent, i): Extent => {
    const stride = strides[i] ?? 1;
    const size = (dilations[i] ?? 1) * ((kernel[i] ?? 1) - 1) + 1;
    const rest = size + (more[i] ?? 0) - stride - (pads[i] ?? 0) - (pads[i + count] ?? 0);
    return multiple(extent, stride, rest);
  });
  return one(x.element, [x.shape[0], channels * at.int("group", 1), ...dims]);
};

/** floor(extent * factor) + more. */
function multiple(extent: Dim, factor: number, more = 0): Extent {
  if (typeof extent === "number") return Math.floor(extent * factor) + more;
  return factor === 1 && more === 0 ? extent : { made: `floor(${extent} * ${factor}) + ${more}` };
}

/** By scales, or to sizes. */
const resize: TypeRule = (at) => {
  const x = at.input(0);
  const isOld = at.opset < 11 || at.node.opType === "Upsample";
  const sizes = !isOld && at.has(3) ? at.itemsIfKnown(3) : undefined;
  const scales = at.numbers(isOld ? 1 : 2);
  const isWhole = at.ints("axes") === undefined;
  const fits = isWhole && (sizes ?? scales)?.length === x.shape.length;
  return one(
    x.element,
    x.shape.map((dim, i) => (fits ? (sizes?.[i] ?? (scales && multiple(dim, scales[i] as number))) : undefined)),
  );
};

const pool: TypeRule = (at) => {
  const x = at.input(0);
  const shape = [...x.shape.slice(0, 2), ...spatial(at, x, at.ints("kernel_shape") ?? decline("it has no window"))];
  return {
    types: [
      { element: x.element, shape },
      { element: "i32", shape },
    ],
  };
};

const globalPool: TypeRule = (at) => {
  const x = at.input(0);
  return one(x.element, [...x.shape.slice(0, 2), ...x.shape.slice(2).map(() => 1)]);
};

const shapeOf: TypeRule = (at) => {
  const { shape } = at.input(0);
  const from = (given: number) => (given < 0 ? given + shape.length : given);
  const items = shape.slice(from(at.int("start", 0)), from(at.int("end", shape.length)));
  return { ...one("i32", [items.length]), items };
};

/** Dimensions that broadcast: where two names meet, the result has that of the one which is not 1, whichever it is. */
function together(shapes: readonly (readonly Dim[])[]): Extent[] {
  const rank = shapes.reduce((most, shape) => Math.max(most, shape.length), 0);
  return Array.from({ length: rank }, (_, i): Extent => {
    const dims = new Set(shapes.map((shape) => shape[i - rank + shape.length] ?? 1).filter((dim) => dim !== 1));
    const numbers = [...dims].filter((dim) => typeof dim === "number");
    if (dims.size === 0) return 1;
    if (numbers.length === 1) return numbers[0];
    return dims.size === 1 ? [...dims][0] : { made: `together ${[...dims].sort().join(" ")}` };
  });
}

const broadcast: TypeRule = (at) => {
  const inputs = Array.from({ length: at.inputCount }, (_, i) => at.input(i));
  const element = comparisons.has(at.node.opType) ? "bool" : inputs.at(-1)?.element;
  return one(at.node.opType === "Pow" ? inputs[0]?.element : element, together(inputs.map(({ shape }) => shape)));
};

const reduction: TypeRule = (at) => {
  const x = at.input(0);
  const { axes, keepdims } = reducedAxes(at, reductionKinds[at.node.opType]?.attributeUpTo ?? 17);
  const kept = x.shape.map((dim, i) => (axes.includes(i) ? (keepdims ? 1 : undefined) : dim));
  return one(x.element, keepdims ? kept : kept.filter((_, i) => !axes.includes(i)));
};

const position: TypeRule = (at) => {
  const x = at.input(0);
  const axis = at.axis(at.int("axis", 0), x.shape.length);
  const shape = at.int("keepdims", 1) === 1 ? x.shape.with(axis, 1) : x.shape.toSpliced(axis, 1);
  return one("i32", shape);
};

/** The items of an input that is a shape; its length is the rank where they are not known. */
function extentsOf(at: NodeView, index: number): Extent[] {
  const given = at.input(index);
  const items = at.itemsIfKnown(index);
  const rank = given.shape[0];
  const isRank = typeof rank === "number" && rank <= mostItems;
  if (items === undefined && !isRank) decline("its rank is not known");
  return (items ?? new Array<Item>(rank as number).fill(undefined)).map((item) => (item === -1 ? undefined : item));
}

const reshape: TypeRule = (at) => {
  const x = at.input(0);
  return one(
    x.element,
    extentsOf(at, 1).map((extent, i) => (extent === 0 && at.int("allowzero", 0) === 0 ? x.shape[i] : extent)),
  );
};

const filled: TypeRule = (at) => {
  const shape = extentsOf(at, 0);
  const value = at.tensorAttribute("value");
  const element = value === undefined ? "f32" : dataTypes.get(value.dataType)?.element;
  return one(element, shape);
};

const gather: TypeRule = (at) => {
  const [x, ids] = [at.input(0), at.input(1)];
  const axis = at.axis(at.int("axis", 0), x.shape.length);
  return one(x.element, [...x.shape.slice(0, axis), ...ids.shape, ...x.shape.slice(axis + 1)]);
};

/** Like the first input but for an axis of which the extent is not known. */
const openAlong: TypeRule = (at) => {
  const x = at.input(0);
  const axis = at.axis(at.int("axis", 0), x.shape.length);
  return {
    types: at.node.outputs.map(() => ({
      element: x.element,
      shape: x.shape.map((dim, i) => (i === axis ? undefined : dim)),
    })),
  };
};

const slice: TypeRule = (at) => {
  const x = at.input(0);
  const axes = at.opset < 10 ? at.ints("axes") : at.has(3) ? at.integers(3) : undefined;
  const cut = axes === undefined ? [...x.shape.keys()] : at.axes(axes, x.shape.length);
  return one(
    x.element,
    x.shape.map((dim, i) => (cut.includes(i) ? undefined : dim)),
  );
};

const sameRank: TypeRule = (at) => {
  const x = at.input(0);
  return one(
    x.element,
    x.shape.map(() => undefined),
  );
};

const matmul: TypeRule = (at) => {
  const [a, b] = [at.input(0), at.input(1)];
  if (a.shape.length < 2 || b.shape.length < 2) decline("it multiplies vectors");
  return one(a.element, [...together([a.shape.slice(0, -2), b.shape.slice(0, -2)]), a.shape.at(-2), b.shape.at(-1)]);
};

/** In the shape of the first input, and the type of its scale. */
const scaled: TypeRule = (at) => one(at.input(1).element, at.input(0).shape);

const table = (names: readonly string[], rule: TypeRule) => names.map((name) => [name, rule] as const);

const likeFirst = [
  ...["BatchNormalization", "LRN", "Dropout", "Selu", "Celu", "ThresholdedRelu", "Mish", "Shrink", "Softsign", "Swish"],
  ...[
    "GroupNormalization",
    "InstanceNormalization",
    "LpNormalization",
    "MeanVarianceNormalization",
    "SkipLayerNormalization",
  ],
  ...["SkipSimplifiedLayerNormalization", "Softmax", "LogSoftmax", "Hardmax", "Clip", "HardSigmoid", "Gelu", "Elu"],
  ...["LeakyRelu", "CumSum", "Trilu", "Sinh", "Cosh", "Asin", "Acos", "Atan", "Asinh", "Acosh", "Atanh", "Identity"],
  ...["RotaryEmbedding", "ScatterND", "ScatterElements", "BitwiseNot", "FastGelu", "BiasGelu", "QuickGelu"],
];

const typeRules: ReadonlyMap<string, TypeRule> = new Map<string, TypeRule>([
  ...table(likeFirst, like(0)),
  ...table(["LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"], scaled),
  ...table([...broadcasting], broadcast),
  ...table([...Object.keys(reductionKinds), "ReduceLogSum", "ReduceLogSumExp"], reduction),
  ...table(["MaxPool", "AveragePool", "LpPool"], pool),
  ...table(["GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"], globalPool),
  ...table(["ArgMax", "ArgMin"], position),
  ...table(["Concat", "Split"], openAlong),
  ...table(["Resize", "Upsample"], resize),
  ...table(["Pad", "Tile"], sameRank),
  ...table(["IsNaN", "IsInf"], (at) => one("bool", at.input(0).shape)),
  ["Conv", conv],
  ["ConvTranspose", convTranspose],
  ["Shape", shapeOf],
  ["Size", () => one("i32", [])],
  ["Reshape", reshape],
  ["Expand", (at) => one(at.input(0).element, together([at.input(0).shape, at.items(1) as Dim[]]))],
  ["ConstantOfShape", filled],
  ["Gather", gather],
  ["GatherElements", (at) => one(at.input(0).element, at.input(1).shape)],
  ["Slice", slice],
  ["Range", (at) => one(at.input(0).element, [undefined])],
  ["NonZero", (at) => one("i32", [at.input(0).shape.length, undefined])],
  ["MatMul", matmul],
  ["Cast", (at) => one(dataTypes.get(at.int("to", 0))?.element, at.input(0).shape)],
]);

/** A type for each result of which one is known; nothing where the file must say it. */
export function externTypes(at: NodeView): ExternTypes {
  const { domain, opType } = at.node;
  const rule = domain === "" || domain === "com.microsoft" ? typeRules.get(opType) : undefined;
  if (rule === undefined) return { types: [] };
  try {
    return rule(at);
  } catch (caught) {
    if (caught instanceof Declined) return { types: [] };
    throw caught;
  }
}

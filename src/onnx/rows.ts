/**
 * The effect of nodes that remain `extern` ops on rows. For many of them, each row of the result is a linear combination
 * of rows of some inputs, which is all that a proof about row means needs. Axes are counted from the end, so that they are
 * the same in the result and in the inputs.
 */

import { type Extent, isSame } from "./extent.ts";
import { cuts } from "./types/shapes.ts";
import { type TensorInfo, type TypeView, tried } from "./types/view.ts";

interface RowFact {
  /** Indices of the inputs whose rows are combined. */
  readonly inputs: readonly number[];
  /** The axes along whose rows this holds. */
  readonly kept: readonly number[];
}

type Shape = readonly Extent[];
type RowRule = (at: TypeView, result: Shape) => RowFact | undefined;

const fromEnd = (count: number) => Array.from({ length: count }, (_, i) => -1 - i);

/** The axes along which two shapes have the same extent. */
function sameAxes(a: Shape, b: Shape): number[] {
  return fromEnd(Math.min(a.length, b.length)).filter((axis) => isSame(a.at(axis) as Extent, b.at(axis) as Extent));
}

/** All axes but those that are `named`, which are counted from the front. */
const others = (named: readonly number[], rank: number) => fromEnd(rank).filter((axis) => !named.includes(axis + rank));

/** A change of shape does not split the trailing axes whose extents are the same. */
const regrouped: RowRule = (at, result) => {
  const x = at.shape(0);
  const same = sameAxes(x, result);
  const first = fromEnd(Math.max(x.length, result.length)).findIndex((axis) => !same.includes(axis));
  return { inputs: [0], kept: first < 0 ? same : fromEnd(first) };
};

const slice: RowRule = (at) => {
  const { length } = at.shape(0);
  return {
    inputs: [0],
    kept: others(
      cuts(at, length).map(({ axis }) => axis),
      length,
    ),
  };
};

const gather: RowRule = (at) => {
  const { length } = at.shape(0);
  const axis = at.axis(at.int("axis", 0), length);
  // Axes before it keep their distance from the end only if one axis of indices replaces it.
  return { inputs: [0], kept: at.shape(1).length === 1 ? others([axis], length) : fromEnd(length - axis - 1) };
};

/** The axes behind those that are indexed. */
const behindIndices = (at: TypeView, batch: number): number[] => {
  const count = at.shape(1).at(-1);
  return typeof count === "number" ? fromEnd(Math.max(0, at.shape(0).length - batch - count)) : [];
};

/** Repeats along the axes whose extents differ. */
const repeated: RowRule = (at, result) => ({ inputs: [0], kept: sameAxes(at.shape(0), result) });

/** Padding by zeros, or by elements of the input. */
const pad: RowRule = (at, result) => {
  const mode = at.text("mode", "constant");
  const isZero = at.opset < 11 ? at.float("value", 0) === 0 : !at.has(2) || at.constantItems(2)?.[0] === 0;
  return mode !== "constant" || isZero ? { inputs: [0], kept: sameAxes(at.shape(0), result) } : undefined;
};

const resize: RowRule = (at, result) => {
  const isCut = at.text("coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";
  return isCut ? undefined : { inputs: [0], kept: sameAxes(at.shape(0), result) };
};

const joined: RowRule = (at) => {
  const { length } = at.shape(0);
  const inputs = at.shapes().map((_, i) => i);
  return { inputs, kept: others([at.axis(at.int("axis", 0), length)], length) };
};

/** The shape, or if the rank is unknown, the last extent. */
const ending = ({ shape, last }: TensorInfo): Shape | undefined => shape ?? (last === undefined ? undefined : [last]);
const endingOf = (at: TypeView, input: number): Shape => ending(at.info(input)) ?? at.shape(input);

/** The axes along which all of these inputs have the extents of the result. */
function common(at: TypeView, inputs: readonly number[], result: Shape): number[] {
  return fromEnd(result.length).filter((axis) => inputs.every((i) => sameAxes(endingOf(at, i), result).includes(axis)));
}

const sum: RowRule = (at, result) => {
  const inputs = Array.from({ length: at.inputCount }, (_, i) => i);
  return { inputs, kept: common(at, inputs, result) };
};

/** Whether a tensor of this shape is constant along an axis. */
const isConstant = (shape: Shape) => (axis: number) => (shape.at(axis) ?? 1) === 1;

/** A product by a factor that is constant along the row. */
const scaled =
  (candidates: readonly number[]): RowRule =>
  (at, result) => {
    const facts = candidates.map((x): RowFact => {
      return { inputs: [x], kept: common(at, [x], result).filter(isConstant(endingOf(at, 1 - x))) };
    });
    return facts.find(({ kept }) => kept.length > 0);
  };

const where: RowRule = (at, result) => ({
  inputs: [1, 2],
  kept: common(at, [1, 2], result).filter(isConstant(endingOf(at, 0))),
});

/** The rows of a product are linear combinations of the rows of the second factor. */
const product: RowRule = (at) => (at.shape(1).length > 1 ? { inputs: [1], kept: [-1] } : undefined);

const scatter: RowRule = (at) => {
  const isSum = ["none", "add"].includes(at.text("reduction", "none"));
  return isSum ? { inputs: [0, 2], kept: behindIndices(at, 0) } : undefined;
};

/** Ops that mix positions, but not channels: the second axis. */
const overSpace: RowRule = (at) => {
  const { length } = at.shape(0);
  return length > 2 ? { inputs: [0], kept: [1 - length] } : undefined;
};

const rowRules: ReadonlyMap<string, RowRule> = new Map<string, RowRule>([
  ...["Reshape", "Flatten", "Squeeze", "Unsqueeze"].map((name) => [name, regrouped] as const),
  ["Slice", slice],
  ["Gather", gather],
  ["GatherND", (at) => ({ inputs: [0], kept: behindIndices(at, at.int("batch_dims", 0)) })],
  ["Expand", repeated],
  ["Tile", repeated],
  ["Pad", pad],
  ["Resize", resize],
  ["Upsample", repeated],
  ["Concat", joined],
  ...["Add", "Sub", "Sum", "Mean"].map((name) => [name, sum] as const),
  ["Mul", scaled([0, 1])],
  ["Div", scaled([0])],
  ["Where", where],
  ["MatMul", product],
  ["ScatterND", scatter],
  ["AveragePool", overSpace],
  ["GlobalAveragePool", overSpace],
  ["GridSample", overSpace],
]);

/** The inputs whose rows the first result's rows combine, and along which axes. */
export function rowsOf(at: TypeView, info: TensorInfo): RowFact | undefined {
  const result = ending(info);
  const rule = at.node.domain === "" ? rowRules.get(at.node.opType) : undefined;
  if (rule === undefined || result === undefined || at.node.outputs.length > 1) return undefined;
  const fact = tried(() => rule(at, result));
  if (fact === undefined || fact.kept.length === 0) return undefined;
  // If a combined input is also another operand, centering it would change that operand too.
  const names = new Set(fact.inputs.map((i) => at.node.inputs[i]));
  const isOtherOperand = at.node.inputs.some((name, i) => names.has(name) && !fact.inputs.includes(i));
  return isOtherOperand ? undefined : fact;
}

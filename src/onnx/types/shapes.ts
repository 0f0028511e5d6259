/** Type inference for reshapes, permutations, slices, concatenations and gathers. */

import { types } from "../data-types.ts";
import { add, divideExactly, type Extent, isSame, least, multiply, subtract, sum } from "../extent.ts";
import type { NodeProto } from "../messages.ts";
import {
  decline,
  each,
  type Item,
  likeFirst,
  mostItems,
  shaped,
  type Typed,
  type TypeRule,
  type TypeView,
} from "./view.ts";

type Extents = readonly (Extent | undefined)[];

/** The extents in an input that is a shape; if they are unknown, the length of the input is still the rank. */
export function extentsOf(at: TypeView, index: number): (Extent | undefined)[] {
  const items = at.itemsIfKnown(index);
  if (items !== undefined) return [...items];
  const [rank] = at.shape(index);
  return typeof rank === "number" && rank <= mostItems
    ? new Array<undefined>(rank).fill(undefined)
    : decline("the rank of its result is not known");
}

/** The extent that -1 stands for: the number of elements divided by the other extents. */
function missing(at: TypeView, all: readonly Extent[], others: Extents): Extent | undefined {
  if (others.includes(undefined)) return undefined;
  const [top, bottom] = withoutCommon(all, others as Extent[]);
  const exact = divideExactly(top, bottom);
  return exact ?? (least(bottom) > 0 ? at.extents.floorDivide(top, bottom) : undefined);
}

/** Two products without their common factors, so that large polynomials need not be multiplied out. */
function withoutCommon(a: readonly Extent[], b: readonly Extent[]): [Extent, Extent] {
  const top = [...a];
  const bottom = b.filter((extent) => {
    const at = extent === 0 ? -1 : top.findIndex((other) => isSame(other, extent));
    if (at >= 0) top.splice(at, 1);
    return at < 0;
  });
  return [multiply(...top), multiply(...bottom)];
}

/** In the shape, 0 keeps an extent of the input; -1, or a single unknown extent, follows from the number of elements. */
const reshape = shaped((at) => {
  const given = at.opset < 5 ? (at.ints("shape") ?? decline("it has no attribute `shape`")) : extentsOf(at, 1);
  const x = at.info(0).shape;
  const allowsZero = at.int("allowzero", 0) === 1;
  const wanted = given.map((item, i) => (item === 0 && !allowsZero ? x?.[i] : item));
  const open = wanted.flatMap((item, i) => (item === -1 ? [i] : []));
  const unknown = wanted.flatMap((item, i) => (item === undefined ? [i] : []));
  const [left] = open.length > 0 ? open : unknown;
  const isFound = left !== undefined && open.length + unknown.length === 1 && x !== undefined;
  const found = isFound ? missing(at, x, wanted.toSpliced(left, 1)) : undefined;
  return wanted.map((item, i) => (i === left ? found : item === -1 ? undefined : item));
});

const flatten = shaped((at) => {
  const x = at.shape(0);
  const given = at.int("axis", 1);
  const axis = given < 0 ? given + x.length : given;
  return [multiply(...x.slice(0, axis)), multiply(...x.slice(axis))];
});

const transpose = shaped((at) => {
  const x = at.shape(0);
  const perm = at.ints("perm") ?? [...x.keys()].reverse();
  return perm.map((axis) => x[at.axis(axis, x.length)]);
});

const unsqueeze = shaped((at) => {
  const x = at.shape(0);
  const given = at.axesOf(12, 1) ?? decline("it has no axes");
  const rank = x.length + given.length;
  const axes = new Set(at.axes(given, rank));
  const inner = [...x];
  return Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : inner.shift()));
});

const squeeze = shaped((at) => {
  const x = at.shape(0);
  const given = at.axesOf(12, 1);
  const axes = new Set(at.axes(given ?? [], x.length));
  const isOpen = (extent: Extent) => typeof extent !== "number";
  if (given === undefined && x.some(isOpen)) decline("which of its extents are 1 is not known");
  return x.filter((extent, i) => (given === undefined ? extent !== 1 : !axes.has(i)));
});

const concat = shaped((at) => {
  const shapes = at.shapes();
  const rank = shapes[0]?.length ?? 0;
  const axis = at.axis(at.int("axis", 0), rank);
  if (shapes.some((shape) => shape.length !== rank)) decline("its inputs have different ranks");
  return joined(shapes, axis);
});

/** Extents add up along the axis; for any other axis, a number from one piece is preferred to a symbol. */
function joined(shapes: readonly (readonly Extent[])[], axis: number): Extent[] {
  const [first] = shapes as [readonly Extent[]];
  return first.map((extent, i) => {
    const all = shapes.map((shape) => shape[i] as Extent);
    return i === axis ? sum(all) : (all.find((one) => typeof one === "number") ?? extent);
  });
}

/** An end that exceeds any extent, and so means "to the end". */
const farEnd = 2 ** 31 - 1;

/** The number of elements in a slice of an axis. */
function sliced(at: TypeView, extent: Extent, start: Item, end: Item, step: Item): Extent | undefined {
  if (start === undefined || end === undefined || typeof step !== "number" || step === 0) return undefined;
  const { extents } = at;
  const inside = (position: Extent, low: Extent, high: Extent) => {
    if (typeof position === "number" && position >= farEnd) return high;
    if (typeof position === "number" && position <= -farEnd) return low;
    const isNegative = typeof position === "number" ? position < 0 : least(position) === -Infinity && isBelow(position);
    const counted = isNegative ? add(position, extent) : position;
    return extents.maximum(low, extents.minimum(counted, high));
  };
  if (step > 0) {
    const [from, to] = [inside(start, 0, extent), inside(end, 0, extent)];
    return extents.maximum(0, extents.ceil(extents.ratio(subtract(to, from), step)));
  }
  const last = subtract(extent, 1);
  const [from, to] = [inside(start, 0, last), inside(end, -1, last)];
  return extents.maximum(0, extents.ceil(extents.ratio(subtract(from, to), -step)));
}

/** Whether a position is known to count from the end. */
const isBelow = (position: Extent) => least(subtract(0, position)) > 0;

/** The start, end and step of each axis that a Slice names. */
export function cuts(at: TypeView, rank: number): { axis: number; start: Item; end: Item; step: Item }[] {
  const isOld = at.opset < 10;
  const list = (name: string, index: number): readonly Item[] | undefined => {
    if (isOld) return at.ints(name);
    return at.has(index) ? (at.itemsIfKnown(index) ?? extentsOf(at, index)) : undefined;
  };
  const starts = list("starts", 1) ?? decline("it has no `starts`");
  const ends = list("ends", 2) ?? decline("it has no `ends`");
  const axes = isOld ? at.ints("axes") : at.has(3) ? at.integers(3) : undefined;
  const steps = isOld ? undefined : list("steps", 4);
  return at.axes(axes ?? [...starts.keys()], rank).map((axis, i) => {
    return { axis, start: starts[i], end: ends[i], step: steps === undefined ? 1 : steps[i] };
  });
}

const slice = shaped((at) => {
  const shape: (Extent | undefined)[] = [...at.shape(0)];
  for (const { axis, start, end, step } of cuts(at, shape.length)) {
    const extent = shape[axis];
    shape[axis] = extent === undefined ? undefined : sliced(at, extent, start, end, step);
  }
  return shape;
});

const split: TypeRule = (at) => {
  const x = at.shape(0);
  const axis = at.axis(at.int("axis", 0), x.length);
  const extent = x[axis] as Extent;
  const count = at.int("num_outputs", at.node.outputs.length);
  const given: readonly Item[] | undefined =
    at.opset < 13 ? at.ints("split") : at.has(1) ? extentsOf(at, 1) : undefined;
  // If the extent is not divisible, the last piece is shorter.
  const equal = at.extents.ceil(at.extents.ratio(extent, count));
  return at.node.outputs.map((_, i) => {
    const isLast = i === count - 1;
    const piece = given === undefined ? (isLast ? subtract(extent, multiply(equal, count - 1)) : equal) : given[i];
    return at.like(0, { shape: x.map((one, j) => (j === axis ? piece : one)) });
  });
};

/** The shape to which these broadcast. */
export function broadcast(at: TypeView, shapes: readonly Extents[]): (Extent | undefined)[] {
  const rank = shapes.reduce((most, shape) => Math.max(most, shape.length), 0);
  return Array.from({ length: rank }, (_, i) => {
    const all = shapes.map((shape) => {
      const from = i - rank + shape.length;
      return from < 0 ? 1 : shape[from];
    });
    const known = all.filter((extent) => extent !== undefined);
    const extent = at.extents.broadcast(known);
    const isSure = known.length === all.length || (typeof extent === "number" && extent > 1);
    return isSure ? extent : undefined;
  });
}

const expand = shaped((at) => broadcast(at, [at.shape(0), extentsOf(at, 1)]));

const tile = shaped((at) => {
  const x = at.shape(0);
  const repeats = extentsOf(at, 1);
  return x.map((extent, i) => {
    const times = repeats[i];
    return times === undefined ? undefined : multiply(extent, times);
  });
});

const gather = shaped((at) => {
  const [x, ids] = [at.shape(0), at.shape(1)];
  const axis = at.axis(at.int("axis", 0), x.length);
  return [...x.slice(0, axis), ...ids, ...x.slice(axis + 1)];
});

const gatherNd = shaped((at) => {
  const [x, ids] = [at.shape(0), at.shape(1)];
  const batch = at.int("batch_dims", 0);
  const count = ids.at(-1);
  if (typeof count !== "number") return undefined;
  return [...ids.slice(0, -1), ...x.slice(batch + count)];
});

const pad = shaped((at) => {
  const x = at.shape(0);
  const isOld = at.opset < 11;
  const given: readonly Item[] = (isOld ? at.ints("pads") : extentsOf(at, 1)) ?? decline("it has no pads");
  const axes = !isOld && at.has(3) ? at.axes(at.integers(3), x.length) : [...x.keys()];
  return x.map((extent, i): Extent | undefined => {
    const at_ = axes.indexOf(i);
    if (at_ < 0) return extent;
    const [before, after] = [given[at_], given[at_ + axes.length]];
    return before === undefined || after === undefined ? undefined : add(extent, before, after);
  });
});

const filled: TypeRule = (at) => {
  const value = at.tensorAttribute("value");
  return [{ element: value?.dataType ?? types.float, shape: extentsOf(at, 0) }];
};

const range = shaped((at) => {
  const [start, limit, delta] = [0, 1, 2].map((index) => at.itemsIfKnown(index)?.[0]);
  const isKnown = start !== undefined && limit !== undefined && typeof delta === "number" && delta !== 0;
  const distance = isKnown ? (delta > 0 ? subtract(limit, start) : subtract(start, limit)) : undefined;
  const { extents } = at;
  const count =
    distance === undefined
      ? undefined
      : extents.maximum(0, extents.ceil(extents.ratio(distance, Math.abs(delta as number))));
  return [count];
});

const shapeOf: TypeRule = (at) => {
  const { shape } = at.info(0);
  if (shape === undefined) return [{ element: types.int64, shape: [undefined] }];
  const rank = shape.length;
  const from = (given: number) => Math.min(Math.max(given < 0 ? given + rank : given, 0), rank);
  const items = shape.slice(from(at.int("start", 0)), from(at.int("end", rank)));
  return [{ element: types.int64, shape: [items.length], items }];
};

/** Moves blocks of `blocksize` squared elements between channels and space. */
const blocks =
  (toSpace: boolean): TypeRule =>
  (at) => {
    const [n, c, h, w] = at.shape(0) as Extent[];
    const size = at.int("blocksize", 1);
    const square = size * size;
    if (n === undefined || c === undefined || h === undefined || w === undefined) decline("its input is not an image");
    const { extents } = at;
    const shape = toSpace
      ? [n, extents.floorDivide(c, square), multiply(h, size), multiply(w, size)]
      : [n, multiply(c, square), extents.floorDivide(h, size), extents.floorDivide(w, size)];
    return [at.like(0, { shape })];
  };

/** The first input with one unknown extent. */
const openAlong = shaped((at) => {
  if (!at.hasAttribute("axis")) return [undefined];
  const x = at.shape(0);
  const axis = at.axis(at.int("axis", 0), x.length);
  return x.map((extent, i) => (i === axis ? undefined : extent));
});

const centerCropPad = shaped((at) => {
  const x = at.shape(0);
  const wanted = extentsOf(at, 1);
  const axes = at.axes(at.ints("axes") ?? [...x.keys()], x.length);
  return x.map((extent, i) => (axes.includes(i) ? wanted[axes.indexOf(i)] : extent));
});

const oneHot: TypeRule = (at) => {
  const ids = at.shape(0);
  const axis = at.axis(at.int("axis", -1), ids.length + 1);
  return [at.like(2, { shape: [...ids.slice(0, axis), at.itemsIfKnown(1)?.[0], ...ids.slice(axis)] })];
};

const topK: TypeRule = (at) => {
  const x = at.shape(0);
  const axis = at.axis(at.int("axis", -1), x.length);
  const count = at.opset < 10 ? at.int("k", 1) : at.itemsIfKnown(1)?.[0];
  const shape = x.map((extent, i) => (i === axis ? count : extent));
  return [at.like(0, { shape }), { element: types.int64, shape }];
};

const unique: TypeRule = (at) => {
  const long: Typed = { element: types.int64, shape: [undefined] };
  return [openAlong(at)[0], long, long, long];
};

export const shapeTypes: Readonly<Record<string, TypeRule>> = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Concat: concat,
  Slice: slice,
  Split: split,
  Expand: expand,
  Tile: tile,
  Gather: gather,
  GatherElements: shaped((at) => at.shape(1)),
  GatherND: gatherNd,
  Pad: pad,
  ConstantOfShape: filled,
  Range: range,
  Shape: shapeOf,
  Size: () => [{ element: types.int64, shape: [] }],
  DepthToSpace: blocks(true),
  SpaceToDepth: blocks(false),
  Compress: openAlong,
  CenterCropPad: centerCropPad,
  OneHot: oneHot,
  TopK: topK,
  Unique: unique,
  NonZero: (at) => {
    const count = at.constantItems(0)?.filter((item) => item !== 0).length;
    return [{ element: types.int64, shape: [at.info(0).shape?.length, count] }];
  },
  EyeLike: (at) => [at.like(0, { element: at.hasAttribute("dtype") ? at.int("dtype", 1) : at.element(0) })],
  ...each("Identity ScatterND ScatterElements Scatter ReverseSequence Trilu CumSum CumProd TensorScatter", likeFirst),
};

const withShapes = new Set([
  ...["Reshape", "Expand", "Slice", "Tile", "Pad", "Resize", "Upsample", "Squeeze", "Unsqueeze", "Split", "TopK"],
  ...["CenterCropPad", "ConstantOfShape", "Range"],
]);

/** The inputs of a node that only determine the shape of its result, or where it cuts. */
export function shapeOperands({ domain, opType, inputs }: NodeProto): number[] {
  if (domain !== "" || !withShapes.has(opType)) return [];
  const first = opType === "ConstantOfShape" || opType === "Range" ? 0 : 1;
  return [...inputs.keys()].filter((i) => i >= first);
}

/**
 * Rows of the op table for ops that move elements by their index: cut, joined, padded, reversed and looked up tensors.
 *
 * Each says by one `IndexMap` from where an element of the result comes. A kernel takes that map into the index at which it
 * loads, through whatever is computed in between, as tinygrad's movement ops do (tinygrad/schedule/rangeify.py): nothing is
 * stored on the way. Futhark's index functions (LMADs) hold one stride an axis, and so neither a seam nor a lookup.
 */

import * as inputErrors from "../../diagnostics/areas/inputs.ts";
import * as linearErrors from "../../diagnostics/areas/linear.ts";
import * as typeErrors from "../../diagnostics/areas/types.ts";
import { fail } from "../../diagnostics/diagnostic.ts";
import type { Attributes } from "../ir.ts";
import { elementCount, indexAt, type Tensor } from "../tensor.ts";
import { type Dim, printShape, type Shape, sameShape } from "../types.ts";
import {
  type AttributeDef,
  anyElement,
  attribute,
  hasNegative,
  type IndexRow,
  type Rows,
  type Segment,
} from "./def.ts";

type Infer = IndexRow["infer"];
type Evaluate = IndexRow["evaluate"];
type ZeroMeanRule = IndexRow["zeroMean"];

const printed = (shape: Shape) => (shape.length === 0 ? "a scalar" : printShape(shape));

/** The shape with another extent along an axis. */
const withExtent = (shape: Shape, axis: number, extent: Dim): Shape => shape.with(axis + shape.length, extent);

/** The extent of the op's axis in its first operand. */
const extentOf = ([x]: readonly (Shape | undefined)[], attributes: Attributes): Dim =>
  (x as Shape).at(attribute.axis(attributes)) as Dim;

const inferEmbedding: Infer = (shapes) => {
  const [ids, table] = shapes as [Shape, Shape];
  if (table.length === 2) return [...ids, table[1] as Dim];
  return (at) => linearErrors.operandShape(at(1), "embedding", "table", "[count, width]", printed(table));
};

const lookUp: Evaluate = (operands, _, { span }) => {
  const [ids, table] = operands as [Tensor, Tensor];
  const [count, width] = table.shape as [number, number];
  const result = new Float64Array(ids.data.length * width);
  for (const [i, id] of ids.data.entries()) {
    if (id < 0 || id >= count) fail(inputErrors.idOutOfRange(span, id, i, count));
    result.set(table.data.subarray(id * width, (id + 1) * width), i * width);
  }
  return result;
};

const inferGather: Infer = (shapes, attributes) => {
  const [x, index] = shapes as [Shape, Shape];
  const axis = attribute.axis(attributes);
  const isLike = index.length === x.length && sameShape(index, withExtent(x, axis, index.at(axis) as Dim));
  if (isLike) return index;
  const ofEach = withExtent(x, axis, 1);
  const isFlat = sameShape(index, ofEach.toSpliced(axis < 0 ? axis + x.length : axis, 1));
  const wanted = isFlat ? printed(ofEach) : undefined;
  return (at) => linearErrors.gatherShape(at(1), printed(index), printed(x), axis, at(0), wanted);
};

const pick: Evaluate = (operands, attributes, { span }) => {
  const [x, index] = operands as [Tensor, Tensor];
  const axis = attribute.axis(attributes) + x.shape.length;
  const extent = x.shape[axis] as number;
  return index.data.map((number, i) => {
    if (number < 0 || number >= extent) fail(inputErrors.indexOutOfRange(span, number, i, extent));
    return elementAt(x, indexAt(i, index.shape).with(axis, number));
  });
};

function elementAt({ shape, data }: Tensor, index: readonly number[]): number {
  return data[index.reduce((place, at, axis) => place * (shape[axis] as number) + at, 0)] as number;
}

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
  return withExtent(first, axis, extent);
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

const inferSlice: Infer = (shapes, attributes) => {
  const axis = attribute.axis(attributes);
  const extent = extentOf(shapes, attributes);
  if (typeof extent === "string") return (at) => linearErrors.namedExtent(at(0), "slice", "x", axis, extent);
  for (const key of ["start", "end"]) {
    const value = attribute.number(attributes, key);
    if (Math.abs(value) > extent) return (at) => linearErrors.sliceRange(at(key), key, value, axis, extent);
  }
  const { start, end } = boundsOf(extent, attributes);
  if (end < start) return (at) => linearErrors.sliceOrder(at("end"), start, end);
  return withExtent(shapes[0] as Shape, axis, Math.ceil((end - start) / attribute.number(attributes, "step")));
};

/** The elements of a tensor along an axis at these places, one after the other. */
function taken(x: Tensor, axis: number, places: readonly (number | undefined)[], fill = 0): Float64Array {
  const inner = elementCount(x.shape.slice(axis).slice(1));
  const { count, run } = runsFrom(axis, x);
  const result = new Float64Array(count * places.length * inner).fill(fill);
  for (let i = 0; i < count; i++) {
    const row = run(i);
    for (const [to, from] of places.entries()) {
      if (from !== undefined)
        result.set(row.subarray(from * inner, (from + 1) * inner), (i * places.length + to) * inner);
    }
  }
  return result;
}

const cut: Evaluate = ([operand], attributes) => {
  const x = operand as Tensor;
  const axis = attribute.axis(attributes);
  const { start, end } = boundsOf(x.shape.at(axis) as number, attributes);
  const step = attribute.number(attributes, "step");
  return taken(
    x,
    axis,
    Array.from({ length: Math.ceil((end - start) / step) }, (_, i) => start + i * step),
  );
};

const reverse: Evaluate = ([operand], attributes) => {
  const x = operand as Tensor;
  const axis = attribute.axis(attributes);
  return taken(x, axis, [...Array(x.shape.at(axis)).keys()].reverse());
};

type Padding = "constant" | "edge" | "reflect";

const paddingOf = (attributes: Attributes) => ({
  before: attribute.number(attributes, "before"),
  after: attribute.number(attributes, "after"),
  mode: attribute.text(attributes, "mode") as Padding,
});

const inferPad: Infer = (shapes, attributes) => {
  const axis = attribute.axis(attributes);
  const extent = extentOf(shapes, attributes);
  if (typeof extent === "string") return (at) => linearErrors.namedExtent(at(0), "pad", "x", axis, extent);
  const { before, after, mode } = paddingOf(attributes);
  const most = mode === "reflect" ? extent - 1 : extent === 0 && mode === "edge" ? 0 : Infinity;
  for (const [key, count] of [
    ["before", before],
    ["after", after],
  ] as const) {
    if (count > Math.max(0, most)) return (at) => linearErrors.padding(at(key), key, count, mode, axis, extent);
  }
  return withExtent(shapes[0] as Shape, axis, before + extent + after);
};

/** Where the element at `i`, counted from the first of x, comes from. */
function padded(i: number, extent: number, mode: Padding): number | undefined {
  if (i >= 0 && i < extent) return i;
  if (mode === "constant") return undefined;
  if (mode === "edge") return i < 0 ? 0 : extent - 1;
  return i < 0 ? -i : 2 * (extent - 1) - i;
}

const surround: Evaluate = ([operand], attributes) => {
  const x = operand as Tensor;
  const axis = attribute.axis(attributes);
  const extent = x.shape.at(axis) as number;
  const { before, after, mode } = paddingOf(attributes);
  const places = Array.from({ length: before + extent + after }, (_, i) => padded(i - before, extent, mode));
  return taken(x, axis, places, attribute.number(attributes, "value"));
};

function padSegments(extent: number, { before, after, mode }: ReturnType<typeof paddingOf>): Segment[] {
  const last = extent - 1;
  const sides = {
    constant: [{ operand: undefined }, { operand: undefined }],
    edge: [
      { operand: 0, start: 0, step: 0 },
      { operand: 0, start: last, step: 0 },
    ],
    reflect: [
      { operand: 0, start: before, step: -1 },
      { operand: 0, start: last - 1, step: -1 },
    ],
  }[mode] as [Omit<Segment, "extent">, Omit<Segment, "extent">];
  return [
    { ...sides[0], extent: before },
    { operand: 0, extent, start: 0, step: 1 },
    { ...sides[1], extent: after },
  ];
}

const countUp: Evaluate = (_, attributes, { shape }) => {
  const axis = attribute.axis(attributes) + shape.length;
  return Float64Array.from({ length: elementCount(shape) }, (_, i) => indexAt(i, shape)[axis] as number);
};

/** Of an op whose attribute says its shape. */
const toldShape =
  (op: string): Infer =>
  (_, attributes) => {
    const shape = attribute.shape(attributes, "shape");
    if (!hasNegative(shape)) return shape;
    return (at) => typeErrors.shapeOp(at("shape"), op, "an extent cannot be negative");
  };

const joinMean: ZeroMeanRule = ({ axes, block }, shapes, attributes) => {
  const axis = attribute.axis(attributes);
  const isAlong = axes.includes(axis);
  // A block of the whole must not go over a seam.
  const isWhole = (shape: Shape | undefined) => shape === undefined || (shape.at(axis) as number) % (block ?? 1) === 0;
  if (isAlong && !shapes.every(isWhole)) return [];
  const means = shapes.flatMap((shape, operand) => (shape === undefined ? [] : [{ operand, axes, block }]));
  return [{ means, exact: !isAlong || block !== undefined }];
};

const sliceMean: ZeroMeanRule = ({ axes, block }, [x], attributes) => {
  const axis = attribute.axis(attributes);
  const others = axes.filter((one) => one !== axis);
  const exact = others.length === axes.length;
  if (others.length > 0) return [{ means: [{ operand: 0, axes: others, block }], exact }];
  // What is cut out is one block of several, or some of them.
  const extent = x?.at(axis) as number;
  const { start, end } = boundsOf(extent, attributes);
  const size = block ?? end - start;
  const isWhole = attribute.number(attributes, "step") === 1 && size > 0 && start % size === 0 && extent % size === 0;
  return isWhole ? [{ means: [{ operand: 0, axes, block: size }], exact: true }] : [];
};

/** Zeros beside a row change no sum; padded rows of another axis are zeros, or rows again. */
const padMean: ZeroMeanRule = ({ axes, block }: Rows, _, attributes) => {
  const { mode } = paddingOf(attributes);
  const isAlong = axes.includes(attribute.axis(attributes));
  const isZero = mode === "constant" && attribute.number(attributes, "value") === 0;
  const keeps = isAlong ? isZero && block === undefined : isZero || mode !== "constant";
  return keeps ? [{ means: [{ operand: 0, axes, block }], exact: !isAlong }] : [];
};

/** A row backwards has its mean; so has each of its blocks, which stand in another order. */
const flipMean: ZeroMeanRule = ({ axes, block }) => [{ means: [{ operand: 0, axes, block }], exact: true }];

const along: AttributeDef = { type: "axis", summary: "The axis; -1 is the last." };
const whole = (summary: string, minimum?: number): AttributeDef => ({
  type: "integer",
  summary,
  ...(minimum !== undefined && { minimum }),
});

type Parts = Omit<IndexRow, "kind" | "facts" | "attributes" | "elements"> &
  Partial<Pick<IndexRow, "attributes" | "elements">>;

function indexOp(parts: Parts): IndexRow {
  return { kind: "index", facts: {}, attributes: {}, elements: anyElement, ...parts };
}

const x = [{ name: "x" }] as const;

export const indexOps = {
  slice: indexOp({
    summary: "Every `step`-th of the elements `start` to `end - 1` along an axis, on which the extent is a number.",
    operands: x,
    attributes: {
      axis: along,
      start: whole("The first element; a negative one counts from the end."),
      end: whole("The element after the last; a negative one counts from the end."),
      step: { ...whole("The distance of the elements that are taken.", 1), default: 1 } as AttributeDef,
    },
    infer: inferSlice,
    evaluate: cut,
    map: (shapes, attributes) => {
      const { start, end } = boundsOf(extentOf(shapes, attributes) as number, attributes);
      const step = attribute.number(attributes, "step");
      return { kind: "segments", segments: [{ operand: 0, extent: Math.ceil((end - start) / step), start, step }] };
    },
    fixesExtent: true,
    zeroMean: sliceMean,
  }),
  concat: indexOp({
    summary: "Two to four tensors one after the other along an axis, on which their extents are numbers.",
    operands: pieceNames.map((name, i) => (i < 2 ? { name } : { name, optional: true })),
    attributes: { axis: along },
    infer: inferConcat,
    evaluate: join,
    map: (shapes, attributes) => ({
      kind: "segments",
      segments: shapes.flatMap((shape, operand) => {
        const extent = shape?.at(attribute.axis(attributes));
        return extent === undefined ? [] : [{ operand, extent, start: 0, step: 1 }];
      }),
    }),
    fixesExtent: true,
    zeroMean: joinMean,
  }),
  pad: indexOp({
    summary:
      "`before` elements, x, and `after` elements along an axis, on which the extent is a number; those around x are `value`, or its elements again.",
    operands: x,
    attributes: {
      axis: along,
      before: { ...whole("Elements before the first.", 0), default: 0 } as AttributeDef,
      after: { ...whole("Elements after the last.", 0), default: 0 } as AttributeDef,
      value: { type: "number", default: 0, summary: "What stands there where the mode is `constant`." },
      mode: {
        type: "choice",
        choices: ["constant", "edge", "reflect"],
        default: "constant",
        summary: "What stands there: `value`, the element at the edge, or the elements behind it in reverse.",
      },
    },
    infer: inferPad,
    evaluate: surround,
    map: (shapes, attributes) => ({
      kind: "segments",
      segments: padSegments(extentOf(shapes, attributes) as number, paddingOf(attributes)),
      fill: attribute.number(attributes, "value"),
    }),
    fixesExtent: true,
    zeroMean: padMean,
  }),
  flip: indexOp({
    summary: "The elements along an axis in reverse order.",
    operands: x,
    attributes: { axis: along },
    infer: ([shape]) => shape as Shape,
    evaluate: reverse,
    map: (shapes, attributes) => ({
      kind: "segments",
      segments: [{ operand: 0, extent: extentOf(shapes, attributes), start: "last", step: -1 }],
    }),
    zeroMean: flipMean,
  }),
  gather: indexOp({
    summary:
      "Along an axis the elements of x that `index` (i32 or u32) names, each in its own row; the other dimensions of both are the same.",
    operands: [{ name: "x" }, { name: "index", element: "index" }],
    attributes: { axis: along },
    infer: inferGather,
    evaluate: pick,
    map: (shapes, attributes) => {
      const axes = (shapes[1] as Shape).map((_, axis) => axis);
      const own = axes.map((axis) => (axis === attribute.axis(attributes) + axes.length ? undefined : axis));
      return { kind: "lookup", operand: 0, index: 1, indexAxes: axes, axes: own };
    },
    // Neighbours along another axis are of other places of their rows.
    zeroMean: () => [],
  }),
  embedding: indexOp({
    summary: "The rows of a table `[count, width]` that `ids` (i32 or u32, of any shape) name: `[...ids, width]`.",
    operands: [{ name: "ids", element: "index" }, { name: "table" }],
    infer: inferEmbedding,
    evaluate: lookUp,
    map: ([ids]) => {
      const indexAxes = (ids as Shape).map((_, axis) => axis);
      return { kind: "lookup", operand: 1, index: 0, indexAxes, axes: [undefined, indexAxes.length] };
    },
    zeroMean: ({ axes, block }) =>
      axes.includes(-1) ? [{ means: [{ operand: 1, axes: [-1], block }], exact: axes.length === 1 }] : [],
  }),
  iota: indexOp({
    summary: "0, 1, 2, ... along an axis, the same along all others.",
    operands: [],
    attributes: { shape: { type: "shape", summary: "The shape of the result." }, axis: along },
    elements: ["i32"],
    infer: toldShape("iota"),
    evaluate: countUp,
    map: () => ({ kind: "position" }),
    zeroMean: () => [],
  }),
  linear_index: indexOp({
    summary: "The number of each element in row-major order: 0, 1, 2, ... through all axes.",
    operands: [],
    attributes: { shape: { type: "shape", summary: "The shape of the result." } },
    elements: ["u32"],
    infer: toldShape("linear_index"),
    evaluate: (_, __, { shape }) => Float64Array.from({ length: elementCount(shape) }, (_, i) => i),
    map: () => ({ kind: "position", isLinear: true }),
    zeroMean: () => [],
  }),
  size: indexOp({
    summary:
      "How many elements a shape has, the product of its extents: a number, known at the launch where extents have names. `cast(size(shape = [rows]), to = f32)` is that of the rows.",
    operands: [],
    attributes: { shape: { type: "shape", summary: "What is counted: extents, or their names." } },
    elements: ["u32"],
    infer: (_, attributes) => {
      const shape = toldShape("size")([], attributes);
      return typeof shape === "function" ? shape : [];
    },
    evaluate: (_, attributes) =>
      Float64Array.of(elementCount(attribute.shape(attributes, "shape") as number[]) % 2 ** 32),
    map: () => ({ kind: "count" }),
    zeroMean: () => [],
  }),
} satisfies Record<string, IndexRow>;

export type IndexName = keyof typeof indexOps;

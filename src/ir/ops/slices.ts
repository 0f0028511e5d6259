/**
 * Rows of the op table for ops that cut, join, pad and reverse tensors along an axis, and their transposes:
 *
 *   slice(x, start, end, step)   dy, with step - 1 zeros after each element, and zeros before and after
 *   concat(a, b)                 slices of dy
 *   pad(x)                       the slice of dy at x, and the padding's dy added to the elements that it repeats
 *   flip(x)                      flip(dy)
 */

import * as linearErrors from "../../diagnostics/areas/linear.ts";
import type { Value } from "../ir.ts";
import { elementCount, type Tensor } from "../tensor.ts";
import { type Dim, printShape, type Shape, sameShape } from "../types.ts";
import { type AttributesOf, attribute } from "./attributes.ts";
import type { IndexDef, Segment } from "./def.ts";
import { along, extentOf, indexOp, withExtent } from "./indexing.ts";
import { ofOne, type Pullback, type Terms } from "./vjp.ts";

const whole = (summary: string) => ({ type: "integer", summary }) as const;
const count = (summary: string, least: number) => ({ ...whole(summary), minimum: least, default: least }) as const;

const x = [{ name: "x" }] as const;

/** A tensor as `count` contiguous runs, each of all elements from `axis` on. */
function runsFrom(axis: number, { shape, data }: Tensor): { count: number; run: (index: number) => Float64Array } {
  const length = elementCount(shape.slice(axis));
  return {
    count: elementCount(shape.slice(0, axis)),
    run: (index) => data.subarray(index * length, (index + 1) * length),
  };
}

/** The elements of a tensor along an axis at these positions, in order. */
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

const slicedBy = (t: Terms, x: Value, axis: number, start: number, end: number) =>
  t.op("slice", [x], { axis, start, end });

/** x with zeros around it along an axis. */
const padWith = (t: Terms, x: Value, axis: number, before: number, after: number) =>
  before + after === 0 ? x : t.op("pad", [x], { axis, before, after });

const sliceAttributes = {
  ...along,
  start: whole("The first element; a negative one counts from the end."),
  end: whole("The element after the last; a negative one counts from the end."),
  step: count("The distance of the elements that are taken.", 1),
} as const;
type Slice = IndexDef<typeof sliceAttributes>;
type Bounds = Pick<AttributesOf<typeof sliceAttributes>, "start" | "end">;

/** The start and end of a slice, counted from the front. */
function boundsOf(extent: number, { start, end }: Bounds): Bounds {
  const fromFront = (at: number) => (at < 0 ? at + extent : at);
  return { start: fromFront(start), end: fromFront(end) };
}

const inferSlice: Slice["infer"] = (shapes, attributes) => {
  const { axis } = attributes;
  const extent = extentOf(shapes, attributes);
  if (typeof extent === "string") return (at) => linearErrors.namedExtent(at(0), "slice", "x", axis, extent);
  for (const key of ["start", "end"] as const) {
    const value = attributes[key];
    if (Math.abs(value) > extent) return (at) => linearErrors.sliceRange(at(key), key, value, axis, extent);
  }
  const { start, end } = boundsOf(extent, attributes);
  if (end < start) return (at) => linearErrors.sliceOrder(at("end"), start, end);
  return withExtent(shapes[0] as Shape, axis, Math.ceil((end - start) / attributes.step));
};

const cut: Slice["evaluate"] = ([operand], attributes) => {
  const x = operand as Tensor;
  const { axis, step } = attributes;
  const { start, end } = boundsOf(x.shape.at(axis) as number, attributes);
  return taken(
    x,
    axis,
    Array.from({ length: Math.ceil((end - start) / step) }, (_, i) => start + i * step),
  );
};

const sliceMean: Slice["zeroMean"] = ({ axes, block }, [x], attributes) => {
  const { axis } = attributes;
  const others = axes.filter((one) => one !== axis);
  const exact = others.length === axes.length;
  if (others.length > 0) return [{ means: [{ operand: 0, axes: others, block }], exact }];
  // The slice is one or several whole blocks.
  const extent = x?.at(axis) as number;
  const { start, end } = boundsOf(extent, attributes);
  const size = block ?? end - start;
  const isWhole = attributes.step === 1 && size > 0 && start % size === 0 && extent % size === 0;
  return isWhole ? [{ means: [{ operand: 0, axes, block: size }], exact: true }] : [];
};

/** x with `step - 1` zeros after each element along an axis. */
function spread(t: Terms, x: Value, axis: number, step: number): Value {
  if (step === 1) return x;
  const at = axis + x.shape.length;
  const extent = x.shape[at] as number;
  const apart = t.reshape(x, x.shape.toSpliced(at, 1, extent, 1));
  const wide = t.op("pad", [apart], { axis: at + 1, after: step - 1 });
  return t.reshape(wide, x.shape.with(at, extent * step));
}

const sliceBack = ofOne((t, x, dy, { attributes }) => {
  const axis = attribute.axis(attributes);
  const extent = x.shape.at(axis) as number;
  const at = attribute.number(attributes, "start");
  const start = at < 0 ? at + extent : at;
  const wide = spread(t, dy, axis, attribute.number(attributes, "step"));
  const behind = extent - start - (wide.shape.at(axis) as number);
  return padWith(t, behind < 0 ? slicedBy(t, wide, axis, 0, extent - start) : wide, axis, start, Math.max(0, behind));
});

export const slice = indexOp({
  summary: "Every `step`-th of the elements `start` to `end - 1` along an axis, whose extent must be a number.",
  operands: x,
  attributes: sliceAttributes,
  infer: inferSlice,
  evaluate: cut,
  map: (shapes, attributes) => {
    const { start, end } = boundsOf(extentOf(shapes, attributes) as number, attributes);
    const { step } = attributes;
    return { kind: "segments", segments: [{ operand: 0, extent: Math.ceil((end - start) / step), start, step }] };
  },
  fixesExtent: true,
  zeroMean: sliceMean,
  vjp: { by: [sliceBack] },
});

type Concat = IndexDef<typeof along>;

const pieceNames = ["a", "b", "c", "d"];

const inferConcat: Concat["infer"] = (shapes, { axis }) => {
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

const join: Concat["evaluate"] = (operands, { axis }) => {
  const pieces = operands.filter((piece) => piece !== undefined).map((piece) => runsFrom(axis, piece));
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

const joinMean: Concat["zeroMean"] = ({ axes, block }, shapes, { axis }) => {
  const isAlong = axes.includes(axis);
  // No block of the result may cross a seam.
  const isWhole = (shape: Shape | undefined) => shape === undefined || (shape.at(axis) as number) % (block ?? 1) === 0;
  if (isAlong && !shapes.every(isWhole)) return [];
  const means = shapes.flatMap((shape, operand) => (shape === undefined ? [] : [{ operand, axes, block }]));
  return [{ means, exact: !isAlong || block !== undefined }];
};

const pieceOf =
  (piece: number): Pullback =>
  ({ operands, cotangents, attributes, terms }) => {
    const axis = attribute.axis(attributes);
    const extents = operands.map((operand) => (operand === undefined ? 0 : (operand.shape.at(axis) as number)));
    const start = extents.slice(0, piece).reduce((a, b) => a + b, 0);
    return slicedBy(terms, cotangents[0] as Value, axis, start, start + (extents[piece] as number));
  };

export const concat = indexOp({
  summary: "Two to four tensors concatenated along an axis, where their extents must be numbers.",
  operands: pieceNames.map((name, i) => (i < 2 ? { name } : { name, optional: true })),
  attributes: along,
  infer: inferConcat,
  evaluate: join,
  map: (shapes, { axis }) => ({
    kind: "segments",
    segments: shapes.flatMap((shape, operand) => {
      const extent = shape?.at(axis);
      return extent === undefined ? [] : [{ operand, extent, start: 0, step: 1 }];
    }),
  }),
  fixesExtent: true,
  zeroMean: joinMean,
  vjp: { by: pieceNames.map((_, piece) => pieceOf(piece)) },
});

const padAttributes = {
  ...along,
  before: count("Elements before the first.", 0),
  after: count("Elements after the last.", 0),
  value: { type: "number", default: 0, summary: "The padding value in mode `constant`." },
  mode: {
    type: "choice",
    choices: ["constant", "edge", "reflect"],
    default: "constant",
    summary: "What to pad with: `value`, the element at the edge, or the elements next to the edge in reverse.",
  },
} as const;
type Pad = IndexDef<typeof padAttributes>;
type Padding = Omit<AttributesOf<typeof padAttributes>, "axis">;

const inferPad: Pad["infer"] = (shapes, attributes) => {
  const { axis, before, after, mode } = attributes;
  const extent = extentOf(shapes, attributes);
  if (typeof extent === "string") return (at) => linearErrors.namedExtent(at(0), "pad", "x", axis, extent);
  const most = mode === "reflect" ? extent - 1 : extent === 0 && mode === "edge" ? 0 : Infinity;
  for (const [key, count] of [
    ["before", before],
    ["after", after],
  ] as const) {
    if (count > Math.max(0, most)) return (at) => linearErrors.padding(at(key), key, count, mode, axis, extent);
  }
  return withExtent(shapes[0] as Shape, axis, before + extent + after);
};

/** The source of the element at `i`, counted from the first element of x. */
function padded(i: number, extent: number, mode: Padding["mode"]): number | undefined {
  if (i >= 0 && i < extent) return i;
  if (mode === "constant") return undefined;
  if (mode === "edge") return i < 0 ? 0 : extent - 1;
  return i < 0 ? -i : 2 * (extent - 1) - i;
}

const surround: Pad["evaluate"] = ([operand], { axis, before, after, mode, value }) => {
  const x = operand as Tensor;
  const extent = x.shape.at(axis) as number;
  const places = Array.from({ length: before + extent + after }, (_, i) => padded(i - before, extent, mode));
  return taken(x, axis, places, value);
};

function padSegments(extent: number, { before, after, mode }: Padding): Segment[] {
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

/** Zeros added to a row do not change its sum; along another axis, padding adds rows of zeros or existing rows. */
const padMean: Pad["zeroMean"] = ({ axes, block }, _, { axis, mode, value }) => {
  const isAlong = axes.includes(axis);
  const isZero = mode === "constant" && value === 0;
  const keeps = isAlong ? isZero && block === undefined : isZero || mode !== "constant";
  return keeps ? [{ means: [{ operand: 0, axes, block }], exact: !isAlong }] : [];
};

const padBack = ofOne((t, x, dy, { attributes }) => {
  const axis = attribute.axis(attributes);
  const extent = x.shape.at(axis) as number;
  const [before, after] = [attribute.number(attributes, "before"), attribute.number(attributes, "after")];
  const mode = attribute.text(attributes, "mode");
  const own = slicedBy(t, dy, axis, before, before + extent);
  if (mode === "constant") return own;
  // An edge gets the sum of its repetitions; a reflection adds its elements in reverse.
  const back = (from: number, count: number, start: number): Value => {
    const part = slicedBy(t, dy, axis, from, from + count);
    if (mode === "reflect") return padWith(t, t.op("flip", [part], { axis }), axis, start, extent - start - count);
    return padWith(t, t.sum(part, [axis]), axis, start, extent - start - 1);
  };
  const atEdge = mode === "edge";
  const parts = [
    ...(before > 0 ? [back(0, before, atEdge ? 0 : 1)] : []),
    ...(after > 0 ? [back(before + extent, after, extent - 1 - (atEdge ? 0 : after))] : []),
  ];
  return parts.reduce((sum, part) => t.add(sum, part), own);
});

export const pad = indexOp({
  summary:
    "Adds `before` elements before x and `after` elements after it along an axis, whose extent must be a number. `mode` says what the added elements are.",
  operands: x,
  attributes: padAttributes,
  infer: inferPad,
  evaluate: surround,
  map: (shapes, attributes) => ({
    kind: "segments",
    segments: padSegments(extentOf(shapes, attributes) as number, attributes),
    fill: attributes.value,
  }),
  fixesExtent: true,
  zeroMean: padMean,
  vjp: { by: [padBack] },
});

type Flip = IndexDef<typeof along>;

const reverse: Flip["evaluate"] = ([operand], { axis }) => {
  const x = operand as Tensor;
  return taken(x, axis, [...Array(x.shape.at(axis)).keys()].reverse());
};

/** A reversed row has the same mean, and so has each of its blocks, which are in another order. */
const flipMean: Flip["zeroMean"] = ({ axes, block }) => [{ means: [{ operand: 0, axes, block }], exact: true }];

export const flip = indexOp({
  summary: "The elements along an axis in reverse order.",
  operands: x,
  attributes: along,
  infer: ([shape]) => shape as Shape,
  evaluate: reverse,
  map: (shapes, attributes) => ({
    kind: "segments",
    segments: [{ operand: 0, extent: extentOf(shapes, attributes), start: "last", step: -1 }],
  }),
  zeroMean: flipMean,
  vjp: { by: [ofOne((t, _, dy, { attributes }) => t.op("flip", [dy], { axis: attribute.axis(attributes) }))] },
});

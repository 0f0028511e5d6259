/** Nodes that move, cut, join and look up elements. */

import type { Value } from "../../ir/ir.ts";
import { broadcastShapes, type Dim, printShape, type Shape } from "../../ir/types.ts";
import type { Item } from "../known.ts";
import { decline, extentOf, type NodeView, type Rule } from "../node.ts";

/** The shape that a list of items means for `x`: 0 keeps a dimension, and one that is not known is left to be found. */
export function wantedShape(x: Value, items: readonly Item[], allowsZero: boolean): Shape {
  const isOpen = items.includes(-1) || items.filter((item) => item === undefined).length !== 1;
  return items.map((item, i): Dim => {
    if (item === 0 && !allowsZero) return x.shape[i] ?? decline(`it keeps dimension ${i}, which its input has not`);
    if (item !== undefined) return item;
    return isOpen ? decline("its shape is not known before it runs") : -1;
  });
}

const reshape: Rule = (at) =>
  at.reshape(at.input(0), wantedShape(at.input(0), at.items(1), at.int("allowzero", 0) === 1));

const flatten: Rule = (at) => {
  const x = at.input(0);
  const rank = x.shape.length;
  const given = at.int("axis", 1);
  const axis = given < 0 ? given + rank : given;
  const product = (dims: Shape): Dim => {
    const names = dims.filter((dim) => typeof dim === "string");
    const number = dims.reduce<number>((all, dim) => (typeof dim === "number" ? all * dim : all), 1);
    if (names.length === 0) return number;
    return names.length === 1 && number === 1 ? (names[0] as string) : -1;
  };
  return at.reshape(x, [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))]);
};

const transpose: Rule = (at) => {
  const x = at.input(0);
  const perm = at.ints("perm") ?? [...x.shape.keys()].reverse();
  return at.emit("transpose", [x], { perm: [...perm] });
};

const unsqueeze: Rule = (at) => {
  const x = at.input(0);
  const given = at.axesOf(12, 1) ?? decline("it has no axes");
  const rank = x.shape.length + given.length;
  const axes = new Set(at.axes(given, rank));
  const inner = [...x.shape];
  return at.reshape(
    x,
    Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : (inner.shift() as Dim))),
  );
};

const squeeze: Rule = (at) => {
  const x = at.input(0);
  const given = at.axesOf(12, 1);
  const isGone = (dim: Dim, i: number) => (given === undefined ? dim === 1 : axes.has(i));
  const axes = new Set(at.axes(given ?? [], x.shape.length));
  const named = x.shape.some((dim) => typeof dim === "string");
  if (given === undefined && named) decline("which of its dimensions are 1 is not known before it runs");
  return at.reshape(
    x,
    x.shape.filter((dim, i) => !isGone(dim, i)),
  );
};

const concat: Rule = (at) => {
  const pieces = Array.from({ length: at.inputCount }, (_, i) => at.input(i));
  const axis = at.int("axis", 0);
  return joined(at, pieces, axis);
};

/** At most four tensors are joined by one op. */
function joined(at: NodeView, pieces: readonly Value[], axis: number): Value {
  let whole = pieces[0] as Value;
  for (let i = 1; i < pieces.length; i += 3) whole = at.emit("concat", [whole, ...pieces.slice(i, i + 3)], { axis });
  return whole;
}

/** Where a slice begins or ends, counted from the front and cut short at the ends of the axis. */
function clamped(at: number, extent: number): number {
  return Math.min(Math.max(at < 0 ? at + extent : at, 0), extent);
}

/** Beyond what any axis has: "to the end". */
const farEnd = 2 ** 31 - 1;

const slice: Rule = (at) => {
  let x = at.input(0);
  const isOld = at.opset < 10;
  const list = (name: string, index: number) =>
    isOld ? at.ints(name) : at.has(index) ? at.integers(index) : undefined;
  const starts = list("starts", 1) ?? decline("it does not say where it begins");
  const ends = list("ends", 2) ?? decline("it does not say where it ends");
  const axes = at.axes(list("axes", 3) ?? [...starts.keys()], x.shape.length);
  const steps = isOld ? undefined : list("steps", 4);
  if (steps?.some((step) => step !== 1)) decline("it takes steps other than 1");
  for (const [i, axis] of axes.entries()) {
    const [start, end] = [starts[i] as number, ends[i] as number];
    if (start === 0 && end >= farEnd) continue;
    const extent = extentOf(x, axis);
    const from = clamped(start, extent);
    const to = Math.max(from, clamped(end, extent));
    if (from > 0 || to < extent) x = at.slice(x, axis, from, to);
  }
  return x;
};

const split: Rule = (at) => {
  const x = at.input(0);
  const axis = at.axis(at.int("axis", 0), x.shape.length);
  const extent = extentOf(x, axis);
  const count = at.node.outputs.length;
  const given = at.opset < 13 ? at.ints("split") : at.has(1) ? at.integers(1) : undefined;
  const equal = Math.ceil(extent / at.int("num_outputs", count));
  let start = 0;
  return at.node.outputs.map((_, i) => {
    const from = start;
    start = Math.min(from + (given?.[i] ?? equal), extent);
    return at.wants(i) ? at.slice(x, axis, from, start) : undefined;
  });
};

const expand: Rule = (at) => {
  const x = at.input(0);
  const wanted = at.items(1);
  if (wanted.includes(undefined)) decline("its shape is not known before it runs");
  const shape = broadcastShapes(x.shape, wanted as Shape);
  if (shape === undefined) decline(`${printShape(x.shape)} and ${printShape(wanted as Shape)} do not broadcast`);
  return at.emit("broadcast", [x], { shape: [...shape] });
};

/** More indices than this are looked up by an op. */
const mostSlices = 16;

const gather: Rule = (at) => {
  const [table, ids] = [at.input(0), at.input(1)];
  const axis = at.axis(at.int("axis", 0), table.shape.length);
  const items = at.constantItems(1);
  if (items !== undefined && items.length <= mostSlices && ids.shape.length < 2) {
    const extent = extentOf(table, axis);
    const pieces = items.map((id) => {
      const from = id < 0 ? id + extent : id;
      return at.slice(table, axis, from, from + 1);
    });
    if (ids.shape.length === 1) return joined(at, pieces, axis);
    return at.reshape(
      pieces[0] as Value,
      table.shape.filter((_, i) => i !== axis),
    );
  }
  if (axis !== 0 || table.shape.length !== 2) decline("it looks up something else than the rows of a matrix");
  if (items?.some((id) => id < 0)) decline("some of its indices count from the end");
  return at.emit("embedding", [ids, table]);
};

export const shapeRules: Readonly<Record<string, Rule>> = {
  ":Reshape": reshape,
  ":Flatten": flatten,
  ":Transpose": transpose,
  ":Unsqueeze": unsqueeze,
  ":Squeeze": squeeze,
  ":Concat": concat,
  ":Slice": slice,
  ":Split": split,
  ":Expand": expand,
  ":Gather": gather,
};

/** Nodes that reshape, permute, slice, concatenate, pad and gather. */

import type { Value } from "../../ir/ir.ts";
import { broadcastShapes, printShape, type Shape, sameShape } from "../../ir/types.ts";
import { decline, extentOf, type NodeView, type Rule } from "../node.ts";
import { cuts } from "../types/shapes.ts";

/** A reshape to the inferred shape of the result. */
const regroup: Rule = (at) => {
  const x = at.input(0);
  const shape = at.resultShape();
  const product = (dims: Shape) => {
    const number = dims.reduce<number>((all, dim) => (typeof dim === "number" ? all * dim : all), 1);
    return [number, ...dims.filter((dim) => typeof dim === "string").sort()].join();
  };
  if (product(x.shape) !== product(shape))
    decline(`${printShape(x.shape)} and ${printShape(shape)} are not known to have the same number of elements`);
  return at.reshape(x, shape);
};

const transpose: Rule = (at) => {
  const x = at.input(0);
  const perm = at.ints("perm") ?? [...x.shape.keys()].reverse();
  return at.emit("transpose", [x], { perm: [...perm] });
};

const concat: Rule = (at) => {
  const pieces = Array.from({ length: at.inputCount }, (_, i) => at.input(i));
  const axis = at.int("axis", 0);
  return joined(at, pieces, axis);
};

/** A concatenation of any number of tensors, by ops that take at most four. */
export function joined(at: Pick<NodeView, "emit">, pieces: readonly Value[], axis: number): Value {
  let whole = pieces[0] as Value;
  for (let i = 1; i < pieces.length; i += 3) whole = at.emit("concat", [whole, ...pieces.slice(i, i + 3)], { axis });
  return whole;
}

/** The start or end of a slice, counted from the front and clamped to the axis. */
function clamped(at: number, extent: number): number {
  return Math.min(Math.max(at < 0 ? at + extent : at, 0), extent);
}

/** A slice with a step; a negative step becomes a slice of the flipped axis. */
function strided(at: NodeView, x: Value, axis: number, start: number, end: number, step: number): Value {
  if (step === 0) decline("its step is 0");
  const extent = extentOf(x, axis);
  const emit = (from: Value, first: number, last: number) =>
    at.emit("slice", [from], { axis, start: first, end: Math.max(first, last), step: Math.abs(step) });
  if (step > 0) return emit(x, clamped(start, extent), clamped(end, extent));
  // Counted from the last element; -1 stands for an end before the first one.
  const flipped = (place: number) =>
    extent - 1 - Math.min(Math.max(place < 0 ? place + extent : place, -1), extent - 1);
  return emit(at.emit("flip", [x], { axis }), flipped(start), flipped(end));
}

/** An end that exceeds any extent, and so means "to the end". */
const farEnd = 2 ** 31 - 1;

const slice: Rule = (at) => {
  let x = at.input(0);
  for (const { axis, start, end, step } of cuts(at, x.shape.length)) {
    if (typeof start !== "number" || typeof end !== "number" || typeof step !== "number") {
      decline("its start or end is not a constant");
    }
    if (start === 0 && end >= farEnd && step === 1) continue;
    const extent = extentOf(x, axis);
    const from = clamped(start, extent);
    const to = Math.max(from, clamped(end, extent));
    if (step !== 1) x = strided(at, x, axis, start, end, step);
    else if (from > 0 || to < extent) x = at.slice(x, axis, from, to);
  }
  return x;
};

const split: Rule = (at) => {
  const x = at.input(0);
  const axis = at.axis(at.int("axis", 0), x.shape.length);
  extentOf(x, axis);
  let start = 0;
  return at.node.outputs.map((name, i) => {
    const length = name === "" ? undefined : at.resultShape(i)[axis];
    if (length !== undefined && typeof length !== "number") decline("the lengths of its pieces are not constants");
    const from = start;
    start += length ?? 0;
    return at.wants(i) ? at.slice(x, axis, from, start) : undefined;
  });
};

const expand: Rule = (at) => {
  const x = at.input(0);
  const shape = at.resultShape();
  const merged = broadcastShapes(x.shape, shape);
  if (merged === undefined || !sameShape(merged, shape))
    decline(`${printShape(x.shape)} does not broadcast to ${printShape(shape)}`);
  return sameShape(x.shape, shape) ? x : at.emit("broadcast", [x], { shape });
};

/** More constant indices than this become an embedding instead of slices. */
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
  if (axis !== 0 || table.shape.length !== 2) decline("it gathers something other than rows of a matrix");
  if (items?.some((id) => id < 0)) decline("some of its indices count from the end");
  return at.emit("embedding", [ids, table]);
};

/** An op for each axis that is padded. */
const pad: Rule = (at) => {
  let x = at.input(0);
  const rank = x.shape.length;
  const isOld = at.opset < 11;
  const pads = (isOld ? at.ints("pads") : at.constantItems(1)) ?? decline("its amounts of padding are not constants");
  const axes = !isOld && at.has(3) ? (at.constantItems(3) ?? decline("its axes are not constants")) : undefined;
  const mode = at.text("mode", "constant");
  if (!["constant", "edge", "reflect"].includes(mode)) decline(`the language has no \`${mode}\` padding`);
  const given = !isOld && at.has(2) ? at.number(2)?.value : at.float("value", 0);
  const value = given ?? decline("the value of its padding is not a constant");
  const along = axes === undefined ? [...x.shape.keys()] : axes.map((axis) => at.axis(axis, rank));
  for (const [i, axis] of along.entries()) {
    const [before, after] = [pads[i] ?? 0, pads[i + along.length] ?? 0];
    if (before < 0 || after < 0) decline("its padding is negative");
    if (before + after === 0) continue;
    extentOf(x, axis);
    const filled = mode === "constant" ? { value } : {};
    x = at.emit("pad", [x], { axis, before, after, mode, ...filled });
  }
  return x;
};

/** Takes the elements that the indices select from each row; there must be a row of indices for each row of x. */
const gatherElements: Rule = (at) => {
  const [x, index] = [at.input(0), at.input(1)];
  const axis = at.axis(at.int("axis", 0), x.shape.length);
  if (at.constantItems(1)?.some((id) => id < 0)) decline("some of its indices count from the end");
  const isLike = index.shape.every((dim, i) => i === axis || dim === x.shape[i]);
  if (!isLike) decline("its indices have fewer rows than its input");
  if (at.constantItems(1) !== undefined || index.element === "u32") return at.emit("gather", [x, index], { axis });
  // Indices computed at run time may count from the end.
  const isFromEnd = at.emit("lt", [index, at.constant(index.element, 0)]);
  const fromStart = at.emit("add", [index, at.constant(index.element, extentOf(x, axis))]);
  return at.emit("gather", [x, at.emit("where", [isFromEnd, fromStart, index])], { axis });
};

export const shapeRules: Readonly<Record<string, Rule>> = {
  ":Reshape": regroup,
  ":Flatten": regroup,
  ":Transpose": transpose,
  ":Unsqueeze": regroup,
  ":Squeeze": regroup,
  ":Concat": concat,
  ":Slice": slice,
  ":Split": split,
  ":Pad": pad,
  ":GatherElements": gatherElements,
  ":Expand": expand,
  ":Gather": gather,
};

/** Nodes that move, cut, join and look up elements. */

import type { Value } from "../../ir/ir.ts";
import { broadcastShapes, printShape, type Shape, sameShape } from "../../ir/types.ts";
import { decline, extentOf, type NodeView, type Rule } from "../node.ts";
import { cuts } from "../types/shapes.ts";

/** The same elements in the shape of the result. */
const regroup: Rule = (at) => {
  const x = at.input(0);
  const shape = at.resultShape();
  const product = (dims: Shape) => {
    const number = dims.reduce<number>((all, dim) => (typeof dim === "number" ? all * dim : all), 1);
    return [number, ...dims.filter((dim) => typeof dim === "string").sort()].join();
  };
  if (product(x.shape) !== product(shape))
    decline(`the names of dimensions do not say that ${printShape(x.shape)} and ${printShape(shape)} are of one size`);
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

/** At most four tensors are joined by one op. */
export function joined(at: Pick<NodeView, "emit">, pieces: readonly Value[], axis: number): Value {
  let whole = pieces[0] as Value;
  for (let i = 1; i < pieces.length; i += 3) whole = at.emit("concat", [whole, ...pieces.slice(i, i + 3)], { axis });
  return whole;
}

/** Where a slice begins or ends, counted from the front and cut short at the ends of the axis. */
function clamped(at: number, extent: number): number {
  return Math.min(Math.max(at < 0 ? at + extent : at, 0), extent);
}

/** Every `step`-th element from `from` on, before `to`; behind `to` and back to front where the step is below 0. */
function strided(at: NodeView, x: Value, axis: number, { start, end, step }: Cut): Value {
  if (step === 0) decline("its steps are 0");
  const extent = extentOf(x, axis);
  if (step > 0) return cutOut(at, x, axis, clamped(start, extent), clamped(end, extent), step);
  // Counted from the last element; an end before the first one is behind the last of these.
  const last = (place: number) => extent - 1 - Math.min(Math.max(place < 0 ? place + extent : place, -1), extent - 1);
  return cutOut(at, at.emit("flip", [x], { axis }), axis, last(start), last(end), -step);
}

function cutOut(at: NodeView, x: Value, axis: number, start: number, to: number, step: number): Value {
  const end = Math.max(start, to);
  return at.emit("slice", [x], { axis, start, end, step });
}

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Beyond what any axis has: "to the end". */
const farEnd = 2 ** 31 - 1;

const slice: Rule = (at) => {
  let x = at.input(0);
  for (const { axis, start, end, step } of cuts(at, x.shape.length)) {
    if (typeof start !== "number" || typeof end !== "number" || typeof step !== "number") {
      decline("where it begins or ends is not known before it runs");
    }
    if (start === 0 && end >= farEnd && step === 1) continue;
    const extent = extentOf(x, axis);
    const from = clamped(start, extent);
    const to = Math.max(from, clamped(end, extent));
    if (step !== 1) x = strided(at, x, axis, { start, end, step });
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
    if (length !== undefined && typeof length !== "number") decline("where it cuts is not known before it runs");
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

/** Elements that stand around x: one op for each axis that has some. */
const pad: Rule = (at) => {
  let x = at.input(0);
  const rank = x.shape.length;
  const isOld = at.opset < 11;
  const pads =
    (isOld ? at.ints("pads") : at.constantItems(1)) ?? decline("how many there are is not known before it runs");
  const axes =
    !isOld && at.has(3) ? (at.constantItems(3) ?? decline("its axes are not known before it runs")) : undefined;
  const mode = at.text("mode", "constant");
  if (!["constant", "edge", "reflect"].includes(mode)) decline(`the language has no padding \`${mode}\``);
  const given = !isOld && at.has(2) ? at.number(2)?.value : at.float("value", 0);
  const value = given ?? decline("what stands there is not known before it runs");
  const along = axes === undefined ? [...x.shape.keys()] : axes.map((axis) => at.axis(axis, rank));
  for (const [i, axis] of along.entries()) {
    const [before, after] = [pads[i] ?? 0, pads[i + along.length] ?? 0];
    if (before < 0 || after < 0) decline("it takes elements away");
    if (before + after === 0) continue;
    extentOf(x, axis);
    const filled = mode === "constant" ? { value } : {};
    x = at.emit("pad", [x], { axis, before, after, mode, ...filled });
  }
  return x;
};

/** From each row the elements that the indices name, where there are as many rows of either. */
const gatherElements: Rule = (at) => {
  const [x, index] = [at.input(0), at.input(1)];
  const axis = at.axis(at.int("axis", 0), x.shape.length);
  if (at.constantItems(1)?.some((id) => id < 0)) decline("some of its indices count from the end");
  const isLike = index.shape.every((dim, i) => i === axis || dim === x.shape[i]);
  if (!isLike) decline("its indices are of fewer rows than the tensor has");
  if (at.constantItems(1) !== undefined || index.element === "u32") return at.emit("gather", [x, index], { axis });
  // What is given at run time may count from the end.
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

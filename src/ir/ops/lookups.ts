/** Rows of the op table for ops that look up elements at positions given by an operand. */

import * as inputErrors from "../../diagnostics/areas/inputs.ts";
import * as linearErrors from "../../diagnostics/areas/linear.ts";
import { fail } from "../../diagnostics/diagnostic.ts";
import type { Value } from "../ir.ts";
import { indexAt, type Tensor } from "../tensor.ts";
import { type Dim, type Shape, sameShape } from "../types.ts";
import { attribute } from "./attributes.ts";
import type { IndexDef } from "./def.ts";
import { along, indexOp, printed, withExtent } from "./indexing.ts";
import { ofOne, ofPair } from "./vjp.ts";

type Gather = IndexDef<typeof along>;

const inferGather: Gather["infer"] = (shapes, attributes) => {
  const [x, index] = shapes as [Shape, Shape];
  const axis = attributes.axis;
  const isLike = index.length === x.length && sameShape(index, withExtent(x, axis, index.at(axis) as Dim));
  if (isLike) return index;
  const ofEach = withExtent(x, axis, 1);
  const isFlat = sameShape(index, ofEach.toSpliced(axis < 0 ? axis + x.length : axis, 1));
  const wanted = isFlat ? printed(ofEach) : undefined;
  return (at) => linearErrors.gatherShape(at(1), printed(index), printed(x), axis, at(0), wanted);
};

const pick: Gather["evaluate"] = (operands, attributes, { span }) => {
  const [x, index] = operands as [Tensor, Tensor];
  const axis = attributes.axis + x.shape.length;
  const extent = x.shape[axis] as number;
  return index.data.map((number, i) => {
    if (number < 0 || number >= extent) fail(inputErrors.indexOutOfRange(span, number, i, extent));
    return elementAt(x, indexAt(i, index.shape).with(axis, number));
  });
};

function elementAt({ shape, data }: Tensor, index: readonly number[]): number {
  return data[index.reduce((place, at, axis) => place * (shape[axis] as number) + at, 0)] as number;
}

/** For each element, the sum of dy[k] over the positions k of the row at which index[k] is the element's own position. */
const gatherBack = ofOne((t, x, dy, { operands, attributes }) => {
  const index = operands[1] as Value;
  const axis = attribute.axis(attributes);
  const at = axis + x.shape.length;
  const count = index.shape[at] as Dim;
  // The looked-up positions become an axis of their own after that of the elements.
  const shape = x.shape.toSpliced(at + 1, 0, count);
  const apart = (value: Value) => t.reshape(value, value.shape.toSpliced(at, 0, 1));
  const own = t.op("iota", [], { shape, axis: at });
  // The positions that are looked up, which differ from the given ones if those are out of range.
  const places = t.op("gather", [t.op("iota", [], { shape: x.shape, axis }), index], { axis });
  const terms = t.where(t.eq(own, apart(places)), apart(dy), 0);
  return count === 1 ? t.reshape(terms, x.shape) : t.op("sum", [terms], { axes: [axis] });
});

export const gather = indexOp({
  summary:
    "The elements of x that `index` (i32 or u32) selects along an axis, each in its own row. The other dimensions of x and `index` are the same.",
  operands: [{ name: "x" }, { name: "index", element: "index" }],
  attributes: along,
  infer: inferGather,
  evaluate: pick,
  map: (shapes, attributes) => {
    const axes = (shapes[1] as Shape).map((_, axis) => axis);
    const own = axes.map((axis) => (axis === attributes.axis + axes.length ? undefined : axis));
    return { kind: "lookup", operand: 0, index: 1, indexAxes: axes, axes: own };
  },
  // Along another axis, neighbouring elements come from different positions of their rows.
  zeroMean: () => [],
  vjp: { by: [gatherBack, null] },
});

const inferEmbedding: IndexDef["infer"] = (shapes) => {
  const [ids, table] = shapes as [Shape, Shape];
  if (table.length === 2) return [...ids, table[1] as Dim];
  return (at) => linearErrors.operandShape(at(1), "embedding", "table", "[count, width]", printed(table));
};

const lookUp: IndexDef["evaluate"] = (operands, _, { span }) => {
  const [ids, table] = operands as [Tensor, Tensor];
  const [count, width] = table.shape as [number, number];
  const result = new Float64Array(ids.data.length * width);
  for (const [i, id] of ids.data.entries()) {
    if (id < 0 || id >= count) fail(inputErrors.idOutOfRange(span, id, i, count));
    result.set(table.data.subarray(id * width, (id + 1) * width), i * width);
  }
  return result;
};

export const embedding = indexOp({
  summary: "The rows of a table `[count, width]` that `ids` (i32 or u32, of any shape) selects: `[...ids, width]`.",
  operands: [{ name: "ids", element: "index" }, { name: "table" }],
  infer: inferEmbedding,
  evaluate: lookUp,
  map: ([ids]) => {
    const indexAxes = (ids as Shape).map((_, axis) => axis);
    return { kind: "lookup", operand: 1, index: 0, indexAxes, axes: [undefined, indexAxes.length] };
  },
  zeroMean: ({ axes, block }) =>
    axes.includes(-1) ? [{ means: [{ operand: 1, axes: [-1], block }], exact: axes.length === 1 }] : [],
  vjp: {
    by: [null, ofPair((t, ids, table, dy) => t.op("embedding_grad", [ids, dy], { shape: [...table.shape] }))],
  },
});

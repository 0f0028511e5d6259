/**
 * Derivatives of ops that move elements by their index: the column `vjp` of their rows. Each is the transpose of the move:
 * an element gets the sum of the cotangents at all places where it stands.
 *
 *   slice(x, start, end, step)   dy, with step - 1 zeros behind each element, and zeros before and behind
 *   concat(a, b)                 slices of dy
 *   pad(x)                       the slice of dy that is x; and what stands around it, added to the elements it repeats
 *   flip(x)                      flip(dy)
 *   embedding(ids, table)        embedding_grad(ids, dy): the sums of its rows by their ids
 *   gather(x, index)             sum over the places k of the row of dy[k] where index[k] is the element's own place
 */

import type { Value } from "../ir.ts";
import type { Dim } from "../types.ts";
import { attribute } from "./def.ts";
import type { IndexName } from "./indexing.ts";
import { ofOne, type Pullback, type Terms, type Vjp } from "./vjp.ts";

const cut = (t: Terms, x: Value, axis: number, start: number, end: number) => t.op("slice", [x], { axis, start, end });

/** x with zeros around it along an axis. */
const padded = (t: Terms, x: Value, axis: number, before: number, after: number) =>
  before + after === 0 ? x : t.op("pad", [x], { axis, before, after });

/** x with `step - 1` zeros behind each element along an axis. */
function spread(t: Terms, x: Value, axis: number, step: number): Value {
  if (step === 1) return x;
  const at = axis + x.shape.length;
  const extent = x.shape[at] as number;
  const apart = t.reshape(x, x.shape.toSpliced(at, 1, extent, 1));
  const wide = t.op("pad", [apart], { axis: at + 1, after: step - 1 });
  return t.reshape(wide, x.shape.with(at, extent * step));
}

const slice = ofOne((t, x, dy, { attributes }) => {
  const axis = attribute.axis(attributes);
  const extent = x.shape.at(axis) as number;
  const at = attribute.number(attributes, "start");
  const start = at < 0 ? at + extent : at;
  const wide = spread(t, dy, axis, attribute.number(attributes, "step"));
  const behind = extent - start - (wide.shape.at(axis) as number);
  return padded(t, behind < 0 ? cut(t, wide, axis, 0, extent - start) : wide, axis, start, Math.max(0, behind));
});

const pieceOf =
  (piece: number): Pullback =>
  ({ operands, cotangents, attributes, terms }) => {
    const axis = attribute.axis(attributes);
    const extents = operands.map((operand) => (operand === undefined ? 0 : (operand.shape.at(axis) as number)));
    const start = extents.slice(0, piece).reduce((a, b) => a + b, 0);
    return cut(terms, cotangents[0] as Value, axis, start, start + (extents[piece] as number));
  };

const pad = ofOne((t, x, dy, { attributes }) => {
  const axis = attribute.axis(attributes);
  const extent = x.shape.at(axis) as number;
  const [before, after] = [attribute.number(attributes, "before"), attribute.number(attributes, "after")];
  const mode = attribute.text(attributes, "mode");
  const own = cut(t, dy, axis, before, before + extent);
  if (mode === "constant") return own;
  // Of an edge all that repeats it; of a reflection each element where it stands, in reverse.
  const back = (from: number, count: number, start: number): Value => {
    const part = cut(t, dy, axis, from, from + count);
    if (mode === "reflect") return padded(t, t.op("flip", [part], { axis }), axis, start, extent - start - count);
    return padded(t, t.sum(part, [axis]), axis, start, extent - start - 1);
  };
  const atEdge = mode === "edge";
  const parts = [
    ...(before > 0 ? [back(0, before, atEdge ? 0 : 1)] : []),
    ...(after > 0 ? [back(before + extent, after, extent - 1 - (atEdge ? 0 : after))] : []),
  ];
  return parts.reduce((sum, part) => t.add(sum, part), own);
});

const gather = ofOne((t, x, dy, { operands, attributes }) => {
  const index = operands[1] as Value;
  const axis = attribute.axis(attributes);
  const at = axis + x.shape.length;
  const count = index.shape[at] as Dim;
  // The places that are looked up as an axis of their own, behind that of the elements.
  const shape = x.shape.toSpliced(at + 1, 0, count);
  const apart = (value: Value) => t.reshape(value, value.shape.toSpliced(at, 0, 1));
  const own = t.op("iota", [], { shape, axis: at });
  // Those that are looked up, not those that are named: out of range they are not the same.
  const places = t.op("gather", [t.op("iota", [], { shape: x.shape, axis }), index], { axis });
  const terms = t.where(t.eq(own, apart(places)), apart(dy), 0);
  return count === 1 ? t.reshape(terms, x.shape) : t.op("sum", [terms], { axes: [axis] });
});

export const indexVjps: { readonly [Name in IndexName]: Vjp } = {
  slice: { by: [slice] },
  concat: { by: [0, 1, 2, 3].map(pieceOf) },
  pad: { by: [pad] },
  flip: { by: [ofOne((t, _, dy, { attributes }) => t.op("flip", [dy], { axis: attribute.axis(attributes) }))] },
  gather: { by: [gather, null] },
  embedding: {
    by: [
      null,
      ({ operands: [ids, table], cotangents: [dy], terms }) =>
        terms.op("embedding_grad", [ids, dy], { shape: [...(table as Value).shape] }),
    ],
  },
  iota: { by: [] },
  linear_index: { by: [] },
  size: { by: [] },
};

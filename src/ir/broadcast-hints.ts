/** Why operands do not broadcast, and what to write so that they do: a reduction that keeps its axes, a reshape, a slice. */

import type { Mismatch } from "../diagnostics/areas/shapes.ts";
import { type Help, insertedAfter, proposal, type Span, wrapped } from "../diagnostics/diagnostic.ts";
import { listing, quoted } from "../diagnostics/wording.ts";
import type { Op, Value } from "./ir.ts";
import { ops } from "./ops/index.ts";
import { broadcastShapes, type Dim, printShape, reducedShape, type Shape, sameShape } from "./types.ts";

/** The spans of an op and its parts, so that a message can point at the part that is wrong. */
export interface Places {
  readonly op: Span;
  readonly operands?: readonly (Span | undefined)[];
  readonly attributes?: Readonly<Record<string, Span>>;
  /** The operands themselves, when a program is read: their definitions show what was meant. */
  readonly values?: readonly (Value | undefined)[];
}

/** The number of ops that are searched. */
const mostOps = 32;

/** The reductions without `keepdims` from which `value` is computed elementwise. */
function reductionsBehind(value: Value): Op[] {
  const found = new Set<Op>();
  const open = [value];
  for (let looked = 0; open.length > 0 && looked < mostOps; looked++) {
    const op = open.pop()?.def;
    if (op === undefined) continue;
    if (op.attributes.keepdims === false) found.add(op);
    else if (ops[op.name].kind === "elementwise") open.push(...op.operands.filter((operand) => operand !== undefined));
  }
  return [...found];
}

function keepdimsHelp(value: Value, others: Shape): Help[] {
  return reductionsBehind(value).flatMap((op) => {
    const from = op.operands[0]?.type.shape ?? [];
    const kept = reducedShape(from, op.attributes.axes as number[], true);
    if (!sameShape(op.result.type.shape, value.type.shape) || broadcastShapes(kept, others) === undefined) return [];
    const text = quoted(op.span);
    const call = text.endsWith(")") ? `${text.slice(0, -1)}, keepdims = true)` : `${op.name}(..., keepdims = true)`;
    const line = `write \`${call}\`: it keeps the reduced axis, with extent 1`;
    const whole = op.span.source.text.slice(op.span.start, op.span.end);
    const end = { ...op.span, end: op.span.end - 1 };
    const isShort = whole.endsWith(")") && !whole.includes("keepdims");
    return [isShort ? proposal(line, insertedAfter(end, ", keepdims = true")) : line];
  });
}

/** The first axes of `others` that have the extents of `shape`, in this order. */
function firstAxes(shape: Shape, others: Shape): number[] | undefined {
  const found: number[] = [];
  for (const [axis, dim] of others.entries()) if (dim === shape[found.length]) found.push(axis);
  return found.length === shape.length ? found : undefined;
}

/** The axes of `others` that have the extents of `shape`: adjacent ones if there is one such place, or else the only ones. */
function axesOf(shape: Shape, others: Shape): number[] | undefined {
  const starts = others.flatMap((_, start) =>
    sameShape(others.slice(start, start + shape.length), shape) ? start : [],
  );
  if (starts.length === 1) return shape.map((_, i) => (starts[0] as number) + i);
  const first = firstAxes(shape, others);
  const last = firstAxes(shape.toReversed(), others.toReversed())?.map((axis) => others.length - 1 - axis);
  return first?.join() === last?.toReversed().join() ? first : undefined;
}

function reshapeHelp(shape: Shape, others: Shape, span: Span | undefined): Help[] {
  const axes = axesOf(shape, others);
  if (axes === undefined) return [];
  const [start = 0] = axes;
  const wanted = others.slice(start).map((dim, i) => (axes.includes(start + i) ? dim : 1));
  const named = listing(axes.map((axis) => `${axis - others.length}`));
  const why = `for ${axes.length === 1 ? "axis" : "axes"} ${named} of ${printShape(others)}`;
  return [called("reshape", span, `shape = ${printShape(wanted)}`, why)];
}

type Conflict = Pick<Mismatch, "axis" | "dims">;

function conflictOf(a: Shape, b: Shape): Conflict | undefined {
  for (let axis = -1; axis >= -Math.min(a.length, b.length); axis--) {
    const dims = [a.at(axis) as Dim, b.at(axis) as Dim] as const;
    if (broadcastShapes([dims[0]], [dims[1]]) === undefined) return { axis, dims };
  }
  return undefined;
}

function transposeHelp(shape: Shape, others: Shape, span: Span | undefined): Help[] {
  const fits = shape.length === 2 && sameShape(shape.toReversed(), others);
  return fits ? [called("transpose", span, "perm = [1, 0]")] : [];
}

/** If both extents are numbers and this one is larger: a slice of the axis, or a separate axis for each operand. */
function extentHelp(shape: Shape, others: Shape, { axis, dims }: Conflict, span: Span | undefined): Help[] {
  const [small = 0, large = 0] = dims.filter((dim) => typeof dim === "number").toSorted((a, b) => a - b);
  const at = axis + shape.length;
  if (large === 0 || shape[at] !== large) return [];
  const [split, why] =
    large % small === 0
      ? [[large / small, small], `for each group of ${small}`]
      : [[large, 1], "for all pairs of the two"];
  const wanted = shape.toSpliced(at, 1, ...split);
  const fits = (changed: Shape) => broadcastShapes(changed, others) !== undefined;
  const part = `axis = ${axis}, start = 0, end = ${small}`;
  return [
    ...(fits(shape.with(at, small)) ? [called("slice", span, part, `for ${small} of the ${large}`)] : []),
    ...(fits(wanted) ? [called("reshape", span, `shape = ${printShape(wanted)}`, why)] : []),
  ];
}

/** A name can be any extent, so a named dimension equals another only if the names are the same. */
function nameHelp(shape: Shape, others: Shape, { axis }: Conflict): Help[] {
  const [name, other] = [shape.at(axis), others.at(axis)];
  if (typeof name !== "string" || others.includes(name)) return [];
  return [
    typeof other === "string"
      ? `if \`${name}\` and \`${other}\` are always equal, write \`${other}\` for both`
      : `if \`${name}\` is always ${other}, write \`${other}\` in its place in the parameters`,
  ];
}

/** A call around an operand. */
function called(op: string, span: Span | undefined, attributes: string, why?: string): Help {
  const line = `write \`${op}(${quoted(span)}, ${attributes})\`${why === undefined ? "" : ` ${why}`}`;
  return span === undefined ? line : proposal(line, ...wrapped(span, `${op}(`, `, ${attributes})`));
}

/** The first two of `shapes` that do not broadcast, the axis on which they differ, and help. There must be two. */
export function conflictIn(shapes: readonly Shape[], places: Places): Mismatch {
  for (const [j, b] of shapes.entries()) {
    for (const [i, a] of shapes.slice(0, j).entries()) {
      const conflict = conflictOf(a, b);
      if (conflict !== undefined) return { a, b, ...conflict, help: helpFor([i, j], shapes, conflict, places) };
    }
  }
  throw new Error("the shapes broadcast");
}

/** The first kind of help that applies to one of the two operands. */
function helpFor(
  [i, j]: readonly [number, number],
  shapes: readonly Shape[],
  conflict: Conflict,
  { operands = [], values = [] }: Places,
): Help[] {
  const sides = [[i, j] as const, [j, i] as const].map(([at, other]) => {
    return { shape: shapes[at] as Shape, others: shapes[other] as Shape, span: operands[at], value: values[at] };
  });
  const ways: ((side: (typeof sides)[number]) => Help[])[] = [
    ({ value, others }) => (value === undefined ? [] : keepdimsHelp(value, others)),
    ({ shape, others, span }) => reshapeHelp(shape, others, span),
    ({ shape, others, span }) => transposeHelp(shape, others, span),
    ({ shape, others, span }) => extentHelp(shape, others, conflict, span),
    ({ shape, others }) => nameHelp(shape, others, conflict),
  ];
  for (const way of ways) {
    for (const side of sides) {
      const help = way(side);
      if (help.length > 0) return help;
    }
  }
  return [];
}

/** Suggestions for operands whose shapes do not broadcast: a reduction that keeps its axes, or a reshape. */

import { type Help, insertedAfter, proposal, type Span, wrapped } from "../diagnostics/diagnostic.ts";
import { quoted } from "../diagnostics/wording.ts";
import type { Op, Value } from "./ir.ts";
import { ops } from "./ops/index.ts";
import { broadcastShapes, printShape, reducedShape, type Shape, sameShape } from "./types.ts";

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

/** The number of axes after `shape` in `others`, if it occurs there exactly once. */
function axesBehind(shape: Shape, others: Shape): number | undefined {
  const starts = others.flatMap((_, start) =>
    sameShape(others.slice(start, start + shape.length), shape) ? start : [],
  );
  return starts.length === 1 ? others.length - (starts[0] as number) - shape.length : undefined;
}

function reshapeHelp(shape: Shape, others: Shape, span: Span | undefined): Help[] {
  const behind = shape.length === 0 ? undefined : axesBehind(shape, others);
  if (behind === undefined || behind === 0) return [];
  const wanted = printShape([...shape, ...new Array<number>(behind).fill(1)]);
  const line = `write \`reshape(${quoted(span)}, shape = ${wanted})\` for axis ${-behind - 1} of ${printShape(others)}`;
  return [span === undefined ? line : proposal(line, ...wrapped(span, "reshape(", `, shape = ${wanted})`))];
}

/** Help for operands that do not broadcast. */
export function broadcastHelp(shapes: readonly Shape[], { operands = [], values = [] }: Places): Help[] {
  for (const [i, shape] of shapes.entries()) {
    const others = shapes.filter((_, j) => j !== i).reduce((a, b) => (a.length >= b.length ? a : b), []);
    const value = values[i];
    const keep = value === undefined ? [] : keepdimsHelp(value, others);
    if (keep.length > 0) return keep;
    const reshape = reshapeHelp(shape, others, operands[i]);
    if (reshape.length > 0) return reshape;
  }
  return [];
}

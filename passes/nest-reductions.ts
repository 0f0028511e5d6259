/**
 * Splits a reduction over several axes into two reductions, where the first can share a kernel with the ops before it.
 *
 *   let p = log_softmax(x, axes = [-1])
 *   let s = sum(exp(p) * p, axes = [-2, -1])
 *   ->
 *   let p = log_softmax(x, axes = [-1])
 *   let t = sum(exp(p) * p, axes = [-1])
 *   let s = sum(t, axes = [-1])
 *
 * No kernel computes both the softmax and the sum of all elements, as they reduce different axes: the product would be stored
 * and loaded again. After the rewrite, only a state of one or two numbers per row is. How a reduction follows from those of rows,
 * which all have the same length, is a column of its row (src/ir/ops/parts.ts): a variance from the means and variances of rows, for
 * example. Only `argmax` and `argmin` stay, as rows need not be in the order of the positions. Halves are reduced in f32, as in a
 * kernel.
 */

import { leavesOf } from "../src/ir/atoms.ts";
import { type Builder, rewrite } from "../src/ir/builder.ts";
import type { Op, Value } from "../src/ir/ir.ts";
import type { IterationSpace } from "../src/ir/iteration.ts";
import { asResult, countIn, resultsFrom } from "../src/ir/merged-results.ts";
import { reducedShape } from "../src/ir/mixed-order.ts";
import { partialReduction } from "../src/ir/op-kinds.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { ops as table } from "../src/ir/ops/index.ts";
import type { Operands } from "../src/ir/ops/meaning.ts";
import type { Division, PartialReduction } from "../src/ir/ops/parts.ts";
import { isNarrow } from "../src/ir/types.ts";
import { definePass } from "../src/pass/define-pass.ts";
import { SpacesBefore } from "./spaces-before.ts";

export const nestReductions = definePass({
  name: "nest-reductions",
  summary: "Splits a reduction of several axes, so that its first part shares a kernel with reductions before it.",
  example: [
    "let s = sum(softmax(x, axes = [-1]) * y, axes = [-2, -1])",
    "->",
    "let t = sum(softmax(x, axes = [-1]) * y, axes = [-1])",
    "let s = sum(t, axes = [-1])",
  ].join("\n"),
  options: {},
  run(fn, context) {
    const before = new SpacesBefore(fn);
    return rewrite(fn, (op, builder, original) => {
      const axes = innerAxes(original, before);
      if (axes === undefined) return undefined;
      context.count("reductions nested");
      return nested(op, axes, builder);
    });
  },
});

/** The results of a reduction from those along `inner`, which are some of its axes. */
function nested(op: Op, inner: readonly number[], to: Builder): readonly Value[] {
  const { attributes } = op;
  const x = op.operand(0);
  const parts = partialReduction(op) as PartialReduction;
  const wide = isNarrow(x.element) ? to.emit("cast", [x], { to: "f32" }) : x;
  const states = parts.states(to, wide, { axes: inner, attributes, isEqual: true }) as Operands<Value>;
  const left = x.shape.map((_, i) => i - x.shape.length).filter((axis) => !inner.includes(axis));
  const reduced = attribute.axes(attributes);
  const axes = left.flatMap((axis, i) => (reduced.includes(axis) ? [i - left.length] : []));
  const total = () => countIn(reducedShape(op), to);
  const division: Division = { axes, keepdims: true, elements: { total }, starts: notInOrder };
  const values = resultsFrom(to, op, parts, parts.merge(to, states, division), division);
  return values.map((value, i) => asResult(to, value, op.results[i] as Value));
}

const notInOrder = (): never => {
  throw new Error("rows need not be in the order of their positions");
};

/** Whether a reduction follows from those of rows in any order. */
function isNestable(op: Op): boolean {
  const def = table[op.name];
  return def.kind === "reduction" && partialReduction(op) !== undefined && def.reduction.places !== true;
}

/** The axes reduced by earlier reductions that the op's operand depends on, if the op reduces these axes and others. */
function innerAxes(op: Op, before: SpacesBefore): readonly number[] | undefined {
  const reduced = isNestable(op) ? attribute.axes(op.attributes) : [];
  return reduced.length < 2 ? undefined : before.read(op, (space) => columnsAmong(reduced, op.operand(0), space));
}

/** The axes of the value that are the columns of the space, if they are all columns and not all of `reduced`. */
function columnsAmong(reduced: readonly number[], value: Value, space: IterationSpace): readonly number[] | undefined {
  const columns = new Set(space.columns);
  if (columns.size === 0) return undefined;
  const dims = space.dimsOf(value);
  const axes = reduced
    .map((axis) => ({ axis, atoms: leavesOf(dims.at(axis) ?? []) }))
    .filter(({ atoms }) => atoms.length > 0);
  const inner = axes.filter(({ atoms }) => atoms.every((atom) => columns.has(atom)));
  const isRest = axes.filter(({ atoms }) => atoms.every((atom) => !columns.has(atom)));
  const isWhole = inner.flatMap(({ atoms }) => atoms).length === columns.size;
  const isSplit = isWhole && isRest.length > 0 && inner.length + isRest.length === axes.length;
  return isSplit ? inner.map(({ axis }) => axis) : undefined;
}

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
import { type Fn, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { IterationSpace } from "../src/ir/iteration.ts";
import { asResult, resultsFrom } from "../src/ir/merged-results.ts";
import { partialReduction, scanOf } from "../src/ir/op-kinds.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { ops as table } from "../src/ir/ops/index.ts";
import type { Operands } from "../src/ir/ops/meaning.ts";
import type { Division, PartialReduction } from "../src/ir/ops/parts.ts";
import { elementCount } from "../src/ir/tensor.ts";
import { type Dim, isNarrow } from "../src/ir/types.ts";
import { definePass } from "../src/pass/define-pass.ts";

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
  run: (fn, context) =>
    rewrite(fn, (op, builder, original) => {
      const axes = innerAxes(fn, original);
      if (axes === undefined) return undefined;
      context.count("reductions nested");
      return nested(op, axes, builder);
    }),
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
  const shape = reduced.map((axis) => x.shape.at(axis) as Dim);
  const total = () =>
    shape.every((dim) => typeof dim === "number")
      ? elementCount(shape)
      : to.emit("cast", [to.emit("size", [], { shape })], { to: "f32" });
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
function innerAxes(fn: Fn, op: Op): readonly number[] | undefined {
  const reduced = isNestable(op) ? attribute.axes(op.attributes) : [];
  if (reduced.length < 2) return undefined;
  const space = spaceBefore(fn, op);
  if (space === undefined || space.columns.length === 0) return undefined;
  const columns = new Set(space.columns);
  const dims = space.dimsOf(op.operand(0));
  const axes = reduced
    .map((axis) => ({ axis, atoms: leavesOf(dims.at(axis) ?? []) }))
    .filter(({ atoms }) => atoms.length > 0);
  const inner = axes.filter(({ atoms }) => atoms.every((atom) => columns.has(atom)));
  const isRest = axes.filter(({ atoms }) => atoms.every((atom) => !columns.has(atom)));
  const isWhole = inner.flatMap(({ atoms }) => atoms).length === columns.size;
  const isSplit = isWhole && isRest.length > 0 && inner.length + isRest.length === axes.length;
  return isSplit ? inner.map(({ axis }) => axis) : undefined;
}

/** The common iteration space of the nearest reductions before an op and of the ops between, if there is one. */
function spaceBefore(fn: Fn, op: Op): IterationSpace | undefined {
  const found = new Set<Op>(presentOperands(op).flatMap(({ def }) => def ?? []));
  for (const before of found) {
    const { kind } = table[before.name];
    if (kind !== "elementwise" && kind !== "shape") continue;
    for (const { def } of presentOperands(before)) if (def !== undefined) found.add(def);
  }
  const space = new IterationSpace();
  for (const before of fn.ops) {
    if (!found.has(before) || !isInSpace(before)) continue;
    if (space.add(before) !== undefined) return undefined;
  }
  return space;
}

/** Whether a loop over rows and columns computes the op at the current element; others are inputs. */
function isInSpace(op: Op): boolean {
  return ["elementwise", "shape", "reduction", "norm"].includes(table[op.name].kind) || scanOf(op) !== undefined;
}

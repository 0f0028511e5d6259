/**
 * Splits a reduction over several axes into two reductions, where the first can share a kernel with the ops before it.
 *
 *   let p = log_softmax(x, axes = [-1])
 *   let s = sum(exp(p) * p, axes = [-2, -1])
 *   ->
 *   let p = log_softmax(x, axes = [-1])
 *   let t = sum(exp(p) * p, axes = [-1], keepdims = true)
 *   let s = sum(t, axes = [-2, -1])
 *
 * No kernel computes both the softmax and the sum of all elements, as they reduce different axes: the product would be stored
 * and loaded again. After the rewrite, only one number per row is. The rewrite applies to reductions that merge their own results
 * (`sum`, `max`, `min`, `prod`) and to `mean`, as all rows have the same length. Halves are reduced in f32, as in a kernel.
 */

import { leavesOf } from "../src/ir/atoms.ts";
import { rewrite } from "../src/ir/builder.ts";
import { type Fn, type Op, presentOperands } from "../src/ir/ir.ts";
import { IterationSpace } from "../src/ir/iteration.ts";
import { scanOf } from "../src/ir/op-kinds.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import { ops as table } from "../src/ir/ops/index.ts";
import { isNarrow } from "../src/ir/types.ts";
import { isMonoid } from "../src/kernel/reduction.ts";
import { definePass } from "../src/pass/define-pass.ts";

export const nestReductions = definePass({
  name: "nest-reductions",
  summary: "Splits a reduction of several axes, so that its first part shares a kernel with reductions before it.",
  example: [
    "let s = sum(softmax(x, axes = [-1]) * y, axes = [-2, -1])",
    "->",
    "let t = sum(softmax(x, axes = [-1]) * y, axes = [-1], keepdims = true)",
    "let s = sum(t, axes = [-2, -1])",
  ].join("\n"),
  options: {},
  run: (fn, context) =>
    rewrite(fn, (op, builder, original) => {
      const axes = innerAxes(fn, original);
      if (axes === undefined) return undefined;
      context.count("reductions nested");
      const [x] = op.operands;
      const { element } = op.result;
      const wide = isNarrow(element) ? builder.emit("cast", [x], { to: "f32" }) : x;
      const inner = builder.emit(op.name, [wide], { ...op.attributes, axes, keepdims: true });
      const outer = builder.emit(op.name, [inner], op.attributes);
      return isNarrow(element) ? builder.emit("cast", [outer], { to: element }) : outer;
    }),
});

function isNestable({ name }: Op): boolean {
  const def = table[name];
  return def.kind === "reduction" && (name === "mean" || (isMonoid(def.reduction) && def.resultElement === undefined));
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

/**
 * gamma and beta applied after a norm: `norm(x) * gamma`, `layernorm(x) + beta`, in either order. A number in between,
 * as left by the unbiased variance, is folded into gamma: `norm(x) * number * gamma`.
 */

import type { Builder } from "../src/ir/builder.ts";
import { definedBy, type Fn, type Op, type Value } from "../src/ir/ir.ts";
import { quoted } from "../src/ir/naming.ts";
import type { NormDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { type Dim, printShape, type Shape, sameShape, sameType } from "../src/ir/types.ts";
import type { PassContext } from "../src/pass/define-pass.ts";
import type { NotRaised } from "../src/pass/facts.ts";
import { numberOf, orders, padded } from "./match.ts";
import { notRaised, type Swept, sweep } from "./raising.ts";

/** The operand of the norm to set, and the op that applies it. */
const slots = { gamma: { index: 1, joint: "mul" }, beta: { index: 2, joint: "add" } } as const;
type Slot = keyof typeof slots;

const viewOf = (norm: Op) => (ops[norm.name] as NormDef).view(norm.result.shape, norm.attributes);

/** The norm that defines `value`, if it accepts this operand, and has neither this operand nor one that is applied after it. */
function normWithout(slot: Slot, value: Value): Op | undefined {
  const norm = definedBy(value, "layernorm", "rmsnorm");
  if (norm === undefined || ops[norm.name].operands.length <= slots[slot].index) return undefined;
  return norm.operands.slice(slots[slot].index).every((operand) => operand === undefined) ? norm : undefined;
}

/** A norm times a number: the norm, the number, and the value of the norm. */
function timesNumber(value: Value): { normed: Value; number: Value } | undefined {
  const product = definedBy(value, "mul");
  for (const [normed, number] of product === undefined ? [] : orders(product)) {
    if (number.shape.length === 0 && numberOf(number) !== undefined) return { normed, number };
  }
  return undefined;
}

/** `value` in the shape that the norm's row of the op table requires, or `undefined` if it is larger or has another layout. */
function asAffine(norm: Op, value: Value, builder: Builder): Value | undefined {
  const { affine, affineView } = viewOf(norm);
  if (value.element !== norm.result.element || value.shape.length > affineView.length) return undefined;
  if (!sameShape(padded(value.shape, affineView.length), affineView)) return undefined;
  return sameShape(value.shape, affine) ? value : builder.emit("reshape", [value], { shape: affine });
}

/** Whether `value` has the norm's axes, but makes the result of `op` larger than the norm's. */
function widens(norm: Op, value: Value, op: Op): boolean {
  const { affineView, axes } = viewOf(norm);
  const along = (shape: Shape) => axes.map((axis) => shape.at(axis) as Dim);
  const isAlong = sameShape(along(padded(value.shape, affineView.length)), along(affineView));
  return isAlong && !sameShape(op.result.shape, norm.result.shape);
}

function widening(slot: Slot, norm: Op, value: Value, op: Op) {
  const [has, wanted] = [printShape(value.shape), printShape(norm.result.shape)];
  const because = `${quoted(value)} of shape ${has} makes the result larger than the norm's ${wanted}`;
  const help = `${slot} has the shape of the normalized axes`;
  return notRaised(op, `the ${slot} of \`${norm.name}\``, { because, help, at: value.span });
}

/** One traversal that folds gammas, or betas, into the norms before them. A norm that has other uses stays as it is. */
export function raiseAffine(fn: Fn, slot: Slot, context: PassContext<unknown>): Swept {
  const { index, joint } = slots[slot];
  const facts: NotRaised[] = [];
  const swept = sweep(fn, (op, builder, uses) => {
    if (op.name !== joint) return undefined;
    for (const [left, value] of orders(op)) {
      const scaled = slot === "gamma" ? timesNumber(left) : undefined;
      const norm = normWithout(slot, scaled?.normed ?? left);
      if (norm === undefined) continue;
      if (widens(norm, value, op)) facts.push(widening(slot, norm, value, op));
      const isSeen = [left, norm.result].some((read) => uses(read).returned || uses(read).ops.length > 1);
      if (isSeen || !sameType(op.result.type, left.type)) continue;
      const lying = asAffine(norm, value, builder);
      if (lying === undefined) continue;
      const operand = scaled === undefined ? lying : builder.emit("mul", [lying, scaled.number]);
      context.count(`${slot} taken in`);
      return builder.emit(norm.name, norm.operands.with(index, operand), norm.attributes);
    }
    return undefined;
  });
  return { ...swept, facts };
}

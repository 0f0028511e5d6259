/**
 * Finds norms and activations that are written out in primitive ops.
 *
 *   let m = mean(x, axes = [-1], keepdims = true)
 *   let d = x - m
 *   let v = mean(d * d, axes = [-1], keepdims = true)
 *   let y = d * rsqrt(v + 1e-5) * g + b
 *   ->
 *   let y = layernorm(x, g, b, axes = [-1], eps = 1e-5)
 *
 * Also `center`, `rmsnorm`, `l2norm`, `softmax`, `log_softmax`, `gelu` and `silu`: each rule stands in a file of
 * patterns, with its formula. What is used elsewhere or returned is still computed. gamma and beta are taken in where
 * the norm has no other use. What looks like a norm and is none stays, with a remark that says which condition failed.
 */

import { remarks } from "../src/diagnostics/remarks.ts";
import type { Builder } from "../src/ir/builder.ts";
import { definedBy, type Fn, type Op, type Uses, type Value } from "../src/ir/ir.ts";
import type { NormDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { printShape, sameShape, sameType } from "../src/ir/types.ts";
import { definePass, type PassContext } from "../src/pass/define-pass.ts";
import { raiseActivation } from "./activation-patterns.ts";
import { withoutEqualOps } from "./cse.ts";
import { withoutDeadOps } from "./dce.ts";
import { orders, padded } from "./match.ts";
import { raiseCenter, raiseNorm, raiseShifted } from "./norm-patterns.ts";
import { Raising, sweep } from "./raising.ts";
import { raiseLogSoftmax, raiseSoftmax } from "./softmax-patterns.ts";
import { nameOf } from "./statistics.ts";

type Context = PassContext<Record<string, never>>;

type Rule = (op: Op, builder: Builder, raising: Raising) => Value | undefined;

/** Centers first: the norms are written with them. */
const stages: readonly (readonly Rule[])[] = [
  [raiseCenter, raiseShifted],
  [raiseNorm, raiseSoftmax, raiseLogSoftmax, raiseActivation],
];

/** One sweep with the first rule that fires at each op. */
function applyRules(fn: Fn, rules: readonly Rule[], context: Context): Fn {
  let raising: Raising | undefined;
  const raised = sweep(fn, (op, builder, uses) => {
    raising ??= new Raising(uses, (name) => context.count(`${name} found`));
    for (const rule of rules) {
      const value = rule(op, builder, raising);
      if (value !== undefined) return value;
    }
    return undefined;
  });
  for (const remark of raising?.remarks() ?? []) context.remark(remark);
  return raised;
}

/** `affine` in the shape that the norm's row of the op table wants, or `undefined` if it is none. */
function asAffine(norm: Op, affine: Value, builder: Builder): Value | undefined {
  const { shape } = norm.result;
  const wanted = (ops[norm.name] as NormDef).view(shape, norm.attributes);
  if (affine.element !== norm.result.element || affine.shape.length > shape.length) return undefined;
  if (!sameShape(padded(affine.shape, shape.length), wanted.affineView)) return undefined;
  return sameShape(affine.shape, wanted.affine) ? affine : builder.emit("reshape", [affine], { shape: wanted.affine });
}

/** Whether `value` would be a gamma, but for a dimension that the norm's operand lacks. */
function widens(norm: Op, value: Value, op: Op): boolean {
  const { shape } = norm.result;
  const { affineView, axes } = (ops[norm.name] as NormDef).view(shape, norm.attributes);
  const along = (dims: readonly (number | string)[]) => axes.map((axis) => dims.at(axis));
  const isAlong = sameShape(
    along(padded(value.shape, shape.length)) as (number | string)[],
    along(affineView) as (number | string)[],
  );
  return isAlong && !sameShape(op.result.shape, shape);
}

/** `norm(x) * gamma` or `layernorm(x) + beta`, in either order, taken into the norm. */
function raiseAffine(fn: Fn, slot: 1 | 2, context: Context): Fn {
  const [joint, word] = slot === 1 ? (["mul", "gamma"] as const) : (["add", "beta"] as const);
  const absorb = (op: Op, builder: Builder, uses: (value: Value) => Uses): Value | undefined => {
    if (op.name !== joint) return undefined;
    for (const [left, affine] of orders(op)) {
      const norm = definedBy(left, "layernorm", "rmsnorm");
      const isFree = norm !== undefined && slot < ops[norm.name].operands.length;
      if (!isFree || norm.operands.slice(slot).some((operand) => operand !== undefined)) continue;
      if (widens(norm, affine, op)) {
        const [has, wanted] = [printShape(affine.shape), printShape(norm.result.shape)];
        const because = `\`${nameOf(affine)}\` of shape ${has} makes the result larger than the norm's ${wanted}`;
        const help = `${word} has the shape of the normalized axes`;
        context.remark(
          remarks.notRaised(op.span, `the ${word} of \`${norm.name}\``, { because, help, at: affine.span }),
        );
      }
      const { ops: readers, returned } = uses(left);
      if (returned || readers.length > 1 || !sameType(op.result.type, left.type)) continue;
      const operand = asAffine(norm, affine, builder);
      if (operand === undefined) continue;
      context.count(`${word} taken in`);
      const operands = [norm.operand(0), norm.operands[1], undefined].with(slot, operand);
      return builder.emit(norm.name, operands.slice(0, ops[norm.name].operands.length), norm.attributes);
    }
    return undefined;
  };
  return sweep(fn, absorb);
}

export const raiseNorms = definePass({
  name: "raise-norms",
  summary: "Finds LayerNorm, RMSNorm, softmax, GELU and their relatives written in primitive ops.",
  example: [
    "let m = mean(x, axes = [-1], keepdims = true)",
    "let d = x - m",
    "let v = mean(d * d, axes = [-1], keepdims = true)",
    "let y = d * rsqrt(v + 1e-5) * g + b",
    "->",
    "let y = layernorm(x, g, b, axes = [-1], eps = 1e-5)",
  ].join("\n"),
  options: {},
  run(fn, context) {
    // Patterns compare values by identity, so what is written twice must be one value; and uses count, so none is dead.
    const tidy = (raised: Fn) => withoutDeadOps(withoutEqualOps(raised));
    const before = tidy(fn);
    const cores = stages.reduce((raised, rules) => tidy(applyRules(raised, rules, context)), before);
    const raised = withoutDeadOps(raiseAffine(raiseAffine(cores, 1, context), 2, context));
    return raised === before ? fn : raised;
  },
});

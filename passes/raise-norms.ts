/**
 * Recognizes norms and activations that are written in primitive ops.
 *
 *   let m = mean(x, axes = [-1], keepdims = true)
 *   let d = x - m
 *   let v = mean(d * d, axes = [-1], keepdims = true)
 *   let y = d * rsqrt(v + 1e-5) * g + b
 *   ->
 *   let y = layernorm(x, g, b, axes = [-1], eps = 1e-5)
 *
 * Also `center`, `rmsnorm`, `l2norm`, `softmax`, `log_softmax`, `gelu` and `silu`: each rule is in a file of
 * patterns, with its formula. Values that are used elsewhere or returned are still computed. gamma and beta are folded in if
 * the norm has no other use. Ops that nearly form a norm stay, with a remark on the condition that failed.
 */

import type { Builder } from "../src/ir/builder.ts";
import type { Fn, Op, Value } from "../src/ir/ir.ts";
import { definePass, type PassContext } from "../src/pass/define-pass.ts";
import type { NotRaised } from "../src/pass/facts.ts";
import { Steps } from "../src/pass/trail.ts";
import { raiseActivation } from "./activation-patterns.ts";
import { raiseAffine } from "./affine-patterns.ts";
import { withoutEqualOps } from "./cse.ts";
import { withoutDeadOps } from "./dce.ts";
import { raiseCenter, raiseNorm, raiseShifted } from "./norm-patterns.ts";
import { Raising, type Swept, sweep } from "./raising.ts";
import { raiseLogSoftmax, raiseSoftmax } from "./softmax-patterns.ts";

type Rule = (op: Op, builder: Builder, raising: Raising) => Value | undefined;

/** Centers first: the norms are written with them. */
const stages: readonly (readonly Rule[])[] = [
  [raiseCenter, raiseShifted],
  [raiseNorm, raiseSoftmax, raiseLogSoftmax, raiseActivation],
];

/** One traversal with the first rule that applies at each op. */
function applyRules(fn: Fn, rules: readonly Rule[], context: PassContext<unknown>): Swept {
  let raising: Raising | undefined;
  const swept = sweep(fn, (op, builder, uses) => {
    raising ??= new Raising(uses, (name) => context.count(`${name} found`));
    for (const rule of rules) {
      const value = rule(op, builder, raising);
      if (value !== undefined) return value;
    }
    return undefined;
  });
  return { ...swept, facts: raising?.facts() ?? [], assumptions: raising?.assumptions ?? [] };
}

export const raiseNorms = definePass({
  name: "raise-norms",
  summary: "Recognizes LayerNorm, RMSNorm, softmax, GELU and related ops that are written in primitive ops.",
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
    const steps = new Steps(fn);
    const facts: NotRaised[] = [];
    // Patterns compare values by identity, so equal values must be merged; and they count uses, so dead ops must be removed.
    const tidy = () => steps.take(withoutEqualOps(steps.fn)).take(withoutDeadOps(steps.fn));
    const take = ({ assumptions = [], ...swept }: Swept) => {
      // Facts about values as the rules saw them become facts about the values that the pass was given.
      facts.push(...steps.given(swept.facts, swept.origin));
      const given = (value: Value) => steps.origin(swept.origin(value)) ?? value;
      for (const one of assumptions) context.assume({ ...one, value: given(one.value), is: given(one.is) });
      steps.take(swept);
    };
    const before = tidy().fn;
    for (const rules of stages) {
      take(applyRules(steps.fn, rules, context));
      tidy();
    }
    for (const slot of ["gamma", "beta"] as const) take(raiseAffine(steps.fn, slot, context));
    steps.take(withoutDeadOps(steps.fn));
    return { ...(steps.fn === before ? { fn } : steps.output), facts };
  },
});

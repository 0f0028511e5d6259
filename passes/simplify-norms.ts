/**
 * Takes what stands before a norm into the norm, where that is exact and never loses.
 *
 *   let a = rmsnorm(x, axes = [-1], eps = 1e-5)
 *   let y = rmsnorm(a, axes = [-1], eps = 1e-5)
 *   ->
 *   let y = rmsnorm(x, axes = [-1], eps = 9.999900000999991e-11) * 0.9999950000374997
 *
 * The rules stand in norm-rules.ts, with their formulas: a norm of a norm is one norm; a number before a norm goes into its
 * eps; a bounded number a row goes where eps is 0; what is added to a row goes where the norm ignores it. What has other readers
 * stays, and so does a scale below 1, which keeps squares from overflowing.
 *
 * Each rule leaves fewer ops before the norm, so there is an end, and it is the same one whatever the order of the rules.
 */

import type { Law } from "../src/ir/field/laws.ts";
import type { Fn, Op, Value } from "../src/ir/ir.ts";
import { definePass, type PassContext } from "../src/pass/define-pass.ts";
import type { NotSimplified } from "../src/pass/facts.ts";
import { Steps } from "../src/pass/trail.ts";
import { Centering } from "./centering.ts";
import { withoutDeadOps } from "./dce.ts";
import { type NormRule, normRules, type Site } from "./norm-rules.ts";
import { sweep } from "./raising.ts";

type Rules = readonly (readonly [name: string, rule: NormRule])[];

/** The first rule that fires at each op, until none does; and what is said of values of the function given. */
export function simplified(fn: Fn, rules: Rules, context: PassContext<unknown>) {
  const steps = new Steps(fn);
  const centering = new Centering(context.consts);
  for (;;) {
    const laws: Law[] = [];
    const missed: NotSimplified[] = [];
    const swept = sweep(steps.fn, (op, builder, uses) => {
      const site: Site = {
        builder,
        uses,
        centering,
        law: (law) => void laws.push(law),
        missed: (value, what, miss) => void missed.push({ kind: "not simplified", value, what, miss }),
        settled: (norm) => (norm.def && applied(norm.def)) ?? norm,
      };
      const applied = (to: Op): Value | undefined => {
        for (const [name, rule] of rules) {
          const value = rule(to, site);
          if (value !== undefined) context.count(name);
          if (value !== undefined) return value;
        }
        return undefined;
      };
      return applied(op);
    });
    if (swept.fn === steps.fn) {
      const origins = missed.length === 0 ? undefined : steps.origins();
      const given = (value: Value) => origins?.get(swept.origin(value));
      // Nothing is said of norms that the rules have made.
      const facts = missed.flatMap((one) => {
        const value = given(one.value);
        return value === undefined ? [] : { ...one, value };
      });
      return { ...steps.output, facts };
    }
    // A law is about a value that the new norm takes, so it is still there.
    steps.take(swept);
    const origins = laws.length === 0 ? undefined : steps.origins();
    for (const law of laws) {
      context.law("value" in law ? { ...law, value: origins?.get(law.value) ?? law.value } : law);
    }
    steps.take(withoutDeadOps(steps.fn));
  }
}

export const simplifyNorms = definePass({
  name: "simplify-norms",
  summary: "Takes what stands before a norm into the norm: another norm, a scale, a shift.",
  example: [
    "let a = rmsnorm(x, axes = [-1], eps = 1e-5)",
    "let y = rmsnorm(a, axes = [-1], eps = 1e-5)",
    "->",
    "let y = rmsnorm(x, axes = [-1], eps = 9.999900000999991e-11) * 0.9999950000374997",
  ].join("\n"),
  options: {},
  run: (fn, context) => simplified(fn, Object.entries(normRules), context),
});

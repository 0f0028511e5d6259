/**
 * Folds ops before a norm into the norm, where that is exact and never costs anything.
 *
 *   let a = rmsnorm(x, axes = [-1], eps = 1e-5)
 *   let y = rmsnorm(a, axes = [-1], eps = 1e-5)
 *   ->
 *   let y = rmsnorm(x, axes = [-1], eps = 9.999900000999991e-11) * 0.9999950000374997
 *
 * The rules are in norm-rules.ts, with their formulas: a norm of a norm becomes one norm; a number before a norm is folded into its
 * eps; a bounded number per row is dropped where eps is 0; a term is dropped where the norm ignores it. Ops with other readers
 * stay, and so does a scale below 1, which keeps squares from overflowing.
 *
 * Each rule leaves fewer ops before the norm, so the rewriting terminates, with the same result in every order.
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

/** Applies the first matching rule at each op until none applies; returns the facts about values of the original function. */
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
    // Norms that the rules have created get no facts.
    if (swept.fn === steps.fn) return { ...steps.output, facts: steps.given(missed, swept.origin) };
    // A law is about a value that the new norm reads, so it still exists.
    steps.take(swept);
    for (const law of laws) {
      context.law("value" in law ? { ...law, value: steps.origin(law.value) ?? law.value } : law);
    }
    steps.take(withoutDeadOps(steps.fn));
  }
}

export const simplifyNorms = definePass({
  name: "simplify-norms",
  summary: "Folds ops before a norm into the norm: another norm, a scale, a shift.",
  example: [
    "let a = rmsnorm(x, axes = [-1], eps = 1e-5)",
    "let y = rmsnorm(a, axes = [-1], eps = 1e-5)",
    "->",
    "let y = rmsnorm(x, axes = [-1], eps = 9.999900000999991e-11) * 0.9999950000374997",
  ].join("\n"),
  options: {},
  run: (fn, context) => simplified(fn, Object.entries(normRules), context),
});

/**
 * Patterns for passes of one's own, as the compiler's passes have them: a rule is a pattern and what it becomes, after
 * tinygrad's list of (pattern, function). What a pattern looks through is said in match.ts.
 *
 *   const silu = times(1, [any("x"), 1], [call("sigmoid", any("x")), 1])
 *   rewritePatterns(fn, [[silu, ({ x }, builder) => builder.emit("silu", [x])]])
 */

import { type Builder, type Replacement, rewrite } from "../src/ir/builder.ts";
import type { Fn, Op, Value } from "../src/ir/ir.ts";
import type { PassOutput } from "../src/pass/facts.ts";
import { type Bound, type Pattern, Products, peel, readOf } from "./match.ts";

export {
  any,
  type Bound,
  call,
  type Factor,
  type Kept,
  numberOf,
  type Pattern,
  type Product,
  Products,
  peel,
  plus,
  type Read,
  readOf,
  times,
} from "./match.ts";

/** A pattern, and what is built for what it matches; `undefined` leaves the op, and the next rule is tried. */
export type PatternRule = readonly [pattern: Pattern, build: (bound: Bound, builder: Builder, op: Op) => Replacement];

/** What the names of a pattern are bound to in the first way in which a value can be what it describes. */
export function matchOf(pattern: Pattern, value: Value, products: Products = new Products()): Bound | undefined {
  for (const bound of pattern(readOf(value), {}, products)) return bound;
  return undefined;
}

/** One sweep with the first rule that fires at each op, operands before users; what `run` of a pass may return. */
export function rewritePatterns(fn: Fn, rules: readonly PatternRule[]): PassOutput {
  const products = new Products();
  return rewrite(fn, (op, builder) => {
    // A cast or a reshape is looked through: the rule fires at what lies under it.
    if (op.results.length !== 1 || peel(readOf(op.result)).value !== op.result) return undefined;
    for (const [pattern, build] of rules) {
      const bound = matchOf(pattern, op.result, products);
      const built = bound && build(bound, builder, op);
      if (built !== undefined) return built;
    }
    return undefined;
  });
}

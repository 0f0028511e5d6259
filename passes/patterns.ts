/**
 * Patterns for custom passes, as used by the built-in passes: a rule is a pattern and its replacement, after
 * tinygrad's list of (pattern, function). match.ts describes what patterns look through.
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

/** A pattern, and a function that builds the replacement; if it returns `undefined`, the op stays, and the next rule is tried. */
export type PatternRule = readonly [pattern: Pattern, build: (bound: Bound, builder: Builder, op: Op) => Replacement];

/** The bindings of a pattern in the first way in which it matches a value. */
export function matchOf(pattern: Pattern, value: Value, products: Products = new Products()): Bound | undefined {
  for (const bound of pattern(readOf(value), {}, products)) return bound;
  return undefined;
}

/** One traversal with the first rule that applies at each op, operands before users; the result may be returned by a pass's `run`. */
export function rewritePatterns(fn: Fn, rules: readonly PatternRule[]): PassOutput {
  const products = new Products();
  return rewrite(fn, (op, builder) => {
    // Casts and reshapes are looked through: the rule applies to the value under them.
    if (op.results.length !== 1 || peel(readOf(op.result)).value !== op.result) return undefined;
    for (const [pattern, build] of rules) {
      const bound = matchOf(pattern, op.result, products);
      const built = bound && build(bound, builder, op);
      if (built !== undefined) return built;
    }
    return undefined;
  });
}

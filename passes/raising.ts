/** What the rules of `raise-norms` share: how products are seen, and what is told to the user in the end. */

import type { Diagnostic } from "../src/diagnostics/diagnostic.ts";
import { type Miss, remarks } from "../src/diagnostics/remarks.ts";
import { type Builder, type Replacement, rewriteFn } from "../src/ir/builder.ts";
import type { Assumption } from "../src/ir/field/compare.ts";
import { type Fn, type Op, type Uses, usesOf, type Value } from "../src/ir/ir.ts";
import { Products } from "./match.ts";

/** One sweep, in which rules can ask who used a value before the sweep began. */
export function sweep(fn: Fn, rule: (op: Op, builder: Builder, uses: (value: Value) => Uses) => Replacement): Fn {
  const before = usesOf(fn);
  const origin = new Map<Value, Value>();
  const uses = (value: Value) => before(origin.get(value) ?? value);
  return rewriteFn(fn, (op, builder, original) => {
    for (const [i, result] of op.results.entries()) origin.set(result, original.results[i] as Value);
    return rule(op, builder, uses);
  });
}

/** How far a constant may be off to look like a mistake. */
const roughTolerance = 0.05;

export class Raising {
  readonly products: Products;
  /** The ways to see products in activations, whose steps may have uses of their own: `0.5 * x`, `x * x`. */
  readonly ways: readonly Products[];
  /** Sees constants that are off by a few percent as those of the formula. */
  readonly rough: Products;
  private readonly count: (what: string) => void;
  private readonly misses = new Map<Value, Diagnostic>();
  private readonly found = new Set<Value>();
  private readonly notes: Diagnostic[] = [];

  /** @see PassContext.assume */
  readonly assume: (assumption: Assumption) => void;

  constructor(
    uses: (value: Value) => Uses,
    count: (what: string) => void,
    assume: (assumption: Assumption) => void = () => {},
  ) {
    this.assume = assume;
    this.products = new Products({ used: uses });
    this.ways = [this.products, new Products({ used: uses, scaled: false }), new Products()];
    this.rough = new Products({}, roughTolerance);
    this.count = count;
  }

  /** The statistic is that of a norm: what was said of other uses of it does not matter. */
  raised(statistic: Value, name?: string): void {
    this.found.add(statistic);
    if (name !== undefined) this.counted(name);
  }

  counted(name: string): void {
    this.count(name);
  }

  /** A rule did not fire at `op`. Told once a statistic, and only if no rule fires for it later. */
  missed(statistic: Value, op: Op, norm: string, miss: Miss): void {
    if (!this.misses.has(statistic)) this.misses.set(statistic, remarks.notRaised(op.span, norm, miss));
  }

  note(op: Op, norm: string, miss: Miss): void {
    this.notes.push(remarks.notRaised(op.span, norm, miss));
  }

  remarks(): Diagnostic[] {
    const left = [...this.misses].filter(([statistic]) => !this.found.has(statistic)).map(([, remark]) => remark);
    return [...left, ...this.notes].sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
  }
}

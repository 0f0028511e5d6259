/** What the rules of `raise-norms` share: how products are seen, and what is told to the user in the end. */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import { type Builder, type Replacement, rewrite } from "../src/ir/builder.ts";
import type { Assumption } from "../src/ir/field/compare.ts";
import { type Fn, type Op, type Uses, usesOf, type Value } from "../src/ir/ir.ts";
import type { NotRaised } from "../src/pass/facts.ts";
import { Products } from "./match.ts";

/**
 * One sweep, in which rules can ask who used a value before the sweep began. `origin` is the value of `fn` that an op's
 * result, as rules see it, stands for.
 */
export function sweep(fn: Fn, rule: (op: Op, builder: Builder, uses: (value: Value) => Uses) => Replacement) {
  const before = usesOf(fn);
  const origin = new Map<Value, Value>();
  const uses = (value: Value) => before(origin.get(value) ?? value);
  const swept = rewrite(fn, (op, builder, original) => {
    for (const [i, result] of op.results.entries()) origin.set(result, original.results[i] as Value);
    return rule(op, builder, uses);
  });
  return { ...swept, origin: (value: Value) => origin.get(value) ?? value };
}

/** What a sweep made, and what its rules have to say. */
export interface Swept extends ReturnType<typeof sweep> {
  readonly facts: readonly NotRaised[];
  readonly assumptions?: readonly Assumption[];
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
  private readonly misses = new Map<Value, NotRaised>();
  private readonly found = new Set<Value>();
  private readonly notes: NotRaised[] = [];

  /** What rules that fired take for granted, of values as they saw them. */
  readonly assumptions: Assumption[] = [];

  constructor(uses: (value: Value) => Uses, count: (what: string) => void) {
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
    if (!this.misses.has(statistic)) this.misses.set(statistic, notRaised(op, norm, miss));
  }

  note(op: Op, norm: string, miss: Miss): void {
    this.notes.push(notRaised(op, norm, miss));
  }

  /** About results of ops as the rules saw them. */
  facts(): NotRaised[] {
    const left = [...this.misses].filter(([statistic]) => !this.found.has(statistic)).map(([, fact]) => fact);
    return [...left, ...this.notes].sort((a, b) => a.value.span.start - b.value.span.start);
  }
}

export const notRaised = ({ result }: Op, norm: string, miss: Miss): NotRaised => {
  return { kind: "not raised", value: result, norm, miss };
};

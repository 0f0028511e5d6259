/** The common parts of the rules of `raise-norms`: how products are matched, and what is reported at the end. */

import type { Miss } from "../src/diagnostics/areas/rewrites.ts";
import { type Builder, type Replacement, rewrite } from "../src/ir/builder.ts";
import type { Assumption } from "../src/ir/field/compare.ts";
import { type Fn, type Op, type Uses, usesOf, type Value } from "../src/ir/ir.ts";
import type { NotRaised } from "../src/pass/facts.ts";
import { Products } from "./match.ts";

/**
 * A traversal in which rules can ask for the users of a value before it began. `origin` is the value of `fn` that an op's
 * result, as rules see it, corresponds to.
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

/** The result of a traversal, and the reports of its rules. */
export interface Swept extends ReturnType<typeof sweep> {
  readonly facts: readonly NotRaised[];
  readonly assumptions?: readonly Assumption[];
}

/** The largest deviation at which a constant still looks like a mistake. */
const roughTolerance = 0.05;

export class Raising {
  readonly products: Products;
  /** How products are matched in activations, whose steps may have other uses: `0.5 * x`, `x * x`. */
  readonly ways: readonly Products[];
  /** Matches constants that are off by up to a few percent. */
  readonly rough: Products;
  private readonly count: (what: string) => void;
  private readonly misses = new Map<Value, NotRaised>();
  private readonly found = new Set<Value>();
  private readonly notes: NotRaised[] = [];

  /** The assumptions of rules that applied, about values as they saw them. */
  readonly assumptions: Assumption[] = [];

  constructor(uses: (value: Value) => Uses, count: (what: string) => void) {
    this.products = new Products({ used: uses });
    this.ways = [this.products, new Products({ used: uses, scaled: false }), new Products()];
    this.rough = new Products({}, roughTolerance);
    this.count = count;
  }

  /** The statistic belongs to a norm, so reports on other uses of it are dropped. */
  raised(statistic: Value, name?: string): void {
    this.found.add(statistic);
    if (name !== undefined) this.counted(name);
  }

  counted(name: string): void {
    this.count(name);
  }

  /** A rule did not apply at `op`. Reported once per statistic, and only if no rule applies to it later. */
  missed(statistic: Value, op: Op, norm: string, miss: Miss): void {
    if (!this.misses.has(statistic)) this.misses.set(statistic, notRaised(op, norm, miss));
  }

  note(op: Op, norm: string, miss: Miss): void {
    this.notes.push(notRaised(op, norm, miss));
  }

  /** Facts about results of ops, as the rules saw them. */
  facts(): NotRaised[] {
    const left = [...this.misses].filter(([statistic]) => !this.found.has(statistic)).map(([, fact]) => fact);
    return [...left, ...this.notes].sort((a, b) => a.value.span.start - b.value.span.start);
  }
}

export const notRaised = ({ result }: Op, norm: string, miss: Miss): NotRaised => {
  return { kind: "not raised", value: result, norm, miss };
};

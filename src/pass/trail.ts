/** Traces values through a sequence of rewrites. */

import type { Fn, Value } from "../ir/ir.ts";
import type { Provenance } from "./facts.ts";

/** The parameters of a function and the results of its ops. */
export const valuesOf = ({ params, ops }: Fn): Value[] => [...params, ...ops.flatMap(({ results }) => results)];

/** The current replacements of a value. */
export interface Traced {
  /** Empty if the value is no longer computed, or if that is not known. */
  readonly values: readonly Value[];
  /** The index of the first rewrite that did not report what happened to the value. */
  readonly lostIn?: number;
}

interface Stage {
  readonly provenance: Provenance;
  /** The values after it, for a rewrite that does not report what happened to all others. */
  readonly there: ReadonlySet<Value> | undefined;
}

export class Trail {
  private readonly stages: Stage[] = [];

  /** The number of rewrites. */
  get length(): number {
    return this.stages.length;
  }

  /**
   * Adds a rewrite.
   * @param there the values after it, if `provenance` may lack some that no longer exist.
   */
  add(provenance: Provenance, there?: ReadonlySet<Value>): void {
    this.stages.push({ provenance, there });
  }

  /**
   * The replacements before rewrite `to` of a value that existed before rewrite `from`: by default, at the end
   * for a value of the beginning.
   */
  trace(value: Value, from = 0, to = this.stages.length): Traced {
    let values: readonly Value[] = [value];
    let lostIn: number | undefined;
    for (let at = from; at < to && values.length > 0; at++) {
      const { provenance, there } = this.stages[at] as Stage;
      values = unique(
        values.flatMap((one): Value | readonly Value[] => {
          const now = provenance.get(one);
          if (now !== undefined || there === undefined || there.has(one)) return now ?? one;
          lostIn ??= at;
          return [];
        }),
      );
    }
    return lostIn === undefined ? { values } : { values, lostIn };
  }
}

const unique = (values: readonly Value[]) => (values.length < 2 ? values : [...new Set(values)]);

/** A pass that consists of several rewrites: the current function, and the replacements of the original function's values. */
export class Steps {
  fn: Fn;
  private readonly original: Fn;
  private readonly trail = new Trail();
  /** For each value of `fn`, the first value of the original function that it replaces; computed when it is asked for. */
  private origins: ReadonlyMap<Value, Value> | undefined;

  constructor(fn: Fn) {
    this.fn = fn;
    this.original = fn;
  }

  /** Applies a rewrite of `fn`. */
  take({ fn, provenance }: { readonly fn: Fn; readonly provenance: Provenance }): this {
    if (fn === this.fn) return this;
    this.trail.add(provenance);
    this.fn = fn;
    this.origins = undefined;
    return this;
  }

  /** The first value of the original function that a value of `fn` replaces, if there is one. */
  origin(value: Value): Value | undefined {
    this.origins ??= this.traced();
    return this.origins.get(value);
  }

  private traced(): ReadonlyMap<Value, Value> {
    const origins = new Map<Value, Value>();
    for (const value of valuesOf(this.original)) {
      for (const now of this.trail.trace(value).values) if (!origins.has(now)) origins.set(now, value);
    }
    return origins;
  }

  /**
   * Facts about values of `fn` as facts about values of the original function, without those that are about new values.
   * @param seen maps the values of the facts to those of `fn`.
   */
  given<F extends { readonly value: Value }>(facts: readonly F[], seen = (value: Value) => value): F[] {
    return facts.flatMap((fact) => {
      const value = this.origin(seen(fact.value));
      return value === undefined ? [] : [{ ...fact, value }];
    });
  }

  /** The output of the pass. */
  get output(): { readonly fn: Fn; readonly provenance: Provenance } {
    const provenance = new Map<Value, Value | readonly Value[]>();
    for (const value of this.trail.length === 0 ? [] : valuesOf(this.original)) {
      const { values } = this.trail.trace(value);
      if (values.length !== 1 || values[0] !== value) provenance.set(value, values);
    }
    return { fn: this.fn, provenance };
  }
}

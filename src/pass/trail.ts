/** What becomes of values over several rewrites, one after the other. */

import type { Fn, Value } from "../ir/ir.ts";
import type { Provenance } from "./facts.ts";

/** The parameters of a function and the results of its ops. */
export const valuesOf = ({ params, ops }: Fn): Value[] => [...params, ...ops.flatMap(({ results }) => results)];

/** What stands for a value now. */
export interface Traced {
  /** None where it is computed no more, or where that is not known. */
  readonly values: readonly Value[];
  /** The number of the first rewrite that did not say what it made of the value. */
  readonly lostIn?: number;
}

interface Stage {
  readonly provenance: Provenance;
  /** What is there after it; only of a rewrite that does not say what became of all the others. */
  readonly there: ReadonlySet<Value> | undefined;
}

export class Trail {
  private readonly stages: Stage[] = [];

  /** How many rewrites there are. */
  get length(): number {
    return this.stages.length;
  }

  /**
   * Adds a rewrite.
   * @param there the values of what it made, if `provenance` may lack some that are no more.
   */
  add(provenance: Provenance, there?: ReadonlySet<Value>): void {
    this.stages.push({ provenance, there });
  }

  /**
   * What stands before the rewrite of number `to` for a value that was there before the one of number `from`: in the end
   * for one that was there in the beginning, unless said otherwise.
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

/** A pass in several rewrites: the function as it is now, and what stands in it for the values of the one given. */
export class Steps {
  fn: Fn;
  private readonly given: Fn;
  private readonly trail = new Trail();

  constructor(fn: Fn) {
    this.fn = fn;
    this.given = fn;
  }

  /** Takes over a rewrite of `fn`. */
  take({ fn, provenance }: { readonly fn: Fn; readonly provenance: Provenance }): this {
    if (fn !== this.fn) this.trail.add(provenance);
    this.fn = fn;
    return this;
  }

  /** For values of `fn`, the first of the function given for which each stands. */
  origins(): ReadonlyMap<Value, Value> {
    const origins = new Map<Value, Value>();
    for (const value of valuesOf(this.given)) {
      for (const now of this.trail.trace(value).values) if (!origins.has(now)) origins.set(now, value);
    }
    return origins;
  }

  /** What a pass returns. */
  get output(): { readonly fn: Fn; readonly provenance: Provenance } {
    const provenance = new Map<Value, Value | readonly Value[]>();
    for (const value of this.trail.length === 0 ? [] : valuesOf(this.given)) {
      const { values } = this.trail.trace(value);
      if (values.length !== 1 || values[0] !== value) provenance.set(value, values);
    }
    return { fn: this.fn, provenance };
  }
}

/**
 * Reductions over rows, in which a lane accumulates one row after the other, for example while it reduces the rows themselves.
 * The state of a column has as many numbers as the reduction has results, so that it can be stored in their place.
 *
 * Moments are Welford's (1962), as along rows (moments.ts). They have no shift: a tile's mean is rounded to f32 anyway when
 * tiles are merged.
 */

import { add, type Expression, literal, multiply, subtract } from "./expression.ts";
import { moments } from "./moments.ts";
import { isMonoid, type Reduction } from "./reduction.ts";
import type { Type } from "./types.ts";

/** The numbers of a state. */
export type Running = readonly Expression[];

export interface RunningReduction {
  /** The state before the first row, of elements of a type. */
  readonly identity: (type: Type) => Running;
  /** @param inverse one over the number of rows so far, this one included. */
  readonly step: (state: Running, element: Expression, inverse: Expression) => Running;
  /** Combines two elements, if a state has the form of an element. */
  readonly merge?: Reduction["merge"];
  /** The results, from the last state; by default the state itself. @param inverse one over the number of rows. */
  readonly finish?: (state: Running, inverse: Expression) => Running;
}

const welford: RunningReduction = {
  identity: (type) => [literal(type, 0), literal(type, 0)],
  step: ([mean, m2], element, inverse) => {
    const delta = subtract(element, mean as Expression);
    const moved = add(mean as Expression, multiply(delta, inverse));
    return [moved, add(m2 as Expression, multiply(delta, subtract(element, moved)))];
  },
  finish: ([mean, m2], inverse) => [mean as Expression, multiply(m2 as Expression, inverse)],
};

/** The running form of a reduction, if a state of one number per result is enough for it. */
export function runningOf(reduction: Reduction): RunningReduction | undefined {
  if (reduction === moments.counted.spread) return welford;
  if (!isMonoid(reduction)) return undefined;
  return {
    identity: (type) => {
      const [identity] = Object.values(reduction.identity(type, undefined)) as [Expression];
      const [number] = identity.kind === "construct" ? identity.args : [];
      return [number?.kind === "literal" ? literal(type, number.value) : identity];
    },
    step: ([before], element) => [reduction.merge(before as Expression, element)],
    merge: reduction.merge,
  };
}

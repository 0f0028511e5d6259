/**
 * Reductions that a lane takes rows into one after the other, as it does beside statistics of the rows: the state of each column
 * is as many numbers as the reduction has results, so that it can be kept where these are stored.
 *
 * Moments are Welford's (1962), as those of a row are (moments.ts). They have no shift: a tile's mean is rounded to f32 where
 * tiles are merged anyway.
 */

import { add, type Expression, literal, multiply, subtract } from "./expression.ts";
import { moments } from "./moments.ts";
import { isMonoid, type Reduction } from "./reduction.ts";
import type { Type } from "./types.ts";

/** A state by its numbers. */
export type Running = readonly Expression[];

export interface RunningReduction {
  /** The state before the first row, of elements of a type. */
  readonly identity: (type: Type) => Running;
  /** @param inverse one over how many rows there are with this one. */
  readonly step: (state: Running, element: Expression, inverse: Expression) => Running;
  /** Two elements as one, where a state is as an element is. */
  readonly merge?: Reduction["merge"];
  /** What is read of the last state; the state itself unless it is here. @param inverse one over how many rows there were. */
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

/** How a reduction with all its results takes rows in, where one number a result is enough. */
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

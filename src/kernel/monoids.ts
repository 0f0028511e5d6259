/** Reductions whose state is one number: elements combined in any grouping. */

import { type BinaryOperator, binary, type Expression, equals, select, unary } from "./expression.ts";
import { meanOfSum, type Reduction, reductionOf } from "./reduction.ts";
import type { Scalar } from "./types.ts";

/**
 * A reduction whose state is one number.
 * @param identity the element that changes none it is combined with, by the type that is computed in.
 * @param combine two elements combined, whose order changes nothing.
 */
export function monoid(
  name: string,
  identity: (element: Scalar) => number,
  combine: (a: Expression, b: Expression) => Expression,
  rounds?: Reduction["rounds"],
): Reduction {
  return reductionOf({
    name,
    state: ["lane"],
    identity: { lane: identity },
    step: ({ lane }, element) => ({ lane: combine(lane, element) }),
    merge: (lower, upper) => ({ lane: combine(lower.lane, upper.lane) }),
    ...(rounds && { rounds }),
    commutes: true,
    stepMerges: true,
  });
}

const least = { f32: -Infinity, i32: -(2 ** 31), u32: 0, bool: 0 };
const greatest = { f32: Infinity, i32: 2 ** 31 - 1, u32: 2 ** 32 - 1, bool: 1 };

/** The least and the greatest number of each type. */
export const typeLimits = { least, greatest };

const operator = (symbol: BinaryOperator) => (a: Expression, b: Expression) => binary(symbol, a, b);

/** The larger or the smaller one, and NaN where one is NaN: WGSL's own may drop it. Integers are equal to themselves. */
const extreme = (order: ">" | "<") => (a: Expression, b: Expression) =>
  select(b, a, binary("|", binary(order, a, b), unary("!", equals(a, a))));

const ofNumbers = monoid(
  "sum",
  () => 0,
  operator("+"),
  (element) => element === "f32",
);

export const sum: Reduction = { ...ofNumbers, result: { ...ofNumbers.result, mean: meanOfSum } };
export const product = monoid("prod", () => 1, operator("*"));
export const largest = monoid("max", (element) => least[element], extreme(">"));
export const smallest = monoid("min", (element) => greatest[element], extreme("<"));

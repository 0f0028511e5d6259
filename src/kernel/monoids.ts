/** Reductions whose state is a single number and that combine elements in any grouping, such as the sum. */

import { add, type Expression } from "./expression.ts";
import { meanOfSum, type Reduction, reductionOf } from "./reduction.ts";
import type { Scalar } from "./types.ts";

/**
 * A reduction whose state is a single number.
 * @param identity the identity element of `combine`, for the type that is computed in.
 * @param combine combines two elements. It is commutative.
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

const ofNumbers = monoid(
  "sum",
  () => 0,
  (a, b) => add(a, b),
  (element) => element === "f32",
);

export const sum: Reduction = { ...ofNumbers, result: { ...ofNumbers.result, mean: meanOfSum } };

/** How far apart elements are: a reduction of two numbers that is no row of the op table. */

import { call, type Expression, subtract } from "../../src/kernel/expression.ts";
import { reductionOf } from "../../src/kernel/reduction.ts";

/** The reduction with these names of its two fields. */
export const rangeOf = (low: string, high: string) =>
  reductionOf({
    name: `range_${low}`,
    state: [low, high],
    identity: { [low]: () => 3e38, [high]: () => -3e38 },
    step: (state, x) => ({
      [low]: call("min", state[low] as Expression, x),
      [high]: call("max", state[high] as Expression, x),
    }),
    merge: (a, b) => ({
      [low]: call("min", a[low] as Expression, b[low] as Expression),
      [high]: call("max", a[high] as Expression, b[high] as Expression),
    }),
    result: (state) => subtract(state[high] as Expression, state[low] as Expression),
  });

/** What it gives of a row. */
export const rangeOfRow = (elements: Float64Array): readonly [number] => [
  Math.max(...elements) - Math.min(...elements),
];

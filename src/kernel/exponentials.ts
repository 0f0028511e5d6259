/**
 * A sum of exp(x - max(x)), in the same loop over the row that finds the maximum (Milakov and Gimelshein 2018). Each lane
 * subtracts a shift of its own from its elements. The shift follows the largest of them at a distance, so that it changes only
 * a few times and the sum is rarely rescaled.
 */

import { add, binary, call, construct, library, literal, multiply, negate, select, subtract } from "./expression.ts";
import { sum } from "./monoids.ts";
import type { Reduction } from "./reduction.ts";
import type { Target } from "./statement.ts";
import { f32 } from "./types.ts";

/** How far an element may be above the shift. */
const headroom = 8;
const lowest = -(2 - 2 ** -23) * 2 ** 127;

interface Exponentials {
  readonly lane: Target;
  readonly shift: Target;
}

export const exponentials: Reduction = {
  ...sum,
  name: "exps",
  identity: (type, around) => ({
    ...sum.identity(type, around),
    shift: around === undefined ? construct(type, literal(f32, lowest)) : (around.shift as Target),
  }),
  // An element too far above the shift becomes the shift, and the sum so far is rescaled.
  step: (state, x, { to, name }) => {
    const { lane, shift } = state as unknown as Exponentials;
    const delta = to.define(name("delta"), subtract(x, shift));
    const isAbove = to.define(name("isAbove"), binary(">", delta, construct(x.type, literal(f32, headroom))));
    const e = to.define(name("e"), call("exp", select(delta, negate(delta), isAbove)));
    to.assign(lane, select(add(lane, e), add(multiply(lane, e), 1), isAbove));
    to.assign(shift, select(shift, x, isAbove));
  },
  enclose: (around, block, { to }) => {
    const { lane, shift } = around as unknown as Exponentials;
    const inner = block as unknown as Exponentials;
    to.assign(lane, add(multiply(lane, call("exp", subtract(shift, inner.shift))), inner.lane));
    to.assign(shift, inner.shift);
  },
  finish: (state, maximum, to) => {
    const { lane, shift } = state as unknown as Exponentials;
    to.assign(lane, library("exp", subtract(shift, construct(shift.type, maximum))), "*");
  },
};

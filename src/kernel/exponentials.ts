/**
 * A sum of exp(x - max(x)), in the read of the row that finds the maximum (Milakov and Gimelshein 2018). Each lane takes a
 * shift of its own off its elements, which follows the largest of them at a distance: it moves but a few times, and the sum
 * is seldom scaled.
 */

import { add, binary, call, construct, library, literal, multiply, negate, select, subtract } from "./expression.ts";
import { sum } from "./monoids.ts";
import type { Reduction } from "./reduction.ts";
import type { Target } from "./statement.ts";
import { f32 } from "./types.ts";

/** How far an element may lie above the shift. */
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
  // Where an element is too far above the shift it becomes the shift, and what there is of the sum is scaled.
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

/**
 * A sum of exp(x - max(x)), in the read of the row that finds the maximum (Milakov and Gimelshein 2018). Each lane takes a
 * shift of its own off its elements, which follows the largest of them at a distance: it moves but a few times, and the sum
 * is seldom scaled.
 */

import {
  add,
  binary,
  call,
  construct,
  type Expression,
  equals,
  library,
  literal,
  multiply,
  negate,
  select,
  subtract,
} from "./expression.ts";
import { sum } from "./monoids.ts";
import { type Reduction, reductionOf } from "./reduction.ts";
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

/**
 * The logarithm of a sum of exponentials, of any of which it may be the largest: the state is that one and the sum of
 * exp(x - largest). Equal elements differ by 0, infinite ones too.
 */
export const logOfSum: Reduction = reductionOf({
  name: "logsum",
  state: ["largest", "total"],
  identity: { largest: () => lowest, total: () => 0 },
  step: ({ largest, total }, x) => {
    const distance = select(subtract(x, largest), zeroLike(x), equals(x, largest));
    const e = library("exp", negate(call("abs", distance)));
    const isAbove = binary(">", x, largest);
    return { largest: select(largest, x, isAbove), total: select(add(total, e), add(multiply(total, e), 1), isAbove) };
  },
  merge: (a, b) => {
    const largest = select(b.largest, a.largest, binary(">", a.largest, b.largest));
    const scaled = (of: typeof a) => {
      const distance = select(subtract(of.largest, largest), zeroLike(largest), equals(of.largest, largest));
      return multiply(of.total, library("exp", distance));
    };
    return { largest, total: add(scaled(a), scaled(b)) };
  },
  rounds: (element) => element === "f32",
  result: ({ largest, total }) => add(largest, library("log", total)),
});

function zeroLike({ type }: Expression): Expression {
  return construct(type, literal(f32, 0));
}

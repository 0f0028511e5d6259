/**
 * Mean and variance by Welford's algorithm in each lane (Welford 1962), merged by Chan, Golub and LeVeque's formula (1979) in
 * its delta form. A state is (count, shift, mean, m2): `shift` is an element of the lane, `mean` that of the elements less
 * the shift, so that rows far from 0 lose nothing, and a constant row gives exactly 0. Of two shifts the one nearer to the
 * mean is kept: an outlier's would cost all others digits.
 *
 * All moments of a loop have seen the same elements: lanes count once for all of them, and blocks take their elements off
 * the lane's shift.
 */

import {
  add,
  allOf,
  apply,
  binary,
  call,
  component,
  construct,
  divide,
  type Expression,
  equals,
  f32,
  field,
  library,
  literal,
  multiply,
  opaque,
  select,
  subtract,
  type Type,
  typeOf,
} from "./expression.ts";
import { defineFunction } from "./function.ts";
import type { Reduction } from "./reduction.ts";
import type { Target } from "./statement.ts";

/** Moments of some elements: how many, one of them, the mean of the others less that, the sum of squared deviations. */
const fields = ["count", "shift", "mean", "m2"] as const;
const momentsType: Type = { ...typeOf("f32", 4), fields };

const fieldsOf = (state: Expression) =>
  fields.map((name) => field(state, name)) as [Expression, Expression, Expression, Expression];

const mergeMoments = defineFunction(
  "merge_moments",
  "Chan's formula for two states (count, shift, mean, m2). A state of count 0 is empty.",
  { a: momentsType, b: momentsType },
  ({ a, b }, define) => {
    const [countA, shiftA, meanA, m2A] = fieldsOf(a);
    const [countB, shiftB, meanB, m2B] = fieldsOf(b);
    const count = define("count", add(countA, countB));
    const weight = define("weight", divide(countB, call("max", count, literal(f32, 1))));
    const delta = define("delta", add(subtract(shiftB, shiftA), subtract(meanB, meanA)));
    const fromA = define("from_a", add(meanA, multiply(delta, weight)), "The mean less one shift and less the other.");
    const fromB = define("from_b", subtract(meanB, multiply(delta, subtract(1, weight))));
    const isNear = binary("<=", call("abs", fromA), call("abs", fromB));
    const pair = (shift: Expression, from: Expression) => construct(typeOf("f32", 2), shift, from);
    const near = define("near", select(pair(shiftB, fromB), pair(shiftA, fromA), isNear));
    const between = multiply(multiply(multiply(delta, delta), countA), weight);
    const m2 = define("m2", add(call("max", m2A, m2B), add(call("min", m2A, m2B), between)));
    const both = define("both", construct(momentsType, count, near, m2));
    return select(select(both, a, equals(countB, 0)), b, equals(countA, 0));
  },
);

/** A lane's state from those of its `width` elements, which have one count. */
function laneMomentsOf(width: 2 | 4) {
  const elements = typeOf("f32", width);
  const parameters = { count: f32, shift: elements, mean: elements, m2: elements };
  return defineFunction("lane_moments", "", parameters, ({ count, shift, mean, m2 }, define) => {
    const ofElement = (i: number) =>
      construct(momentsType, count, component(shift, i), component(mean, i), component(m2, i));
    const merged = (i: number) => apply(mergeMoments, ofElement(i), ofElement(i + 1));
    return width === 2 ? merged(0) : apply(mergeMoments, define("low", merged(0)), define("high", merged(2)));
  });
}

const laneMoments = { 2: laneMomentsOf(2), 4: laneMomentsOf(4) };

/** The variables of a lane's state: blocks have no shift, and no m2 is there where nothing reads a variance. */
interface Moments {
  readonly shift: Target;
  readonly mean: Target;
  readonly m2?: Target;
}

function momentsWith(isSpread: boolean): Reduction {
  return {
    name: "moments",
    rounds: () => true,
    counts: true,
    identity: (type, around) => {
      const parts = [...(around === undefined ? ["shift"] : []), "mean", ...(isSpread ? ["m2"] : [])];
      return Object.fromEntries(parts.map((part) => [part, construct(type)]));
    },
    // The shift is the median of three elements, which no single outlier is; `mean` holds the second until then.
    start: (state, element, which, to) => {
      const { shift, mean } = state as unknown as Moments;
      if (which < 2) to.assign(which === 0 ? shift : mean, element);
      if (which < 2) return;
      const median = call("max", call("min", shift, mean), call("min", call("max", shift, mean), element));
      to.assign(shift, opaque(median));
      to.assign(mean, construct(mean.type));
    },
    step: (state, element, { to, name, lane, counts, inverse, isStarted }) => {
      const { mean, m2 } = state as unknown as Moments;
      const shift = lane.shift as Target;
      if (!isStarted) {
        // The lane's first element: of the blocks around this one none has ended.
        const around = counts.slice(0, -1).map((count) => equals(count, 0));
        const isFirst = allOf([equals(counts.at(-1) as Target, 1), ...around]) as Expression;
        to.assign(shift, select(shift, opaque(element), isFirst));
      }
      const x = to.define(name("shifted"), subtract(element, shift));
      const delta = to.define(name("delta"), subtract(x, mean));
      to.assign(mean, multiply(delta, inverse as Expression), "+");
      if (m2 !== undefined) to.assign(m2, multiply(delta, subtract(x, mean)), "+");
    },
    // Chan's formula for a common shift.
    enclose: (around, block, { to, weight, before }) => {
      const { mean, m2 } = around as unknown as Moments;
      to.scope(() => {
        const delta = to.define("blockDelta", subtract(block.mean as Target, mean));
        to.assign(mean, multiply(delta, weight as Expression), "+");
        if (m2 === undefined) return;
        const between = multiply(multiply(delta, delta), multiply(before as Expression, weight as Expression));
        to.assign(m2, add(block.m2 as Target, between), "+");
      });
    },
    type: () => momentsType,
    packed: (state, count) => {
      const { shift, mean, m2 } = state as unknown as Moments;
      const parts = [count as Expression, shift, opaque(mean), m2 ?? construct(mean.type)];
      const { width } = mean.type;
      return width === 1 ? construct(momentsType, ...parts) : apply(laneMoments[width], ...parts);
    },
    merge: (lower, upper) => apply(mergeMoments, lower, upper),
    commutes: false,
    result: {
      mean: (state) => add(field(state, "shift"), field(state, "mean")),
      variance: (state, { elements, attributes }) =>
        divide(field(state, "m2"), elements(Number(attributes.correction ?? 0))),
    },
    // 0, and NaN of what is not finite or where nothing is left to divide by.
    ofOne: {
      variance: (element, { elements, attributes }) => {
        const correction = Number(attributes.correction ?? 0);
        const zero = library("less_itself", element);
        return correction === 0 ? zero : divide(zero, elements(correction));
      },
    },
  };
}

/** Mean and variance. */
export const moments = momentsWith(true);
/** The mean alone, as exactly. */
export const shiftedMean = momentsWith(false);

/** x - mean(x), from the moments of the row. */
export function centered(element: Expression, state: Expression): Expression {
  return subtract(subtract(element, field(state, "shift")), field(state, "mean"));
}

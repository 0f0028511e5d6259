/**
 * Mean and variance by Welford's algorithm in each lane (Welford 1962), merged by Chan, Golub and LeVeque's formula (1979) in
 * its delta form. A state is (count, mean, m2) of the elements less a shift that all lanes of the row share: `mean` is near
 * 0 then, so that rows far from 0 lose nothing, and a constant row gives exactly 0. The shift is the median of three
 * elements, which no single outlier is: an outlier would cost all others digits.
 *
 * Where all lanes have seen as many elements, no count is kept, and Chan's formula is the same from both sides.
 */

import {
  add,
  apply,
  call,
  component,
  construct,
  divide,
  type Expression,
  f32,
  field,
  type KernelFunction,
  library,
  literal,
  multiply,
  type Operand,
  opaque,
  subtract,
  type Type,
  typeOf,
} from "./expression.ts";
import { defineFunction } from "./function.ts";
import { invariant } from "./invariant.ts";
import { mergedComponents, type Reduction, type Remainder, type RowContext } from "./reduction.ts";
import type { Target } from "./statement.ts";

/** What a mean and a variance are read from: `m2` is the sum of squared deviations. */
interface Kind {
  readonly isSpread: boolean;
  /** Whether all states that merge have seen as many elements. */
  readonly isEven: boolean;
}

const fieldsOf = ({ isSpread, isEven }: Kind) => [...(isEven ? [] : ["count"]), "mean", ...(isSpread ? ["m2"] : [])];

/** A number where the mean is all there is to a state; else a record, of which a vector of three has a component to spare. */
function typeOfState(kind: Kind): Type {
  const fields = fieldsOf(kind);
  return fields.length === 1 ? f32 : { ...typeOf("f32", fields.length === 2 ? 2 : 4), fields };
}

interface Parts {
  readonly count?: Expression;
  readonly mean: Expression;
  readonly m2?: Expression;
}

function partsOf(state: Expression, kind: Kind): Parts {
  const fields = fieldsOf(kind);
  if (fields.length === 1) return { mean: state };
  if (state.kind === "construct" && state.args.length === state.type.width) {
    return Object.fromEntries(fields.map((name, i) => [name, state.args[i]])) as unknown as Parts;
  }
  return Object.fromEntries(fields.map((name) => [name, field(state, name)])) as unknown as Parts;
}

function record(parts: Parts, kind: Kind): Expression {
  const values = fieldsOf(kind).map((name) => parts[name as keyof Parts] as Expression);
  const spare = values.length === 3 ? [literal(f32, 0)] : [];
  return values.length === 1 ? (values[0] as Expression) : construct(typeOfState(kind), ...values, ...spare);
}

const nameOf = ({ isSpread }: Kind) => (isSpread ? "merge_moments" : "merge_means");

/** Chan's formula for two states of as many elements: what it says of two is the same in whatever order they are given. */
function mergeEven(kind: Kind): KernelFunction {
  const type = typeOfState(kind);
  const summary = "Chan's formula for two states (mean, m2) of as many elements each; `half` is half of how many.";
  const parameters = { a: type, b: type, ...(kind.isSpread && { half: f32 }) };
  return defineFunction<string>(nameOf(kind), kind.isSpread ? summary : "", parameters, (args, define) => {
    const [a, b] = [partsOf(args.a as Expression, kind), partsOf(args.b as Expression, kind)];
    const mean = multiply(add(a.mean, b.mean), literal(f32, 0.5));
    if (a.m2 === undefined || b.m2 === undefined) return mean;
    const delta = define("delta", subtract(b.mean, a.mean));
    const between = multiply(multiply(delta, delta), args.half as Expression);
    return record({ mean, m2: add(add(a.m2, b.m2), between) }, kind);
  });
}

/** Chan's formula for two states either of which may be empty. */
function mergeCounted(kind: Kind): KernelFunction {
  const type = typeOfState(kind);
  const summary = `Chan's formula for two states (${fieldsOf(kind).join(", ")}). A state of count 0 is empty.`;
  return defineFunction(nameOf(kind), summary, { a: type, b: type }, (args, define) => {
    const [a, b] = [partsOf(args.a, kind), partsOf(args.b, kind)] as [Required<Parts>, Required<Parts>];
    const count = define("count", add(a.count, b.count));
    const delta = define("delta", subtract(b.mean, a.mean));
    const moved = define("moved", multiply(delta, divide(b.count, call("max", count, literal(f32, 1)))));
    const mean = add(a.mean, moved);
    if (!kind.isSpread) return record({ count, mean }, kind);
    // The square of a large mean may overflow, where of an empty state nothing is to be added.
    const between = multiply(multiply(delta, a.count), moved);
    return record({ count, mean, m2: add(add(a.m2, b.m2), between) }, kind);
  });
}

const takesHalf = ({ isSpread, isEven }: Kind) => isSpread && isEven;

/**
 * Elements join the merged state of the others by sums of what they are off its mean, and of the squares of that:
 *
 *   mean = mean_0 + s / n        m2 = m2_0 + q - s^2 / n
 *
 * That is Chan's formula, with one of the states written in sums. They are fewer than those before, so that s^2 / n is at
 * most half of q, and the difference loses a bit at most.
 */
function remainderOf(kind: Kind): Remainder {
  return {
    terms: (state, element, shift, define) => {
      const off = define("off", subtract(subtract(element, shift), partsOf(state, kind).mean));
      return record({ mean: off, m2: multiply(off, off) }, kind);
    },
    sum: (a, b) => {
      const [left, right] = [partsOf(a, kind), partsOf(b, kind)] as [Required<Parts>, Required<Parts>];
      return record({ mean: add(left.mean, right.mean), ...(kind.isSpread && { m2: add(left.m2, right.m2) }) }, kind);
    },
    joined: (state, sums, { before, joining }, define) => {
      const [all, own] = [partsOf(state, kind), partsOf(sums, kind)] as [Required<Parts>, Required<Parts>];
      const moved = define("moved", multiply(opaque(own.mean), literal(f32, 1 / (before + joining))));
      const mean = add(all.mean, moved);
      if (!kind.isSpread) return mean;
      return record({ mean, m2: add(all.m2, subtract(own.m2, multiply(own.mean, moved))) }, kind);
    },
  };
}

/** The variables of a lane's state; no m2 is there where nothing reads a variance. */
interface Variables {
  readonly mean: Target;
  readonly m2?: Target;
}

/** That of one element, and its root. */
function spreadOfOne(element: Expression, { elements, attributes }: RowContext): Expression {
  const correction = Number(attributes.correction ?? 0);
  const zero = library("less_itself", element);
  return correction === 0 ? zero : divide(zero, elements(correction));
}

function momentsWith(kind: Kind): Reduction {
  const merge = kind.isEven ? mergeEven(kind) : mergeCounted(kind);
  /** What a merge of even states is told: half of how many elements each has. */
  const half = (each: Operand | undefined) => {
    if (!takesHalf(kind)) return [];
    invariant(each !== undefined, "states without a count are of as many elements");
    return [typeof each === "number" ? literal(f32, each / 2) : multiply(each, literal(f32, 0.5))];
  };
  const merged = (lower: Expression, upper: Expression, each?: Operand) => apply(merge, lower, upper, ...half(each));
  return {
    name: "moments",
    rounds: () => true,
    counts: true,
    shift: ([a, b, c]) => opaque(call("max", call("min", a, b), call("min", call("max", a, b), c))),
    identity: (type) => ({ mean: construct(type), ...(kind.isSpread && { m2: construct(type) }) }),
    step: (state, element, { to, name, shift, inverse }) => {
      const { mean, m2 } = state as unknown as Variables;
      const x = to.define(name("shifted"), subtract(element, shift as Expression));
      const delta = to.define(name("delta"), subtract(x, mean));
      to.assign(mean, multiply(delta, inverse as Expression), "+");
      if (m2 !== undefined) to.assign(m2, multiply(delta, subtract(x, mean)), "+");
    },
    // Chan's formula again.
    enclose: (around, block, { to, weight, before }) => {
      const { mean, m2 } = around as unknown as Variables;
      to.scope(() => {
        const delta = to.define("blockDelta", subtract(block.mean as Target, mean));
        to.assign(mean, multiply(delta, weight as Expression), "+");
        if (m2 === undefined) return;
        const between = multiply(multiply(delta, delta), multiply(before as Expression, weight as Expression));
        to.assign(m2, add(block.m2 as Target, between), "+");
      });
    },
    type: () => typeOfState(kind),
    packed: (state, { count, each }, define) => {
      const { mean, m2 } = state as unknown as Variables;
      const { width } = mean.type;
      const own = opaque(mean);
      const parts = {
        ...(!kind.isEven && { count: count as Expression }),
        mean: width === 1 ? own : define("mean", own),
      };
      if (width === 1) return record({ ...parts, ...(m2 && { m2 }) }, kind);
      const ofComponent = (i: number) =>
        record({ ...parts, mean: component(parts.mean, i), ...(m2 && { m2: component(m2, i) }) }, kind);
      return mergedComponents(width, ofComponent, merged, define, each);
    },
    merge: merged,
    commutes: kind.isEven,
    result: {
      mean: (state, { shift }) => add(shift as Expression, partsOf(state, kind).mean),
      variance: (state, { elements, attributes }) =>
        divide(field(state, "m2"), elements(Number(attributes.correction ?? 0))),
      deviation: (state, { elements, attributes }) =>
        call("sqrt", divide(field(state, "m2"), elements(Number(attributes.correction ?? 0)))),
    },
    // 0, and NaN of what is not finite or where nothing is left to divide by.
    ofOne: { variance: spreadOfOne, deviation: spreadOfOne },
    ...(kind.isEven && { remainder: remainderOf(kind) }),
    centered: (element, state, shift) => subtract(subtract(element, shift), partsOf(state, kind).mean),
  };
}

/** Mean and variance, and the mean alone, as exactly: of lanes that may have seen different numbers of elements, or of even ones. */
export const moments = {
  counted: {
    spread: momentsWith({ isSpread: true, isEven: false }),
    mean: momentsWith({ isSpread: false, isEven: false }),
  },
  even: { spread: momentsWith({ isSpread: true, isEven: true }), mean: momentsWith({ isSpread: false, isEven: true }) },
};

/**
 * Mean and variance by Welford's algorithm in each lane (Welford 1962), merged by Chan, Golub and LeVeque's formula (1979) in
 * its delta form. A state is (count, mean, m2) of the elements minus a shift that all lanes of the row share. `mean` is then
 * near 0, so that rows far from 0 lose no digits, and a constant row gives exactly 0. The shift is the median of three
 * elements, so that a single outlier, which would cost all other elements digits, is never chosen.
 *
 * If all lanes have seen the same number of elements, the state has no count, and Chan's formula is symmetric.
 *
 * The state of a pair (x, y) also has the mean of y and the co-moment cxy, the sum of products of both operands' deviations
 * from their means. It is accumulated and merged by the same formulas (Bennett, Grout, Pebay, Roe, Thompson, Numerically
 * Stable, Single-Pass, Parallel Statistics Algorithms, 2009, section II):
 *
 *   cxy = cxy_a + cxy_b + (x_b - x_a) (y_b - y_a) n_a n_b / (n_a + n_b)
 */

import {
  add,
  apply,
  call,
  component,
  construct,
  divide,
  type Expression,
  field,
  type KernelFunction,
  library,
  literal,
  multiply,
  opaque,
  subtract,
} from "./expression.ts";
import { defineFunction } from "./function.ts";
import { invariant } from "./invariant.ts";
import {
  mergedComponents,
  type Reduction,
  type Remainder,
  type RowContext,
  recordOf,
  type Shifted,
} from "./reduction.ts";
import type { Target } from "./statement.ts";
import { f32, type Type } from "./types.ts";

/** Which moments a state has. */
interface Kind {
  /** Whether it has `m2`, the sum of squared deviations, for a variance. */
  readonly isSpread: boolean;
  /** Whether all states that merge have seen the same number of elements. */
  readonly isEven: boolean;
  /** Whether it has the mean of a second operand, and `cxy` for a covariance. */
  readonly isPaired?: boolean;
}

type Field = "count" | "mean" | "m2" | "mean_y" | "cxy";

const meansOf = ({ isPaired }: Kind) => (isPaired ? (["mean", "mean_y"] as const) : (["mean"] as const));

/** The sums of products of deviations, each with the means of its two factors. */
const productsOf = ({ isSpread, isPaired }: Kind) => [
  ...(isSpread ? [["m2", "mean", "mean"] as const] : []),
  ...(isPaired ? [["cxy", "mean", "mean_y"] as const] : []),
];

/** The fields of a state: at most four. */
const fieldsOf = (kind: Kind): readonly Field[] => [
  ...(kind.isEven ? [] : (["count"] as const)),
  "mean",
  ...(kind.isSpread ? (["m2"] as const) : []),
  ...(kind.isPaired ? (["mean_y", "cxy"] as const) : []),
];

const typeOfState = (kind: Kind): Type => recordOf(fieldsOf(kind)).type("f32");

type Parts = Readonly<Record<Field, Expression>>;

/** The fields of a state; of one that is written out, what each is. */
function partsOf(state: Expression, kind: Kind): Parts {
  const fields = fieldsOf(kind);
  const isWritten = state.kind === "construct" && state.args.length === state.type.width;
  if (!isWritten || fields.length === 1) return recordOf(fields).fields(state);
  return Object.fromEntries(fields.map((name, i) => [name, state.args[i]])) as unknown as Parts;
}

const record = (parts: Partial<Parts>, kind: Kind): Expression => recordOf(fieldsOf(kind)).value(parts as Parts);

const suffixOf = (mean: Field) => (mean === "mean" ? "" : "_y");

const fieldwise = <Name extends Field>(fields: readonly Name[], of: (name: Name) => Expression) =>
  Object.fromEntries(fields.map((name) => [name, of(name)])) as Readonly<Record<Name, Expression>>;

/** A value for each mean of the state. */
const byMean = (kind: Kind, of: (mean: "mean" | "mean_y") => Expression) => fieldwise(meansOf(kind), of) as Parts;

const nameOf = ({ isSpread, isPaired }: Kind) =>
  isPaired ? "merge_comoments" : isSpread ? "merge_moments" : "merge_means";

/** Chan's formula for two states of the same number of elements, which is symmetric in the two. */
function mergeEven(kind: Kind): KernelFunction {
  const type = typeOfState(kind);
  const fields = fieldsOf(kind).join(", ");
  const summary = `Chan's formula for two states (${fields}) of as many elements each; \`half\` is half of how many.`;
  const parameters = { a: type, b: type, ...(takesHalf(kind) && { half: f32 }) };
  return defineFunction<string>(nameOf(kind), takesHalf(kind) ? summary : "", parameters, (args, define) => {
    const [a, b] = [partsOf(args.a as Expression, kind), partsOf(args.b as Expression, kind)];
    const means = byMean(kind, (mean) => multiply(add(a[mean], b[mean]), literal(f32, 0.5)));
    if (!takesHalf(kind)) return record(means, kind);
    const delta = byMean(kind, (mean) => define(`delta${suffixOf(mean)}`, subtract(b[mean], a[mean])));
    const products = productsOf(kind).map(([name, x, y]) => {
      const between = multiply(multiply(delta[x], delta[y]), args.half as Expression);
      return [name, add(add(a[name], b[name]), between)] as const;
    });
    return record({ ...means, ...Object.fromEntries(products) }, kind);
  });
}

/** Chan's formula for two states either of which may be empty. */
function mergeCounted(kind: Kind): KernelFunction {
  const type = typeOfState(kind);
  const summary = `Chan's formula for two states (${fieldsOf(kind).join(", ")}). A state of count 0 is empty.`;
  return defineFunction(nameOf(kind), summary, { a: type, b: type }, (args, define) => {
    const [a, b] = [partsOf(args.a, kind), partsOf(args.b, kind)];
    const count = define("count", add(a.count, b.count));
    const share = divide(b.count, call("max", count, literal(f32, 1)));
    const delta = byMean(kind, (mean) => define(`delta${suffixOf(mean)}`, subtract(b[mean], a[mean])));
    const moved = byMean(kind, (mean) => define(`moved${suffixOf(mean)}`, multiply(delta[mean], share)));
    const means = byMean(kind, (mean) => add(a[mean], moved[mean]));
    const products = productsOf(kind).map(([name, x, y]) => {
      // In this order, the product is 0 for an empty state, even if the square of the mean would overflow.
      const between = multiply(multiply(delta[x], a.count), moved[y]);
      return [name, add(add(a[name], b[name]), between)] as const;
    });
    return record({ ...means, count, ...Object.fromEntries(products) }, kind);
  });
}

const takesHalf = (kind: Kind) => kind.isEven && productsOf(kind).length > 0;

/**
 * Adds elements to the merged state of the others by s, the sum of their deviations from its mean, and q, that of the squares:
 *
 *   mean = mean_0 + s / n        m2 = m2_0 + q - s^2 / n
 *
 * This is Chan's formula with one of the states written in sums. The added elements are fewer than those before, so that
 * s^2 / n is at most half of q, and the difference loses at most one bit. For pairs, cxy = cxy_0 + q_xy - s_x s_y / n.
 */
function remainderOf(kind: Kind): Remainder {
  return {
    terms: (state, elements, define) => {
      const means = partsOf(state, kind);
      const off = byMean(kind, (mean) => {
        const { element, shift } = elements[mean === "mean" ? 0 : 1] as Shifted;
        return define(`off${suffixOf(mean)}`, subtract(subtract(element, shift), means[mean]));
      });
      const products = productsOf(kind).map(([name, x, y]) => [name, multiply(off[x], off[y])]);
      return record({ ...off, ...Object.fromEntries(products) }, kind);
    },
    sum: (a, b) => {
      const [left, right] = [partsOf(a, kind), partsOf(b, kind)];
      return record(
        fieldwise(fieldsOf(kind), (name) => add(left[name], right[name])),
        kind,
      );
    },
    joined: (state, sums, { before, joining }, define) => {
      const [all, own] = [partsOf(state, kind), partsOf(sums, kind)];
      const moved = byMean(kind, (mean) =>
        define(`moved${suffixOf(mean)}`, multiply(opaque(own[mean]), literal(f32, 1 / (before + joining)))),
      );
      const means = byMean(kind, (mean) => add(all[mean], moved[mean]));
      const products = productsOf(kind).map(([name, x, y]) => {
        return [name, add(all[name], subtract(own[name], multiply(own[x], moved[y])))] as const;
      });
      return record({ ...means, ...Object.fromEntries(products) }, kind);
    },
  };
}

/** The fields of a lane's own state, whose elements are counted by the loop. */
const variablesOf = (kind: Kind) => fieldsOf(kind).filter((name) => name !== "count");

/** The variables of a lane's state. Only those of its kind exist. */
type Variables = Readonly<Record<Field, Target>>;

/** The variance of one element, and its root. */
function spreadOfOne(element: Expression, { elements, attributes }: RowContext): Expression {
  const correction = Number(attributes.correction ?? 0);
  const zero = library("less_itself", element);
  return correction === 0 ? zero : divide(zero, elements(correction));
}

/** Merges two states by Chan's formula. */
function mergeOf(kind: Kind): Reduction["merge"] {
  const merge = kind.isEven ? mergeEven(kind) : mergeCounted(kind);
  return (lower, upper, each) => {
    if (!takesHalf(kind)) return apply(merge, lower, upper);
    invariant(each !== undefined, "states without a count have the same number of elements");
    return apply(
      merge,
      lower,
      upper,
      typeof each === "number" ? literal(f32, each / 2) : multiply(each, literal(f32, 0.5)),
    );
  };
}

/** Welford's step: mean += (x - mean) / n, and m2 += (x - mean_before) (x - mean_after). */
function stepOf({ isSpread, isPaired }: Kind): Reduction["step"] {
  return (state, element, { to, name, shift, inverse, second }) => {
    const { mean, m2, mean_y, cxy } = state as unknown as Variables;
    const x = to.define(name("shifted"), subtract(element, shift as Expression));
    const delta = to.define(name("delta"), subtract(x, mean));
    to.assign(mean, multiply(delta, inverse as Expression), "+");
    if (!isPaired) {
      if (isSpread) to.assign(m2, multiply(delta, subtract(x, mean)), "+");
      return;
    }
    const off = to.define(name("off"), subtract(x, mean));
    if (isSpread) to.assign(m2, multiply(delta, off), "+");
    const { element: y, shift: shiftOfY } = second as Shifted;
    const deltaOfY = to.define(name("delta_y"), subtract(subtract(y, shiftOfY), mean_y));
    to.assign(mean_y, multiply(deltaOfY, inverse as Expression), "+");
    to.assign(cxy, multiply(off, deltaOfY), "+");
  };
}

/** Chan's formula for a block and the state around it, which has seen `before` elements. */
function encloseOf(kind: Kind): Reduction["enclose"] {
  return (around, block, { to, weight, before }) => {
    const [outer, inner] = [around as unknown as Variables, block as unknown as Variables];
    to.scope(() => {
      const delta = byMean(kind, (mean) => {
        const own = to.define(`blockDelta${suffixOf(mean)}`, subtract(inner[mean], outer[mean]));
        to.assign(outer[mean], multiply(own, weight as Expression), "+");
        return own;
      });
      for (const [name, x, y] of productsOf(kind)) {
        const between = multiply(multiply(delta[x], delta[y]), multiply(before as Expression, weight as Expression));
        to.assign(outer[name], add(inner[name], between), "+");
      }
    });
  };
}

/** The state of a lane as one value. */
function packedOf(kind: Kind, merge: Reduction["merge"]): Reduction["packed"] {
  return (state, { count, each }, define) => {
    const own = state as unknown as Variables;
    const { width } = own.mean.type;
    const means = byMean(kind, (mean) => {
      const all = opaque(own[mean]);
      return width === 1 ? all : define(`mean${suffixOf(mean)}`, all);
    });
    const ofComponent = (i: number) => {
      const part = (value: Expression) => (width === 1 ? value : component(value, i));
      const parts = fieldwise(variablesOf(kind), (name) => part(means[name] ?? own[name]));
      return record({ ...parts, ...(!kind.isEven && { count: count as Expression }) }, kind);
    };
    return width === 1 ? ofComponent(0) : mergedComponents(width, ofComponent, merge, define, each);
  };
}

/** The row's mean of an operand, and elements minus it. */
const meanOf = (mean: "mean" | "mean_y", kind: Kind) => ({
  result: { mean: (state: Expression, { shift }: RowContext) => add(shift as Expression, partsOf(state, kind)[mean]) },
  centered: (element: Expression, state: Expression, shift: Expression) =>
    subtract(subtract(element, shift), partsOf(state, kind)[mean]),
});

function varianceOf(state: Expression, { elements, attributes }: RowContext): Expression {
  return divide(field(state, "m2"), elements(Number(attributes.correction ?? 0)));
}

function momentsWith(kind: Kind): Reduction {
  const merge = mergeOf(kind);
  const { result: means, centered } = meanOf("mean", kind);
  return {
    name: kind.isPaired ? "comoments" : "moments",
    rounds: () => true,
    counts: true,
    shift: ([a, b, c]) => opaque(call("max", call("min", a, b), call("min", call("max", a, b), c))),
    identity: (type) => fieldwise(variablesOf(kind), () => construct(type)) as Parts,
    step: stepOf(kind),
    enclose: encloseOf(kind),
    type: () => typeOfState(kind),
    packed: packedOf(kind, merge),
    merge,
    commutes: kind.isEven,
    result: { ...means, variance: varianceOf, deviation: (state, row) => call("sqrt", varianceOf(state, row)) },
    // 0, or NaN if the element is not finite or the corrected count is 0.
    ofOne: { variance: spreadOfOne, deviation: spreadOfOne },
    ...(kind.isEven && { remainder: remainderOf(kind) }),
    centered,
    ...(kind.isPaired && {
      second: meanOf("mean_y", kind),
      both: {
        combined: (state: Expression) => field(state, "cxy"),
        mean: (state: Expression, { elements }: RowContext) => divide(field(state, "cxy"), elements(0)),
      },
    }),
  };
}

/**
 * The mean and variance, and the mean alone with the same accuracy: for lanes that may have seen different numbers of
 * elements (`counted`), or the same number (`even`). A pair also has the mean of the second operand and the covariance; with
 * a count, its state has no field left for the variance.
 */
export const moments = {
  counted: {
    spread: momentsWith({ isSpread: true, isEven: false }),
    mean: momentsWith({ isSpread: false, isEven: false }),
    pair: momentsWith({ isSpread: false, isEven: false, isPaired: true }),
  },
  even: {
    spread: momentsWith({ isSpread: true, isEven: true }),
    mean: momentsWith({ isSpread: false, isEven: true }),
    pair: momentsWith({ isSpread: true, isEven: true, isPaired: true }),
  },
};

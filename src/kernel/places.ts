/**
 * The place of the largest or smallest element of a row: of equal ones the first, and the first NaN where there is one. The
 * state is a record of an element and its place in the type of the element, so that f32 counts places up to 2^24.
 */

import { binary, construct, type Expression, equals, literal, select, unary } from "./expression.ts";
import { typeLimits } from "./monoids.ts";
import { type Fields, type Reduction, reductionOf } from "./reduction.ts";
import type { Scalar } from "./types.ts";

type State = Fields<"best" | "place">;

/** Behind every place. */
const nowhere: Readonly<Record<Scalar, number>> = { f32: 2 ** 30, i32: 2 ** 31 - 1, u32: 2 ** 32 - 1, bool: 1 };

const not = (a: Expression) => unary("!", a);
const and = (a: Expression, b: Expression) => binary("&", a, b);
const or = (a: Expression, b: Expression) => binary("|", a, b);

/** Whether the first comes before the second: it is better, or as good and nearer to the start of the row. */
function isFirst(order: ">" | "<", a: State, b: State): Expression {
  const [hasNaN, otherHasNaN] = [not(equals(a.best, a.best)), not(equals(b.best, b.best))];
  const isBetter = or(binary(order, a.best, b.best), and(hasNaN, not(otherHasNaN)));
  const isAsGood = or(equals(a.best, b.best), and(hasNaN, otherHasNaN));
  return or(isBetter, and(isAsGood, binary("<", a.place, b.place)));
}

function placeOfExtreme(name: string, order: ">" | "<", worst: (element: Scalar) => number): Reduction {
  const better = (a: State, b: State): State => {
    const isA = isFirst(order, a, b);
    return { best: select(b.best, a.best, isA), place: select(b.place, a.place, isA) };
  };
  return reductionOf({
    name,
    state: ["best", "place"],
    identity: { best: worst, place: (element) => nowhere[element] },
    step: (state, best, place) => better({ best, place: construct(best.type, place as Expression) }, state),
    merge: (lower, upper) => better(lower, upper),
    // Of two states one is taken whole.
    commutes: true,
    places: true,
    result: ({ place }) => {
      const { scalar } = place.type;
      const isNone = equals(place, literal(place.type, nowhere[scalar]));
      return construct({ ...place.type, scalar: "i32" }, select(place, literal(place.type, 0), isNone));
    },
  });
}

export const firstLargest = placeOfExtreme("argmax", ">", (element) => typeLimits.least[element]);
export const firstSmallest = placeOfExtreme("argmin", "<", (element) => typeLimits.greatest[element]);

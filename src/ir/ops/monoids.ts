/** Monoids: what reductions combine the elements of a row with, in any grouping. */

import {
  type BinaryOperator,
  binary,
  type Expression,
  equals,
  type Scalar,
  select,
  unary,
} from "../../../codegen/kernel/expression.ts";

export interface Monoid {
  /** The element that changes none it is combined with. `element` is the type that is computed in. */
  readonly identity: (element: Scalar) => number;
  /** Two elements combined. */
  readonly combine: (a: Expression, b: Expression) => Expression;
}

const least = { f32: -Infinity, i32: -(2 ** 31), u32: 0, bool: 0 };
const greatest = { f32: Infinity, i32: 2 ** 31 - 1, u32: 2 ** 32 - 1, bool: 1 };

const operator = (symbol: BinaryOperator, identity: number): Monoid => ({
  identity: () => identity,
  combine: (a, b) => binary(symbol, a, b),
});

/** The larger or the smaller one, and NaN where one is NaN: WGSL's own may drop it. Integers are equal to themselves. */
const extreme = (order: ">" | "<", identity: Monoid["identity"]): Monoid => ({
  identity,
  combine: (a, b) => select(b, a, binary("|", binary(order, a, b), unary("!", equals(a, a)))),
});

const table = {
  sum: operator("+", 0),
  prod: operator("*", 1),
  max: extreme(">", (element) => least[element]),
  min: extreme("<", (element) => greatest[element]),
} satisfies Record<string, Monoid>;

/** The name of a monoid that reductions combine elements with. */
export type MonoidName = keyof typeof table;

export const monoids: Readonly<Record<MonoidName, Monoid>> = table;

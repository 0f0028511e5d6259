/**
 * A reduction in a kernel: its state, the identity, the step that accumulates an element, the merge of two states, and the
 * results. One row serves lanes, subgroups and workgroup memory alike, after Futhark's SegRed, whose operator serves every
 * level.
 *
 * - depth: the number of blocks around a state; the lane's own state has depth 0.
 */

import type { Attributes } from "../ir/ir.ts";
import { component, construct, divide, type Expression, field, literal, type Operand } from "./expression.ts";
import type { Define } from "./function.ts";
import { invariant } from "./invariant.ts";
import type { Statements, Target } from "./statement.ts";
import { type Scalar, type Type, typeOf, type Width } from "./types.ts";

/** The variables of a state, by field. A lane that processes vectors has a state for each component. */
export type State = Readonly<Record<string, Target>>;

/** The values of a state, by field. */
export type Fields<Name extends string = string> = Readonly<Record<Name, Expression>>;

/** An element, and the shift that all lanes of its row subtract from such elements. */
export interface Shifted {
  readonly element: Expression;
  readonly shift: Expression;
}

/** What a step may use in addition to the state and the element. */
export interface StepContext {
  readonly to: Statements;
  /** Makes a unique name. */
  readonly name: (hint: string) => string;
  /** The shift that all lanes of the row subtract from their elements, if the reduction has one. */
  readonly shift: Expression | undefined;
  /** One over the number of elements that the state has seen, this one included. */
  readonly inverse: Expression | undefined;
  /** The position of the element in its row, if the reduction uses it. */
  readonly place?: Expression | undefined;
  /** The element of the second operand, for a reduction of two. */
  readonly second?: Shifted;
}

/** What the merge of a block's state into the enclosing state may use. */
export interface BlockContext {
  readonly to: Statements;
  /** The block's elements divided by those of both, if the reduction counts. */
  readonly weight: Expression | undefined;
  /** The number of elements that the enclosing state has seen. */
  readonly before: Expression | undefined;
}

/** What a result may depend on in addition to the state. */
export interface RowContext {
  /** The number of elements in the row minus `less`, as a float. */
  readonly elements: (less: number) => Expression;
  readonly attributes: Attributes;
  /** The shift that was subtracted from the elements, if the reduction has one. */
  readonly shift?: Expression;
}

/** The number of elements that the lanes of a row have seen. */
export interface Seen {
  /** Those of each component of a lane's vectors, if the reduction counts. */
  readonly count: Expression | undefined;
  /** The same number, if it is known and equal for all lanes. */
  readonly each: number | undefined;
}

/** How more elements are added to a state that has been merged already, without a count in any lane. */
export interface Remainder {
  /** The terms that an element of each operand contributes to the sums over all added elements, as a record like the state. */
  readonly terms: (state: Expression, elements: readonly Shifted[], define: Define) => Expression;
  /** Adds two such sums. It is commutative to the bit. */
  readonly sum: (a: Expression, b: Expression) => Expression;
  /** Adds the sums over `joining` elements to a state of `before` elements. */
  readonly joined: (
    state: Expression,
    sums: Expression,
    seen: { readonly before: number; readonly joining: number },
    define: Define,
  ) => Expression;
}

/** A row of the table of reductions. */
export interface Reduction {
  /** Part of the names of its variables. */
  readonly name: string;
  /** Whether its steps round, so that they are nested in blocks (Higham 2002, section 4.2). */
  readonly rounds: (element: Scalar) => boolean;
  /** Whether its steps use the number of elements so far. */
  readonly counts: boolean;
  /** Whether its steps use the position of an element in its row. */
  readonly places?: boolean;
  /** The state before the first element. @param around the enclosing state, for the state of a block. */
  readonly identity: (type: Type, around: State | undefined) => Fields;
  /** The shift that all lanes of a row subtract from their elements, chosen from three elements of the row. */
  readonly shift?: (elements: readonly [Expression, Expression, Expression]) => Expression;
  /** Accumulates an element into the state. */
  readonly step: (state: State, element: Expression, at: StepContext) => void;
  /** Merges a block's state into the enclosing state. */
  readonly enclose: (around: State, block: State, at: BlockContext) => void;
  /** Completes the state after the row has been read. @param before the result of the reduction that it depends on. */
  readonly finish?: (state: State, before: Expression, to: Statements) => void;
  /** The type of a state as a single value. */
  readonly type: (element: Scalar) => Type;
  /** The state of a lane as a single value, with the states of a vector's components merged. */
  readonly packed: (state: State, seen: Seen, define: Define) => Expression;
  /** Merges two such values, that of the lower lane first. @param each the number of elements that each has seen, if known. */
  readonly merge: (lower: Expression, upper: Expression, each?: Operand) => Expression;
  /** Whether the merge is commutative to the bit. */
  readonly commutes: boolean;
  readonly result: Results;
  /** The results for a row of one element, if they differ from that element. */
  readonly ofOne?: Results;
  /** For a reduction that counts, if all lanes see the same number of elements: how the remaining elements are added. */
  readonly remainder?: Remainder;
  /** The element minus the row's mean, if the state has a mean. */
  readonly centered?: (element: Expression, state: Expression, shift: Expression) => Expression;
  /** For a reduction of two operands: the results of the second alone, and of both together. */
  readonly second?: Pick<Reduction, "result" | "centered">;
  readonly both?: Results;
}

/** A result of a reduction: the row's elements combined, or a moment of the row. */
export type ReductionResult = "combined" | "mean" | "variance" | "deviation";

/** Computes a reduction's results from a state, or from an element. */
export type Results = { readonly [Result in ReductionResult]?: (of: Expression, row: RowContext) => Expression };

/** A reduction as expressions: for each field of the state its identity, a step, and a merge. */
export interface ReductionParts<Name extends string> {
  readonly name: string;
  /** The fields of the state: with one field, a number of the elements' type; with two to four, a record of such numbers. */
  readonly state: readonly Name[];
  /** The identity of the merge, by the type that is computed in. */
  readonly identity: Readonly<Record<Name, (element: Scalar) => number>>;
  /** The state after another element. @param place its position, if `places` is set: a u32 or i32 as wide as the element. */
  readonly step: (state: Fields<Name>, element: Expression, place?: Expression) => Fields<Name>;
  /** The state of the elements of both. */
  readonly merge: (lower: Fields<Name>, upper: Fields<Name>) => Fields<Name>;
  /** Whether its steps round, so that they are nested in blocks. `false` by default. */
  readonly rounds?: Reduction["rounds"];
  /** Whether the merge is commutative to the bit. `false` by default. */
  readonly commutes?: boolean;
  /** Whether a step is the merge with an element, as in a monoid: the result of one element is that element. `false` by default. */
  readonly stepMerges?: boolean;
  /** Whether its steps use the position of an element in its row, in row-major order of the axes. `false` by default. */
  readonly places?: boolean;
  /** The result. By default it is the state, which then has one field. */
  readonly result?: (state: Fields<Name>) => Expression;
}

/** Whether a state has the form of an element and merges in any order, so that partial states can be reduced like elements. */
export const isMonoid = ({ type, commutes, counts, shift, places, ofOne, result }: Reduction): boolean =>
  type("f32").width === 1 && commutes && !counts && !shift && !places && !ofOne && result.combined !== undefined;

/** A state as a single value: a number if it has one field, else a record, padded from three to four components. */
export function recordOf<Name extends string>(names: readonly Name[]) {
  const width: Width = names.length === 1 ? 1 : names.length === 2 ? 2 : 4;
  const each = <T>(value: (name: Name) => T) =>
    Object.fromEntries(names.map((name) => [name, value(name)])) as Readonly<Record<Name, T>>;
  const type = (scalar: Scalar): Type => (width === 1 ? typeOf(scalar) : { scalar, width, fields: names });
  return {
    /** A value for each field. */
    each,
    type,
    fields: (state: Expression): Fields<Name> => each((name) => (width === 1 ? state : field(state, name))),
    value: (fields: Fields<Name>): Expression => {
      const values = names.map((name) => fields[name] as Expression);
      const [first] = values as [Expression];
      const padding = Array.from({ length: width - names.length }, () => literal(typeOf(first.type.scalar), 0));
      return width === 1 ? first : construct(type(first.type.scalar), ...values, ...padding);
    },
  };
}

/** Makes a reduction from its parts. */
export function reductionOf<Name extends string>(parts: ReductionParts<Name>): Reduction {
  const { state: names, identity, step, merge, commutes = false, result } = parts;
  invariant(names.length > 0 && names.length <= (result ? 4 : 1), "a state has one to four fields");
  const [first] = names as readonly [Name];
  const { each, type, fields: fieldsOf, value: record } = recordOf(names);
  const initial = (type: Type) =>
    each((name) => construct(type, literal(typeOf(type.scalar), identity[name](type.scalar))));
  const resultOf = (state: Fields<Name>) => (result ? result(state) : (state[first] as Expression));
  const merged = (a: Expression, b: Expression) => record(merge(fieldsOf(a), fieldsOf(b)));
  const assign = (to: Statements, state: State, fields: Fields<Name>, nameOf: (hint: string) => string) => {
    // Each of several fields may depend on the old values of the others.
    const values = names.map((name) => {
      const value = fields[name] as Expression;
      return names.length === 1 ? value : to.define(nameOf(`next_${name}`), value);
    });
    for (const [i, name] of names.entries()) to.assign(state[name] as Target, values[i] as Expression);
  };
  return {
    name: parts.name,
    rounds: parts.rounds ?? (() => false),
    counts: false,
    identity: (type) => initial(type),
    ...(parts.places && { places: true }),
    step: (state, element, { to, name, place }) => assign(to, state, step(state, element, place), name),
    enclose: (around, block, { to }) => {
      const fields = merge(around, block);
      if (names.length === 1) assign(to, around, fields, String);
      else to.scope(() => assign(to, around, fields, String));
    },
    type,
    packed: (state, _, define) => {
      const { width } = (state[first] as Target).type;
      const ofComponent = (i: number) => record(each((name) => component(state[name] as Target, i)));
      return width === 1 ? record(state) : mergedComponents(width, ofComponent, merged, define);
    },
    merge: merged,
    commutes,
    result: { combined: (state) => resultOf(fieldsOf(state)) },
    ...(!parts.stepMerges && {
      ofOne: {
        combined: (element) => {
          const first = construct(typeOf("u32", element.type.width));
          return resultOf(step(initial(element.type), element, first));
        },
      },
    }),
  };
}

/** Merges the states of a vector's components in pairs. @param each the number of elements that each has seen, if known. */
export function mergedComponents(
  width: Width,
  ofComponent: (index: number) => Expression,
  merge: Reduction["merge"],
  define: Define,
  each?: number,
): Expression {
  const pair = (i: number) => merge(ofComponent(i), ofComponent(i + 1), each);
  return width === 2 ? pair(0) : merge(define("low", pair(0)), define("high", pair(2)), each && 2 * each);
}

/** The sum divided by the number of elements. */
export const meanOfSum = (sum: Expression, { elements }: RowContext): Expression => divide(sum, elements(0));

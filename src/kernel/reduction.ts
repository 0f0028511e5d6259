/**
 * What a reduction is to a kernel: a state, what it is before the first element, what an element does to it, how two states
 * become one, and what is read of the last one. Lanes, subgroups and workgroup memory merge by the same row, after
 * Futhark's SegRed, whose operator serves every level.
 *
 * - depth: how many blocks are around a state; the lane's own has 0.
 */

import type { Attributes } from "../ir/ir.ts";
import { component, construct, divide, type Expression, field, literal, type Operand } from "./expression.ts";
import type { Define } from "./function.ts";
import { invariant } from "./invariant.ts";
import type { Statements, Target } from "./statement.ts";
import { type Scalar, type Type, typeOf, type Width } from "./types.ts";

/** The variables of a state, by field. A lane that handles vectors has a state for each component. */
export type State = Readonly<Record<string, Target>>;

/** The values of a state, by field. */
export type Fields<Name extends string = string> = Readonly<Record<Name, Expression>>;

/** An element, and what all lanes of its row take off such elements. */
export interface Shifted {
  readonly element: Expression;
  readonly shift: Expression;
}

/** Where an element is taken into a state. */
export interface StepContext {
  readonly to: Statements;
  /** A name that nothing else has. */
  readonly name: (hint: string) => string;
  /** What all lanes of the row take off their elements, where the reduction has a shift. */
  readonly shift: Expression | undefined;
  /** One over how many elements the state has seen, with this one. */
  readonly inverse: Expression | undefined;
  /** Where the element stands in its row, of a reduction that asks. */
  readonly place?: Expression | undefined;
  /** The element of the second operand, of a reduction of two. */
  readonly second?: Shifted;
}

/** Where a block's state is taken into that around it. */
export interface BlockContext {
  readonly to: Statements;
  /** One over the elements of both, times those of the block; where the reduction counts. */
  readonly weight: Expression | undefined;
  /** Elements that the state around has seen. */
  readonly before: Expression | undefined;
}

/** What a result may depend on beside the state. */
export interface RowContext {
  /** How many elements a row has, less so many, as a float. */
  readonly elements: (less: number) => Expression;
  readonly attributes: Attributes;
  /** What was taken off the elements, where the reduction has a shift. */
  readonly shift?: Expression;
}

/** How many elements the lanes of a row have seen. */
export interface Seen {
  /** Each component of a lane's vectors, where the reduction counts. */
  readonly count: Expression | undefined;
  /** The same, where it is known and all lanes have seen as many. */
  readonly each: number | undefined;
}

/** How elements join a state that has been merged already, without a count in any lane. */
export interface Remainder {
  /** What an element of each operand adds to the sums of all that join, in a record as the state is. */
  readonly terms: (state: Expression, elements: readonly Shifted[], define: Define) => Expression;
  /** Two such sums, in either order to the bit. */
  readonly sum: (a: Expression, b: Expression) => Expression;
  /** The state of `before` elements once as many as `joining` have joined it, of which these are the sums. */
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
  /** Whether its steps ask how many elements there were. */
  readonly counts: boolean;
  /** Whether its steps ask where an element stands in its row. */
  readonly places?: boolean;
  /** The state before it has seen an element; `around` is the state that a block is in. */
  readonly identity: (type: Type, around: State | undefined) => Fields;
  /** What all lanes of a row take off their elements, chosen from three of the row. */
  readonly shift?: (elements: readonly [Expression, Expression, Expression]) => Expression;
  /** What an element does to the state. */
  readonly step: (state: State, element: Expression, at: StepContext) => void;
  /** A block's state into that around it. */
  readonly enclose: (around: State, block: State, at: BlockContext) => void;
  /** What is left to do once the row has been read: `before` is what a reduction it depends on has come to. */
  readonly finish?: (state: State, before: Expression, to: Statements) => void;
  /** The type of a state as one value. */
  readonly type: (element: Scalar) => Type;
  /** The state of a lane as one value, those of a vector's components merged; `define` gives a value a name. */
  readonly packed: (state: State, seen: Seen, define: Define) => Expression;
  /** Two such values, that of the lower lane first; `each` is how many elements each of them has seen, where that is known. */
  readonly merge: (lower: Expression, upper: Expression, each?: Operand) => Expression;
  /** Whether the order of the two changes nothing, not a bit. */
  readonly commutes: boolean;
  readonly result: Results;
  /** Results of a row of one element, where they are not that element. */
  readonly ofOne?: Results;
  /** Of a reduction that counts, where lanes see as many elements: how the others join. */
  readonly remainder?: Remainder;
  /** The element less the row's mean, where the state has one. */
  readonly centered?: (element: Expression, state: Expression, shift: Expression) => Expression;
  /** Of a reduction of two operands, what is read of the second alone; and of both together. */
  readonly second?: Pick<Reduction, "result" | "centered">;
  readonly both?: Results;
}

/** What a result of a reduction is: the row's elements combined, or a moment of the row. */
export type ReductionResult = "combined" | "mean" | "variance" | "deviation";

/** A reduction's results from a state, or from an element. */
export type Results = { readonly [Result in ReductionResult]?: (of: Expression, row: RowContext) => Expression };

/** A reduction as expressions: of each field its first value, its value after an element, and that of two states. */
export interface ReductionParts<Name extends string> {
  readonly name: string;
  /** Of one field, the state is a number of the elements' type; of two to four, a record of such. */
  readonly state: readonly Name[];
  /** The state that changes none it is merged with, by the type that is computed in. */
  readonly identity: Readonly<Record<Name, (element: Scalar) => number>>;
  /** The state once it has seen an element more; `place` is there where `places` says so: a u32 or i32 as wide as the element. */
  readonly step: (state: Fields<Name>, element: Expression, place?: Expression) => Fields<Name>;
  /** The state of all elements of two. */
  readonly merge: (lower: Fields<Name>, upper: Fields<Name>) => Fields<Name>;
  /** Whether its steps round, so that they are nested in blocks. Not unless said otherwise. */
  readonly rounds?: Reduction["rounds"];
  /** Whether the order of two merged states changes nothing, not a bit. Not unless said otherwise. */
  readonly commutes?: boolean;
  /** Whether a step merges the state with the element, as in a monoid: of one element the result is that element. Not unless said otherwise. */
  readonly stepMerges?: boolean;
  /** Whether its steps ask where an element stands in its row: its number, in row-major order of the axes. Not unless said otherwise. */
  readonly places?: boolean;
  /** The state itself unless said otherwise; then it has one field. */
  readonly result?: (state: Fields<Name>) => Expression;
}

/** Whether states are as elements are, and merge in any order: states of parts can be reduced as elements are. */
export const isMonoid = ({ type, commutes, counts, shift, places, ofOne, result }: Reduction): boolean =>
  type("f32").width === 1 && commutes && !counts && !shift && !places && !ofOne && result.combined !== undefined;

/** A reduction from its parts. */
export function reductionOf<Name extends string>(parts: ReductionParts<Name>): Reduction {
  const { state: names, identity, step, merge, commutes = false, result } = parts;
  invariant(names.length > 0 && names.length <= (result ? 4 : 1), "a state has one to four fields");
  const [first] = names as readonly [Name];
  const each = (value: (name: Name) => Expression) =>
    Object.fromEntries(names.map((name) => [name, value(name)])) as Fields<Name>;
  const initial = (type: Type) =>
    each((name) => construct(type, literal(typeOf(type.scalar), identity[name](type.scalar))));
  const fieldsOf = (value: Expression) => each((name) => (names.length === 1 ? value : field(value, name)));
  const width: Width = names.length === 1 ? 1 : names.length === 2 ? 2 : 4;
  const type = (scalar: Scalar): Type => (width === 1 ? typeOf(scalar) : { scalar, width, fields: names });
  const record = (fields: Fields<Name>): Expression => {
    const values = names.map((name) => fields[name] as Expression);
    const { scalar } = (values[0] as Expression).type;
    const padding = Array.from({ length: width - names.length }, () => literal(typeOf(scalar), 0));
    return width === 1 ? (values[0] as Expression) : construct(type(scalar), ...values, ...padding);
  };
  const resultOf = (state: Fields<Name>) => (result ? result(state) : (state[first] as Expression));
  const merged = (a: Expression, b: Expression) => record(merge(fieldsOf(a), fieldsOf(b)));
  const assign = (to: Statements, state: State, fields: Fields<Name>, nameOf: (hint: string) => string) => {
    // Of several fields each may depend on what the others were.
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

/** The states of a vector's components merged in pairs. @param each how many elements each has seen, where that is known. */
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

/** The sum over how many elements there are. */
export const meanOfSum = (sum: Expression, { elements }: RowContext): Expression => divide(sum, elements(0));

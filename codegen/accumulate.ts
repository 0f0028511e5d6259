/**
 * The statements of an accumulator: what a lane accumulates, how lanes merge, and what a reduction reads of the result.
 *
 * Sums that round are nested: a lane adds `blockSteps` elements into a block, the block into a larger one, and that into the
 * lane's own state (blocked summation: Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2). A sum of
 * n elements then passes through about 16 + sqrt(n) / 2 additions instead of n, and an element that is far larger than the
 * others takes the digits of a few of them only. Unlike a compensated sum (Kahan 1965) it needs no promise of the driver:
 * WGSL allows (a + b) - a to be simplified to b, and Mesa does so.
 *
 * - depth: how many blocks are around a state; the lane's own has 0.
 */

import { reductionResultOf } from "../src/ir/op-kinds.ts";
import {
  component,
  construct,
  type Expression,
  literal,
  multiply,
  select,
  subtract,
  widened,
} from "../src/kernel/expression.ts";
import type {
  Reduction,
  ReductionResult,
  Remainder,
  Results,
  RowContext,
  Shifted,
  State,
} from "../src/kernel/reduction.ts";
import type { Statements, Target } from "../src/kernel/statement.ts";
import { f32 } from "../src/kernel/types.ts";
import { type Accumulator, operandsOf } from "./accumulators.ts";
import { depthSuffixes, ofDepth } from "./blocks.ts";
import { laneType } from "./expression.ts";
import { extentValue, known } from "./extent.ts";
import { type Merge, mergeLanes, shareFirst } from "./lanes.ts";
import type { Names } from "./names.ts";
import { isCovariance, type Node } from "./nodes.ts";
import type { BodyContext, Place } from "./place.ts";
import type { Scratch } from "./scratch.ts";

/** Endings of the names of an accumulator's variables: the row's state, its shift, and the fields of the states of each depth. */
export function stateParts({ identity, shift, second }: Reduction): readonly string[] {
  const parts = Object.keys(identity(f32, undefined));
  return [
    "",
    ...(shift ? sampleParts(0) : []),
    ...(second ? sampleParts(1) : []),
    ...parts.flatMap((part) => depthSuffixes.map((suffix) => `_${part}${suffix}`)),
  ];
}

/** Of the variables in which the shift of an operand is chosen. */
const sampleParts = (operand: number) => (operand === 0 ? ["_shift", "_second"] : ["_shift_y", "_second_y"]);

/** Of an accumulator of two operands, what the reduction reads: of the first, of the second, or of both. */
function readOf(node: Node, { reduction, operand, second }: Accumulator): Pick<Reduction, "result" | "centered"> {
  if (second === undefined) return reduction;
  if (isCovariance(node)) return { result: reduction.both as Results };
  return node.operands[0] === operand ? reduction : (reduction.second as Reduction);
}

/** The number of the operand that the reduction reads. */
const operandRead = (node: Node, { operand }: Accumulator) => (node.operands[0] === operand ? 0 : 1);

/** Variables that all accumulators of a loop share: how many units a lane has seen, and one over that. */
export interface Counter {
  /** By depth, those of blocks while they are there; none where no accumulator counts. */
  readonly counts: Target[];
  /** One over the innermost count. */
  inverse: Expression | undefined;
}

export class AccumulatorWriter {
  /** Where rows are those of tiles: how many units the row has. */
  limit: Expression | undefined;
  private readonly context: BodyContext;
  private readonly to: Statements;
  private readonly scratch: Scratch;
  /** By accumulator and depth. */
  private readonly states = new Map<Accumulator, State[]>();
  /** What all lanes have accumulated. */
  private readonly rows = new Map<Accumulator, Target>();
  /** By operand: what is taken off the elements, and the second of three where they come one after the other. */
  private readonly samples = new Map<Accumulator, readonly (readonly Target[])[]>();

  constructor(context: BodyContext, to: Statements, scratch: Scratch) {
    this.context = context;
    this.to = to;
    this.scratch = scratch;
  }

  private stateOf(accumulator: Accumulator, depth: number): State {
    return this.states.get(accumulator)?.[depth] as State;
  }

  /** The state of a row, once its lanes are merged. */
  private rowState(accumulator: Accumulator): Expression {
    return this.rows.get(accumulator) as Target;
  }

  /** An element less its row's mean. */
  centered(mean: Node, accumulator: Accumulator, element: Expression): Expression {
    const shift = this.shiftOf(accumulator, operandRead(mean, accumulator)) as Expression;
    return readOf(mean, accumulator).centered?.(element, this.rowState(accumulator), shift) as Expression;
  }

  private shiftOf(accumulator: Accumulator, operand: number): Target | undefined {
    return this.samples.get(accumulator)?.[operand]?.[0];
  }

  /** The state at a depth, before it has seen an element. */
  declare(accumulator: Accumulator, depth = 0): void {
    const states = this.states.get(accumulator) ?? [];
    this.states.set(accumulator, states);
    const type = laneType(accumulator.operand.value.element, this.context.schedule.width);
    const identity = Object.entries(accumulator.reduction.identity(type, states[depth - 1]));
    states[depth] = Object.fromEntries(
      identity.map(([part, value]) => {
        return [part, this.to.variable(`${accumulator.name}_${part}${ofDepth(depth)}`, value)];
      }),
    );
  }

  /** Room for an accumulator's shift, and for the second of three elements where they come one after the other. */
  declareShift(accumulator: Accumulator): void {
    const zero = literal(f32, 0);
    const variables = operandsOf(accumulator).map((_, operand) => {
      const parts = sampleParts(operand).slice(0, this.context.schedule.width === 4 ? 1 : 2);
      return parts.map((part) => this.to.variable(accumulator.name + part, zero));
    });
    this.samples.set(accumulator, variables);
  }

  /** Takes the elements of a unit, the `which`th of those that are looked at; with the third element the shift is chosen. */
  sample(accumulator: Accumulator, place: Place, which: number): void {
    for (const [i, operand] of operandsOf(accumulator).entries()) {
      const taken = this.samples.get(accumulator)?.[i] as readonly Target[];
      this.sampleOf(accumulator, this.elementOf(operand, place), which, taken);
    }
  }

  private sampleOf(accumulator: Accumulator, element: Expression, which: number, taken: readonly Target[]): void {
    const { width } = element.type;
    const elements = Array.from({ length: width }, (_, i) => (width === 1 ? element : component(element, i)));
    const [a, b, c] = [...taken.slice(0, which * width), ...elements] as [Expression, Expression, Expression?];
    if (c !== undefined) {
      const shift = accumulator.reduction.shift?.([a, b, c]) as Expression;
      this.to.assign(taken[0] as Target, shift);
      return;
    }
    for (const [i, one] of elements.entries()) this.to.assign(taken[which * width + i] as Target, one);
  }

  /** Lane 0's shift, for all lanes of its row. */
  shareShift(accumulator: Accumulator, lane: Expression): void {
    for (const [shift] of this.samples.get(accumulator) ?? []) {
      shareFirst(shift as Target, lane, this.context.schedule, this.scratch, this.to);
    }
  }

  private elementOf(operand: Node, place: Place): Expression {
    return widened(place.argument(operand).value, this.context.schedule.width);
  }

  private shiftedOf(accumulator: Accumulator, operand: number, place: Place): Shifted {
    const element = this.elementOf(operandsOf(accumulator)[operand] as Node, place);
    return { element, shift: this.shiftOf(accumulator, operand) as Expression };
  }

  /** @param depth of the state that takes the element. */
  accumulate(accumulator: Accumulator, place: Place, { inverse }: Counter, depth: number): void {
    accumulator.reduction.step(this.stateOf(accumulator, depth), this.elementOf(accumulator.operand, place), {
      to: this.to,
      name: (hint) => place.names.define(hint),
      shift: this.shiftOf(accumulator, 0),
      inverse,
      ...(accumulator.second && { second: this.shiftedOf(accumulator, 1, place) }),
      ...(accumulator.place && { place: place.placesOf(accumulator.place) }),
    });
  }

  /** The same for an element of some lanes only: the state of the others stays. */
  accumulateWhere(isElement: Expression, accumulator: Accumulator, place: Place, counter: Counter): void {
    const kept = this.stateOf(accumulator, 0);
    const next = Object.entries(kept).map(([part, was]): [string, Target] => {
      return [part, this.to.variable(place.names.define(`next_${part}`), was)];
    });
    this.states.set(accumulator, [Object.fromEntries(next)]);
    this.accumulate(accumulator, place, counter, 0);
    this.states.set(accumulator, [kept]);
    for (const [part, value] of next) {
      const was = kept[part] as Target;
      this.to.assign(was, select(was, value, isElement));
    }
  }

  /** What the elements of these places add to the sums of those that join the row's merged state. */
  private termsOf(accumulator: Accumulator, place: Place): Expression {
    const elements = operandsOf(accumulator).map((_, operand) => this.shiftedOf(accumulator, operand, place));
    const { terms, sum } = accumulator.reduction.remainder as Remainder;
    const { width } = this.context.schedule;
    const define = (hint: string, value: Expression) => this.to.define(place.names.define(hint), value);
    const part =
      (i: number) =>
      ({ element, shift }: Shifted) => {
        return { element: width === 1 ? element : component(element, i), shift };
      };
    return Array.from({ length: width }, (_, i) =>
      terms(this.rowState(accumulator), elements.map(part(i)), define),
    ).reduce(sum);
  }

  /** The elements of these places, all of which each lane has, join the merged state. */
  joinAll(accumulator: Accumulator, places: readonly Place[], before: number): void {
    const { remainder } = accumulator.reduction;
    const sums = places
      .map((place) => this.termsOf(accumulator, place))
      .reduce((a, b) => (remainder as Remainder).sum(a, b));
    this.join(accumulator, sums, before, places.length, (places[0] as Place).names);
  }

  /** The elements of some lanes join the merged states: at most one unit of each lane. */
  joinSome(
    isElement: Expression,
    accumulators: readonly (readonly [Accumulator, Place])[],
    before: number,
    units: number,
    lane: Expression,
  ): void {
    const merges = accumulators.map(
      ([accumulator, place]): Merge & { readonly accumulator: Accumulator; readonly names: Names } =>
        this.to.at(accumulator.span, () => {
          const none = construct(this.rowState(accumulator).type);
          const sums = select(none, this.termsOf(accumulator, place), isElement);
          const state = this.to.variable(place.names.define(`${accumulator.name}_sums`), sums);
          const { sum } = accumulator.reduction.remainder as Remainder;
          const merge = { state, reduction: { merge: sum, commutes: true }, each: undefined, span: accumulator.span };
          return { ...merge, accumulator, names: place.names };
        }),
    );
    mergeLanes(merges, lane, this.context.schedule, this.scratch, this.to);
    for (const { accumulator, state, names } of merges) this.join(accumulator, state, before, units, names);
  }

  private join(accumulator: Accumulator, sums: Expression, before: number, units: number, names: Names): void {
    const { width } = this.context.schedule;
    const state = this.rows.get(accumulator) as Target;
    const { joined } = accumulator.reduction.remainder as Remainder;
    const define = (hint: string, value: Expression) => this.to.define(names.define(hint), value);
    const seen = { before: before * width, joining: units * width };
    this.to.at(accumulator.span, () => this.to.assign(state, joined(state, sums, seen, define)));
  }

  /**
   * A block's state into that around it.
   * @param weight one over the units of both, times those of the block.
   * @param before the units that the state around has seen.
   */
  addBlock(
    accumulator: Accumulator,
    depth: number,
    weight: Expression | undefined,
    before: Expression | undefined,
  ): void {
    accumulator.reduction.enclose(this.stateOf(accumulator, depth - 1), this.stateOf(accumulator, depth), {
      to: this.to,
      weight,
      before,
    });
  }

  /** The lane's vectors to one state, then the states of the row's lanes to one; of all accumulators of a loop together. */
  finish(
    accumulators: readonly Accumulator[],
    { counts: [count] }: Counter,
    lane: Expression,
    nameOf: (hint: string) => string,
  ): void {
    const { schedule } = this.context;
    const each = schedule.split?.even;
    const define = (hint: string, value: Expression) => this.to.define(nameOf(hint), value);
    const packed = ({ reduction, name, max, span }: Accumulator, state: State): Merge => {
      if (max !== undefined) reduction.finish?.(state, this.rowState(max), this.to);
      const row = this.to.variable(name, reduction.packed(state, { count, each }, define));
      return { state: row, reduction, each: each && each * schedule.width, span };
    };
    // What depends on a maximum is finished by that of the row.
    for (const stage of [accumulators.filter(({ max }) => !max), accumulators.filter(({ max }) => max)]) {
      const merges = stage.map((accumulator) => {
        const merge = this.to.at(accumulator.span, () => packed(accumulator, this.stateOf(accumulator, 0)));
        this.rows.set(accumulator, merge.state);
        return merge;
      });
      mergeLanes(merges, lane, schedule, this.scratch, this.to);
    }
  }

  /** A reduction's value from the row's state. */
  result(node: Node, accumulator: Accumulator): Expression {
    const which = reductionResultOf(node.value) as ReductionResult;
    const result = readOf(node, accumulator).result[which];
    if (result === undefined) throw new Error(`the reduction \`${accumulator.reduction.name}\` has no ${which}`);
    return result(this.rowState(accumulator), this.rowContext(node, accumulator));
  }

  private rowContext(node: Node, accumulator: Accumulator): RowContext {
    const { columnCount: count, width } = this.context.schedule;
    const elements = (less: number) => {
      const number = this.limit === undefined ? known(count) : undefined;
      if (number !== undefined) return literal(f32, number - less);
      const ofTile = this.limit && (width === 1 ? this.limit : multiply(this.limit, width));
      const whole = construct(f32, ofTile ?? extentValue(count));
      return less === 0 ? whole : subtract(whole, less);
    };
    const shift = this.shiftOf(accumulator, operandRead(node, accumulator));
    return { elements, attributes: node.op?.attributes ?? {}, ...(shift && { shift }) };
  }
}

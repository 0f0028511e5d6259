/**
 * The statements of an accumulator: how a lane accumulates elements, how lanes merge their states, and how a reduction
 * reads its result from the merged state.
 *
 * Sums that round are nested: a lane adds `blockSteps` elements into a block, the block into a larger one, and that into the
 * lane's own state (blocked summation: Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2). A sum of
 * n elements then passes through about 16 + sqrt(n) / 2 additions instead of n, and an element that is far larger than the
 * others costs only a few of them their digits. Unlike a compensated sum (Kahan 1965), it needs no guarantee from the
 * driver: WGSL allows (a + b) - a to be simplified to b, and Mesa does so.
 *
 * - depth: the number of blocks around a state; the lane's own state has depth 0.
 */

import { getOrInsert } from "../src/ir/groups.ts";
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
import { LaneMerger, type Merge } from "./lanes.ts";
import type { Names } from "./names.ts";
import { isCovariance, type Node } from "./nodes.ts";
import type { BodyContext, Place } from "./place.ts";
import type { Scratch } from "./scratch.ts";

/** Suffixes of an accumulator's variables: the row's state, its shift, and the fields of the state at each depth. */
export function stateParts({ identity, shift, second }: Reduction): readonly string[] {
  const parts = Object.keys(identity(f32, undefined));
  return [
    "",
    ...(shift ? sampleParts(0) : []),
    ...(second ? sampleParts(1) : []),
    ...parts.flatMap((part) => depthSuffixes.map((suffix) => `_${part}${suffix}`)),
  ];
}

/** Suffixes of the variables in which the shift of an operand is chosen. */
const sampleParts = (operand: number) => (operand === 0 ? ["_shift", "_second"] : ["_shift_y", "_second_y"]);

/** How the reduction reads an accumulator of two operands: the first, the second, or both. */
function readOf(node: Node, { reduction, operand, second }: Accumulator): Pick<Reduction, "result" | "centered"> {
  if (second === undefined) return reduction;
  if (isCovariance(node)) return { result: reduction.both as Results };
  return node.operands[0] === operand ? reduction : (reduction.second as Reduction);
}

/** The index of the operand that the reduction reads. */
const operandRead = (node: Node, { operand }: Accumulator) => (node.operands[0] === operand ? 0 : 1);

/** Variables that all accumulators of a loop share: the number of units that a lane has seen, and its inverse. */
export interface Counter {
  /** By depth, those of the open blocks included; empty if no accumulator counts. */
  readonly counts: Target[];
  /** One over the innermost count. */
  inverse: Expression | undefined;
}

export class AccumulatorWriter {
  /** The number of units in a row, if the rows of a tile are the columns. */
  limit: Expression | undefined;
  private readonly context: BodyContext;
  private readonly to: Statements;
  private readonly lanes: LaneMerger;
  /** By accumulator and depth. */
  private readonly states = new Map<Accumulator, State[]>();
  /** The states of rows, once their lanes are merged. */
  private readonly rows = new Map<Accumulator, Target>();
  /** By operand: its shift, and the second of three samples if they are read one after the other. */
  private readonly samples = new Map<Accumulator, readonly (readonly Target[])[]>();

  constructor(context: BodyContext, to: Statements, scratch: Scratch) {
    this.context = context;
    this.to = to;
    this.lanes = new LaneMerger(context.schedule, scratch, to);
  }

  private stateOf(accumulator: Accumulator, depth: number): State {
    return this.states.get(accumulator)?.[depth] as State;
  }

  /** The state of a row, once its lanes are merged. */
  private rowState(accumulator: Accumulator): Expression {
    return this.rows.get(accumulator) as Target;
  }

  /** An element minus its row's mean. */
  centered(mean: Node, accumulator: Accumulator, element: Expression): Expression {
    const shift = this.shiftOf(accumulator, operandRead(mean, accumulator)) as Expression;
    return readOf(mean, accumulator).centered?.(element, this.rowState(accumulator), shift) as Expression;
  }

  private shiftOf(accumulator: Accumulator, operand: number): Target | undefined {
    return this.samples.get(accumulator)?.[operand]?.[0];
  }

  /** The state at a depth, before it has seen an element. */
  declare(accumulator: Accumulator, depth = 0): void {
    const states = getOrInsert(this.states, accumulator, () => []);
    const type = laneType(accumulator.operand.value.element, this.context.schedule.width);
    const identity = Object.entries(accumulator.reduction.identity(type, states[depth - 1]));
    states[depth] = Object.fromEntries(
      identity.map(([part, value]) => {
        return [part, this.to.variable(`${accumulator.name}_${part}${ofDepth(depth)}`, value)];
      }),
    );
  }

  /** Declares an accumulator's shift, and the second of three samples if they are read one after the other. */
  declareShift(accumulator: Accumulator): void {
    const zero = literal(f32, 0);
    const variables = operandsOf(accumulator).map((_, operand) => {
      const parts = sampleParts(operand).slice(0, this.context.schedule.width === 4 ? 1 : 2);
      return parts.map((part) => this.to.variable(accumulator.name + part, zero));
    });
    this.samples.set(accumulator, variables);
  }

  /** Samples the elements of the `which`th unit; the shift is chosen from three elements. */
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

  /** Broadcasts lane 0's shift to all lanes of its row. */
  shareShift(accumulator: Accumulator, lane: Expression): void {
    for (const [shift] of this.samples.get(accumulator) ?? []) {
      this.lanes.shareFirst(shift as Target, lane);
    }
  }

  private elementOf(operand: Node, place: Place): Expression {
    return widened(place.argument(operand).value, this.context.schedule.width);
  }

  private shiftedOf(accumulator: Accumulator, operand: number, place: Place): Shifted {
    const element = this.elementOf(operandsOf(accumulator)[operand] as Node, place);
    return { element, shift: this.shiftOf(accumulator, operand) as Expression };
  }

  /** @param depth of the state that the element is accumulated into. */
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

  /** The same for an element that only some lanes have: the others keep their state. */
  accumulateWhere(
    isElement: Expression,
    accumulator: Accumulator,
    place: Place,
    counter: Counter,
    depth: number,
  ): void {
    const states = this.states.get(accumulator) as State[];
    const state = this.stateOf(accumulator, depth);
    const next = Object.entries(state).map(([part, was]): [string, Target] => {
      return [part, this.to.variable(place.names.define(`next_${part}`), was)];
    });
    states[depth] = Object.fromEntries(next);
    this.accumulate(accumulator, place, counter, depth);
    states[depth] = state;
    for (const [part, value] of next) {
      const was = state[part] as Target;
      this.to.assign(was, select(was, value, isElement));
    }
  }

  /** What the elements at this place add to the sums that will join the row's merged state. */
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

  /** Adds the elements at these places, which every lane has read, to the merged state. */
  joinAll(accumulator: Accumulator, places: readonly Place[], before: number): void {
    const { remainder } = accumulator.reduction;
    const sums = places
      .map((place) => this.termsOf(accumulator, place))
      .reduce((a, b) => (remainder as Remainder).sum(a, b));
    this.join(accumulator, sums, before, places.length, (places[0] as Place).names);
  }

  /** Adds the elements of some lanes, at most one unit each, to the merged states. */
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
    this.lanes.merge(merges, lane);
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
   * Merges a block's state into the enclosing state.
   * @param weight the block's units divided by the units of both.
   * @param before the units that the enclosing state has seen.
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

  /**
   * For all accumulators of a loop: reduces the lane's vectors to one state, then merges the states of the row's lanes.
   * @param each the number of units that each lane has seen, if it is the same for all.
   */
  finish(
    accumulators: readonly Accumulator[],
    { counts: [count] }: Counter,
    each: number | undefined,
    lane: Expression,
    nameOf: (hint: string) => string,
  ): void {
    const { schedule } = this.context;
    const define = (hint: string, value: Expression) => this.to.define(nameOf(hint), value);
    const packed = ({ reduction, name, max, span }: Accumulator, state: State): Merge => {
      if (max !== undefined) reduction.finish?.(state, this.rowState(max), this.to);
      const row = this.to.variable(name, reduction.packed(state, { count, each }, define));
      return { state: row, reduction, each: each && each * schedule.width, span };
    };
    // A state that depends on a maximum is rescaled to the row's maximum first.
    for (const stage of [accumulators.filter(({ max }) => !max), accumulators.filter(({ max }) => max)]) {
      const merges = stage.map((accumulator) => {
        const merge = this.to.at(accumulator.span, () => packed(accumulator, this.stateOf(accumulator, 0)));
        this.rows.set(accumulator, merge.state);
        return merge;
      });
      this.lanes.merge(merges, lane);
    }
  }

  /** A reduction's result, from the row's state. */
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

/**
 * The statements of a fold: what a lane accumulates, how lanes merge, and what a reduction reads of the result.
 *
 * Sums that round are nested: a lane adds `blockSteps` elements into a block, the block into a larger one, and that into the
 * lane's own state (blocked summation: Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2). A sum of
 * n elements then passes through about 16 + sqrt(n) / 2 additions instead of n, and an element that is far larger than the
 * others takes the digits of a few of them only. Unlike a compensated sum (Kahan 1965) it needs no promise of the driver:
 * WGSL allows (a + b) - a to be simplified to b, and Mesa does so.
 *
 * - depth: how many blocks are around a state; the lane's own has 0.
 */

import { type MonoidName, monoids } from "../src/ir/ops/monoids.ts";
import { allOf } from "./access.ts";
import { ofDepth } from "./blocks.ts";
import { computedType, laneType } from "./expression.ts";
import { extentValue, known } from "./extent.ts";
import { type Fold, laneMoments, mergeMoments, momentsType } from "./folds.ts";
import type { Node } from "./graph.ts";
import { isMean } from "./graph.ts";
import {
  add,
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
  negate,
  opaque,
  select,
  subtract,
  widened,
} from "./kernel/expression.ts";
import type { Statements, Target } from "./kernel/statement.ts";
import { type Merge, mergeLanes, type Scratch } from "./lanes.ts";
import { blockDepth } from "./launch.ts";
import type { BodyContext, Place } from "./place.ts";

/** From so many steps on a lane's shifts are the medians of three elements. */
export const manySteps = 8;

/** Endings of the names of a fold's variables. */
export const foldParts = [
  "",
  ...["_lane", "_shift", "_mean", "_m2"].flatMap((part) => {
    return Array.from({ length: blockDepth + 1 }, (_, depth) => part + ofDepth(depth));
  }),
];

/** How far an element may lie above the shift of a sum of exponentials. */
const headroom = 8;
const lowest = -(2 - 2 ** -23) * 2 ** 127;

/** Folds whose states are plain values. */
const plain = (kind: Exclude<Fold["kind"], "moments">): MonoidName => (kind === "exps" ? "sum" : kind);

/** Variables that all folds of a loop share: how many units a lane has seen, and one over that. */
export interface Counter {
  /** By depth, those of blocks while they are there; none where no fold counts. */
  readonly counts: Target[];
  /** One over the innermost count. */
  inverse: Expression | undefined;
  /** Whether shifts are there before the loop; else a lane's first element is taken. */
  readonly isShifted: boolean;
}

/** What a lane has accumulated at a depth. */
type State = Readonly<Record<string, Target>>;

export class FoldWriter {
  private readonly context: BodyContext;
  private readonly to: Statements;
  private readonly scratch: Scratch;
  /** By fold and depth. */
  private readonly states = new Map<Fold, State[]>();
  /** What all lanes have accumulated. */
  private readonly rows = new Map<Fold, Target>();

  constructor(context: BodyContext, to: Statements, scratch: Scratch) {
    this.context = context;
    this.to = to;
    this.scratch = scratch;
  }

  private stateOf(fold: Fold, depth: number): State {
    return this.states.get(fold)?.[depth] as State;
  }

  /** The state of a row, once its lanes are merged. */
  rowState(fold: Fold): Expression {
    return this.rows.get(fold) as Target;
  }

  /** The state at a depth, before it has seen an element. */
  declare(fold: Fold, depth = 0): void {
    const states = this.states.get(fold) ?? [];
    this.states.set(fold, states);
    states[depth] = Object.fromEntries(
      this.initial(fold, depth).map(([part, value]) => {
        return [part, this.to.variable(`${fold.name}_${part}${ofDepth(depth)}`, value)];
      }),
    );
  }

  private initial(fold: Fold, depth: number): readonly (readonly [string, Expression])[] {
    const { kind, operand, variance } = fold;
    const { element } = operand.value;
    const type = laneType(element, this.context.schedule.width);
    if (kind === "moments") {
      // A block's elements are taken off the lane's shift.
      const parts = [...(depth === 0 ? ["shift"] : []), "mean", ...(variance ? ["m2"] : [])];
      return parts.map((part) => [part, construct(type)] as const);
    }
    const identity = literal(laneType(element, 1), monoids[plain(kind)].identity(computedType(element)));
    const lane = ["lane", construct(type, identity)] as const;
    if (kind !== "exps") return [lane];
    const shift = depth === 0 ? construct(type, literal(f32, lowest)) : this.stateOf(fold, depth - 1).shift;
    return [lane, ["shift", shift as Expression]];
  }

  /** One of three elements, of which the last leaves their median as the shift; `mean` holds the second until then. */
  shift(fold: Fold, place: Place, third: number): void {
    const { width } = this.context.schedule;
    const x = widened(place.argument(fold.operand).value, width);
    const { shift, mean } = this.stateOf(fold, 0) as { shift: Target; mean: Target };
    if (third < 2) this.to.assign(third === 0 ? shift : mean, x);
    if (third < 2) return;
    const median = call("max", call("min", shift, mean), call("min", call("max", shift, mean), x));
    this.to.assign(shift, opaque(median));
    this.to.assign(mean, construct(mean.type));
  }

  /** @param depth of the state that takes the element. */
  accumulate(fold: Fold, place: Place, counter: Counter, depth: number): void {
    const { kind, operand, variance } = fold;
    const { width } = this.context.schedule;
    const value = widened(place.argument(operand).value, width);
    const state = this.stateOf(fold, depth);
    const { to } = this;
    if (kind === "exps") {
      this.addExp(state as { lane: Target; shift: Target }, value, place);
      return;
    }
    if (kind !== "moments") {
      const lane = state.lane as Target;
      to.assign(lane, monoids[kind].combine(lane, value));
      return;
    }
    const { mean, m2 } = state as { mean: Target; m2: Target };
    const shift = this.stateOf(fold, 0).shift as Target;
    if (!counter.isShifted) {
      // The lane's first element: of the blocks around this one none has ended.
      const around = counter.counts.slice(0, depth).map((count) => equals(count, 0));
      const isFirst = allOf([equals(counter.counts[depth] as Target, 1), ...around]) as Expression;
      to.assign(shift, select(shift, opaque(value), isFirst));
    }
    const x = to.define(place.names.define("shifted"), subtract(value, shift));
    const delta = to.define(place.names.define("delta"), subtract(x, mean));
    to.assign(mean, multiply(delta, counter.inverse as Expression), "+");
    if (variance) to.assign(m2, multiply(delta, subtract(x, mean)), "+");
  }

  /** Where an element is too far above the shift it becomes the shift, and what there is of the sum is scaled. */
  private addExp({ lane, shift }: { lane: Target; shift: Target }, x: Expression, { names }: Place): void {
    const { to } = this;
    const delta = to.define(names.define("delta"), subtract(x, shift));
    const isAbove = to.define(names.define("isAbove"), binary(">", delta, construct(x.type, literal(f32, headroom))));
    const e = to.define(names.define("e"), call("exp", select(delta, negate(delta), isAbove)));
    to.assign(lane, select(add(lane, e), add(multiply(lane, e), 1), isAbove));
    to.assign(shift, select(shift, x, isAbove));
  }

  /**
   * A block's state into that around it; of moments by Chan's formula for a common shift.
   * @param weight one over the units of both, times those of the block.
   * @param before the units that the state around has seen.
   */
  addBlock(fold: Fold, depth: number, weight: Expression | undefined, before: Expression | undefined): void {
    const { kind, variance } = fold;
    const [outer, inner] = [this.stateOf(fold, depth - 1), this.stateOf(fold, depth)];
    const { to } = this;
    if (kind === "moments") {
      const { mean, m2 } = outer as { mean: Target; m2: Target };
      const { mean: blockMean, m2: blockM2 } = inner as { mean: Target; m2: Target };
      to.scope(() => {
        const delta = to.define("blockDelta", subtract(blockMean, mean));
        to.assign(mean, multiply(delta, weight as Expression), "+");
        if (!variance) return;
        const between = multiply(multiply(delta, delta), multiply(before as Expression, weight as Expression));
        to.assign(m2, add(blockM2, between), "+");
      });
      return;
    }
    const [sum, blockSum] = [outer.lane as Target, inner.lane as Target];
    if (kind !== "exps") {
      to.assign(sum, blockSum, "+");
      return;
    }
    const [shift, blockShift] = [outer.shift as Target, inner.shift as Target];
    to.assign(sum, add(multiply(sum, call("exp", subtract(shift, blockShift))), blockSum));
    to.assign(shift, blockShift);
  }

  /** The lane's vectors to one state, then the states of the row's lanes to one. */
  finish(fold: Fold, counter: Counter, lane: Expression): void {
    const { kind, name, max } = fold;
    const state = this.stateOf(fold, 0);
    if (kind === "exps") {
      const [sum, shift] = [state.lane as Target, state.shift as Target];
      const top = construct(shift.type, this.rowState(max as Fold));
      this.to.assign(sum, library("exp", subtract(shift, top)), "*");
    }
    const value =
      kind === "moments" ? this.laneMoments(fold, counter) : this.laneValue(plain(kind), state.lane as Target);
    const row = this.to.variable(name, value);
    this.rows.set(fold, row);
    mergeLanes(this.mergeOf(fold, row), lane, this.context.schedule, this.scratch, this.to);
  }

  private laneMoments(fold: Fold, { counts: [count] }: Counter): Expression {
    const { width } = this.context.schedule;
    const { shift, mean, m2 } = this.stateOf(fold, 0) as { shift: Target; mean: Target; m2?: Target };
    const parts = [count as Target, shift, opaque(mean), m2 ?? construct(mean.type)];
    return width === 1 ? construct(momentsType, ...parts) : apply(laneMoments[width], ...parts);
  }

  private laneValue(kind: MonoidName, lane: Expression): Expression {
    const { width } = lane.type;
    const { combine } = monoids[kind];
    if (width === 1) return lane;
    const pair = (i: number) => combine(component(lane, i), component(lane, i + 1));
    return width === 2 ? pair(0) : combine(pair(0), pair(2));
  }

  private mergeOf({ kind }: Fold, state: Target): Merge {
    if (kind === "moments") return { state, combine: (a, b) => apply(mergeMoments, a, b), commutes: false };
    return { state, combine: monoids[plain(kind)].combine, commutes: true };
  }

  /** A reduction's value from the row's state. */
  result(node: Node, fold: Fold): Expression {
    const count = this.context.schedule.columnCount;
    const asFloat = (less: number) => {
      const number = known(count);
      if (number !== undefined) return literal(f32, number - less);
      const whole = construct(f32, extentValue(count));
      return less === 0 ? whole : subtract(whole, less);
    };
    const state = this.rowState(fold);
    if (fold.kind !== "moments") return isMean(node) ? divide(state, asFloat(0)) : state;
    if (isMean(node)) return add(field(state, "shift"), field(state, "mean"));
    return divide(field(state, "m2"), asFloat(Number(node.op?.attributes.correction ?? 0)));
  }
}

/**
 * Merges the states that the lanes of a row have accumulated, so that every lane ends up with the row's state: within a
 * subgroup by shuffles, between subgroups (or between lanes, without subgroups) through workgroup memory. The numbers of the
 * lanes fix the order. The lanes of a subgroup are neighbours in the workgroup, as in all implementations.
 *
 * If the device chooses the subgroup size, the kernel merges by the size that it finds. The tree of merges is the same for
 * all sizes, with more of it in shuffles and less in workgroup memory, and so the bits of a row's result are the same.
 */

import type { Span } from "../src/diagnostics/diagnostic.ts";
import {
  add,
  binary,
  construct,
  divide,
  type Expression,
  equals,
  item,
  literal,
  local,
  multiply,
  remainder,
  select,
  shuffle,
  subgroupSize,
  subtract,
} from "../src/kernel/expression.ts";
import type { Reduction } from "../src/kernel/reduction.ts";
import { type Statements, type Target, target } from "../src/kernel/statement.ts";
import { f32 } from "../src/kernel/types.ts";
import type { Schedule } from "./schedule.ts";
import { type Scratch, stateIndex, type Taken } from "./scratch.ts";

export interface Merge {
  /** The variable with the lane's state, and after the merge the row's. */
  readonly state: Target;
  readonly reduction: Pick<Reduction, "merge" | "commutes">;
  /** The number of elements that each lane has seen, if it is the same for all. */
  readonly each: number | undefined;
  /** The first reduction that reads it. */
  readonly span: Span;
}

/** A merge through an array of workgroup memory. */
type MergeThrough = Merge & Taken;

/** The sizes of subgroups by which the kernel can merge, the smallest first. On a device with larger subgroups it uses the largest. */
export function subgroupSizesOf({ subgroup, mostInSubgroup }: Schedule): readonly number[] {
  return Array.from({ length: 1 + Math.log2(mostInSubgroup / subgroup) }, (_, i) => subgroup * 2 ** i);
}

const times = (each: number | undefined, states: number) => each && each * states;

/** Writes merges of lanes. The parameter `lane` is the number of the lane in its row. */
export class LaneMerger {
  private readonly schedule: Schedule;
  private readonly scratch: Scratch;
  private readonly to: Statements;

  constructor(schedule: Schedule, scratch: Scratch, to: Statements) {
    this.schedule = schedule;
    this.scratch = scratch;
    this.to = to;
  }

  /** Merges several states at once. They share the barriers of one tree, or of several if workgroup memory is too small for one. */
  merge(merges: readonly Merge[], lane: Expression): void {
    if (merges.length === 0) return;
    const { schedule, to } = this;
    const { lanes, subgroup } = schedule;
    const shuffled = (from: number, until: number) => {
      for (const merge of merges) to.at(merge.span, () => this.shuffled(merge, lane, from, until));
    };
    shuffled(1, subgroup);
    const sizes = subgroupSizesOf(schedule);
    for (const size of sizes.slice(1)) to.when(binary(">=", subgroupSize, size), () => shuffled(size / 2, size));
    const most = sizes.at(-1) as number;
    const isLess = most < lanes ? undefined : binary("<", subgroupSize, lanes);
    if (most < lanes || sizes.length > 1) to.when(isLess, () => this.throughMemory(merges, lane));
  }

  /** Merges the states of subgroups, all lanes of which have the same state. */
  private throughMemory(merges: readonly Merge[], lane: Expression): void {
    const { schedule, scratch, to } = this;
    const { lanes, subgroup } = schedule;
    const sizes = subgroupSizesOf(schedule);
    for (let left = merges; left[0] !== undefined; ) {
      // The statements that all merges share get the span of the first.
      const taken = to.at(left[0].span, () => {
        const types = left.map(({ state }) => state.type);
        const arrays = scratch.take(types, to);
        const together = arrays.map((one, i) => ({ ...(left[i] as Merge), ...one }));
        if (subgroup === 1) this.tree(together, lane);
        else {
          for (const [i, size] of sizes.entries()) {
            if (size === lanes) continue;
            const isLast = i === sizes.length - 1;
            const is =
              sizes.length === 1 ? undefined : isLast ? binary(">=", subgroupSize, size) : equals(subgroupSize, size);
            to.when(is, () => this.subgroups(together, lane, size));
          }
        }
        return arrays.length;
      });
      left = left.slice(taken);
    }
  }

  /**
   * Merges the states of `until` neighbouring lanes of a subgroup. Before, every `from` neighbours have the same state; after,
   * all have.
   */
  private shuffled({ state, reduction, each }: Merge, lane: Expression, from: number, until: number): void {
    const { to } = this;
    for (let mask = from; mask < until; mask *= 2) {
      const merge = (a: Expression, b: Expression) => reduction.merge(a, b, times(each, mask));
      to.scope(() => {
        const other = to.define("other", shuffle(state, mask));
        if (reduction.commutes) {
          to.assign(state, merge(state, other));
          return;
        }
        const isLower = to.define("isLower", equals(binary("&", lane, mask), 0));
        to.assign(state, merge(select(other, state, isLower), select(state, other, isLower)));
      });
    }
  }

  private tree(merges: readonly MergeThrough[], lane: Expression): void {
    const { schedule, to } = this;
    const { lanes, laneStride } = schedule;
    const each = (write: (merge: MergeThrough) => void) => {
      for (const merge of merges) to.at(merge.span, () => write(merge));
    };
    const apart = (count: Expression) => (laneStride === 1 ? count : multiply(count, laneStride));
    each((merge) => to.assign(target(merge.array, stateIndex(merge, local)), merge.state));
    to.barrier();
    to.halving("half", lanes / 2, (half) => {
      to.when(binary("<", lane, half), () =>
        each((merge) => {
          const { array, reduction, each } = merge;
          const seen = each && divide(literal(f32, (each * lanes) / 2), construct(f32, half));
          const own = stateIndex(merge, local);
          const merged = reduction.merge(item(array, own), item(array, add(own, apart(half))), seen);
          to.assign(target(array, own), merged);
        }),
      );
      to.barrier();
    });
    each((merge) => to.assign(merge.state, item(merge.array, stateIndex(merge, subtract(local, apart(lane))))));
  }

  /**
   * Exchanges the states of subgroups through workgroup memory. Each lane then merges the states of some neighbouring
   * subgroups, as a tree, and the lanes of its subgroup merge the results by shuffles.
   */
  private subgroups(merges: readonly MergeThrough[], lane: Expression, subgroup: number): void {
    const { schedule, to } = this;
    to.when(equals(remainder(lane, subgroup), 0), () => {
      for (const merge of merges) {
        const index = stateIndex(merge, divide(local, subgroup));
        to.at(merge.span, () => to.assign(target(merge.array, index), merge.state));
      }
    });
    to.barrier();
    const states = schedule.lanes / subgroup;
    const readers = Math.min(states, subgroup);
    const own = states / readers;
    for (const merge of merges) {
      const { state, reduction, each, array } = merge;
      to.at(merge.span, () => {
        to.scope(() => {
          const part = remainder(lane, readers);
          const group = divide(subtract(local, lane), subgroup);
          const among = add(group, own === 1 ? part : multiply(part, own));
          const first = to.define("first", stateIndex(merge, among));
          const merged = (from: number, count: number): Expression => {
            if (count === 1) return item(array, from === 0 ? first : add(first, from));
            const half = count / 2;
            return reduction.merge(merged(from, half), merged(from + half, half), times(each, subgroup * half));
          };
          to.assign(state, merged(0, own));
        });
        this.shuffled({ ...merge, each: times(each, subgroup * own) }, lane, 1, readers);
      });
    }
  }

  /** Broadcasts a variable from lane 0 of a row to all of its lanes. */
  shareFirst(variable: Target, lane: Expression): void {
    const { schedule, scratch, to } = this;
    const [taken] = scratch.take([variable.type], to) as [Taken];
    const { lanes, laneStride } = schedule;
    const team = laneStride === 1 ? divide(local, lanes) : remainder(local, laneStride);
    const index = stateIndex(taken, team);
    to.when(equals(lane, 0), () => to.assign(target(taken.array, index), variable));
    to.barrier();
    to.assign(variable, item(taken.array, index));
  }
}

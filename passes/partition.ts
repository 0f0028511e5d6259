/**
 * Which ops share a kernel, so that the fewest bytes move through memory, with the fewest launches.
 *
 * The groups of a partition can be launched in some order, so each is the difference between two sets of ops that are closed
 * under operands. The cheapest partition is therefore a shortest path through the lattice of these sets, found by dynamic
 * programming as in Ding et al. (IOS: Inter-Operator Scheduler for CNN Acceleration, MLSys 2021, section 4), who schedule
 * streams rather than kernels. If there are too many sets, products cut the function into stages that are searched separately
 * (stages.ts). If that is not enough, each op, in program order, joins the last earlier kernel that can take it and shares a
 * value with it; XLA's fusion is greedy, too.
 *
 * - unit: ops that always stay together: an op with one operand, and the op that computes this operand for it alone.
 * - set: a set of units, as the bits of a number.
 */

import { estimatedBytes } from "../src/ir/bytes.ts";
import { append, getOrInsert } from "../src/ir/groups.ts";
import { type Fn, isLeaf, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { IterationSpace } from "../src/ir/iteration.ts";
import { isOpaque } from "../src/ir/opaque.ts";
import { ops } from "../src/ir/ops/index.ts";
import { KernelGroups, type Verdict } from "./kernel-groups.ts";
import { stagesOf } from "./stages.ts";

/** The number of groups after which the search is abandoned. */
const mostLooked = 4000;
const mostUnits = 20;

/** Groups of ops in an order in which they can be launched; each op in program order. */
export type Partition = readonly (readonly Op[])[];

/**
 * The cheapest partition of a function's ops, without constants; ops that no kernel computes are groups of their own.
 * @param most the maximum number of buffers of a single kernel; if there are several kernels, none has more than WebGPU guarantees.
 */
export function partition(fn: Fn, most = Infinity): Partition {
  const groups = new KernelGroups(fn);
  const whole = groups.ops;
  if (whole.length === 0) return [];
  // The number of buffers is limited by the target only where one kernel is possible.
  const isFused = !whole.some(isOpaque) && groups.refusal(whole, most) === undefined;
  if (isFused) return [whole];
  const found = searched(whole, groups);
  const staged = found === undefined || whole.some(isOpaque) ? inStages(groups) : found;
  const costOfAll = (parts: Partition) => parts.reduce((sum, part) => sum + groups.cost(part), 0);
  const best = found !== undefined && costOfAll(found) <= costOfAll(staged) ? found : staged;
  return launchOrder(best, groups) as Partition;
}

/** Ops that need further products are partitioned separately, where the search has fewer units. */
function inStages(groups: KernelGroups): Partition {
  if (!groups.ops.some(isOpaque)) return inOrder(groups.ops, groups);
  return stagesOf(groups).flatMap(({ opaque, work }) => [...opaque.map((op) => [op]), ...stage(work, groups)]);
}

/** One kernel if that is possible, else the cheapest partition; if the search is too large, a greedy partition. */
function stage(work: readonly Op[], groups: KernelGroups): Partition {
  if (work.length === 0) return [];
  if (groups.refusal(work) === undefined) return [work];
  return searched(work, groups) ?? merged(inOrder(work, groups), groups);
}

/** With more groups than this, groups are not merged, as each pair would be tried. */
const mostMerged = 12;

/** Merges pairs of groups as long as the result is one kernel, and cheaper. */
function merged(given: Partition, groups: KernelGroups): Partition {
  let parts = given;
  const groupOf = groupsOf(given);
  while (parts.length <= mostMerged) {
    const before = parts;
    for (const [a, b] of before.flatMap((a, i) => before.slice(i + 1).map((b) => [a, b] as const))) {
      const both = union(a, b, groupOf, groups);
      if (both === undefined) continue;
      parts = [...before.filter((part) => part !== a && part !== b), both];
      break;
    }
    if (parts === before) break;
  }
  return parts;
}

type GroupOf = Map<Op, readonly Op[]>;

/** The group of each op. */
export const groupsOf = (parts: Partition): GroupOf =>
  new Map(parts.flatMap((part) => part.map((op) => [op, part] as const)));

/**
 * Two groups as one, if that is one kernel, cheaper than both, and can be launched in some order with the others.
 * @param groupOf the group of each op, of groups that can be launched in some order; updated if the two become one.
 */
function union(a: readonly Op[], b: readonly Op[], groupOf: GroupOf, groups: KernelGroups): readonly Op[] | undefined {
  const both = [...a, ...b].sort(groups.compare);
  if (both.some(isOpaque) || groups.cost(both) >= groups.cost(a) + groups.cost(b)) return undefined;
  if (groups.refusal(both) !== undefined || isBetween(a, b, groupOf, groups) || isBetween(b, a, groupOf, groups))
    return undefined;
  for (const op of both) groupOf.set(op, both);
  return both;
}

/** Whether another group must be launched after `first` and before `last`. */
function isBetween(first: readonly Op[], last: readonly Op[], groupOf: GroupOf, groups: KernelGroups): boolean {
  const start = first[0] as Op;
  const seen = new Set([last]);
  const open = [last];
  for (let group = open.pop(); group !== undefined; group = open.pop()) {
    for (const before of groupsBefore(group, groupOf, groups)) {
      if (before === first && group !== last) return true;
      // Only ops that come later can depend on the first group.
      const isLater = groups.compare(before.at(-1) as Op, start) > 0;
      if (before === first || !isLater || seen.has(before)) continue;
      seen.add(before);
      open.push(before);
    }
  }
  return false;
}

/** The other groups that compute operands of a group. */
function groupsBefore(group: readonly Op[], groupOf: GroupOf, { memory }: KernelGroups): Set<readonly Op[]> {
  const found = new Set(group.flatMap((op) => memory.operands(op)).map(({ def }) => def && groupOf.get(def)));
  found.delete(group);
  found.delete(undefined);
  return found as Set<readonly Op[]>;
}

/** The cheapest partition, or `undefined` if the search would be too large. */
function searched(list: readonly Op[], groups: KernelGroups): Partition | undefined {
  const units = unitsOf(list, groups);
  return units.length <= mostUnits ? new Search(units, groups).shortest() : undefined;
}

/** The total cost. */
export function costOf(fn: Fn, groups: Partition): number {
  const costs = new KernelGroups(fn);
  return groups.reduce((sum, group) => sum + costs.cost(group), 0);
}

/** Whether an op has one operand, of as many bytes as its result, and reads each element at the position where it writes. */
function isUnary(op: Op): boolean {
  const operands = presentOperands(op).filter(({ def }) => def === undefined || !isLeaf(def));
  const [x] = operands;
  return (
    ops[op.name].kind === "elementwise" &&
    operands.length === 1 &&
    estimatedBytes((x as (typeof operands)[0]).type) === estimatedBytes(op.result.type)
  );
}

function unitsOf(list: readonly Op[], groups: KernelGroups): Op[][] {
  const units = new Map<Op, Op[]>();
  for (const op of list) {
    const before = presentOperands(op).find(({ def }) => def !== undefined && !isLeaf(def));
    const unit = before?.def && units.get(before.def);
    const isOnly = before !== undefined && groups.uses(before).ops.length === 1 && !groups.uses(before).returned;
    const joins = unit !== undefined && isOnly && isUnary(op) && !unit.some(isOpaque);
    if (joins) unit.push(op);
    units.set(op, joins ? unit : [op]);
  }
  return [...new Set(units.values())];
}

/** A way to a set: the last group, which is added to the set `from`, and the cost of all groups. */
interface Path {
  readonly cost: number;
  readonly last: number;
  readonly from: number;
}

/** The search for the shortest path from the empty set to the set of all units. */
class Search {
  private readonly units: readonly (readonly Op[])[];
  private readonly groups: KernelGroups;
  /** For each unit, the set of others that compute its operands. */
  private readonly needed: readonly number[];
  private readonly isOutside: readonly boolean[];
  private readonly verdicts = new Map<number, Verdict & { readonly cost: number }>();
  private readonly best = new Map<number, Path>([[0, { cost: 0, last: 0, from: 0 }]]);
  /** A set is reached only from smaller sets, so in the order of sizes each is final before its successors are computed. */
  private readonly bySize: readonly Set<number>[];
  private looked = 0;

  constructor(units: readonly (readonly Op[])[], groups: KernelGroups) {
    this.units = units;
    this.groups = groups;
    const unitOf = new Map(units.flatMap((unit, i) => unit.map((op) => [op, i] as const)));
    this.needed = units.map((unit, i) => {
      const operands = unit.flatMap((op) => groups.memory.operands(op));
      const others = operands.flatMap(({ def }) => (def && unitOf.get(def)) ?? []);
      return others.reduce((set, at) => (at === i ? set : set | (1 << at)), 0);
    });
    this.isOutside = units.map((unit) => unit.some(isOpaque));
    this.bySize = Array.from({ length: units.length + 1 }, (_, size) => new Set(size === 0 ? [0] : []));
  }

  /** The cheapest partition, or `undefined` if there are too many sets. */
  shortest(): Partition | undefined {
    for (const sets of this.bySize) for (const set of sets) if (!this.grow(set, 0, 0, false)) return undefined;
    const parts: (readonly Op[])[] = [];
    for (let at = 2 ** this.units.length - 1; at !== 0; ) {
      const path = this.best.get(at);
      if (path === undefined) return undefined;
      parts.unshift(this.opsOf(path.last));
      at = path.from;
    }
    return parts;
  }

  /**
   * Adds units from `next` on to a group that comes after the set `from`. @returns false if too many groups were tried.
   * @param isMixed whether the group needs a loop nest over tiles of rows, as then do all larger groups that contain it.
   */
  private grow(from: number, group: number, next: number, isMixed: boolean): boolean {
    for (let i = next; i < this.units.length; i++) {
      const bit = 1 << i;
      if ((from | group) & bit || ((this.needed[i] as number) & ~(from | group)) !== 0) continue;
      if (this.isOutside[i]) {
        if (group === 0) this.reach(from, bit, 0);
        continue;
      }
      if (++this.looked > mostLooked) return false;
      const verdict = this.verdictOf(group | bit, isMixed);
      if (verdict.isKernel) this.reach(from, group | bit, verdict.cost);
      if (!verdict.isFinal && !this.grow(from, group | bit, i + 1, verdict.isMixed)) return false;
    }
    return true;
  }

  /** The path by this group, unless a known one is as cheap. */
  private reach(from: number, last: number, own: number): void {
    const to = from | last;
    const cost = (this.best.get(from) as Path).cost + own;
    if (cost >= (this.best.get(to)?.cost ?? Infinity)) return;
    this.best.set(to, { cost, last, from });
    this.bySize[sizeOf(to)]?.add(to);
  }

  private verdictOf(set: number, isMixed: boolean) {
    return getOrInsert(this.verdicts, set, () => {
      const group = this.opsOf(set);
      const verdict = this.groups.verdict(group, isMixed);
      return { ...verdict, cost: verdict.isKernel ? this.groups.cost(group, verdict.isMixed) : 0 };
    });
  }

  private opsOf(set: number): Op[] {
    return this.units.flatMap((unit, i) => (set & (1 << i) ? unit : [])).sort(this.groups.compare);
  }
}

function sizeOf(set: number): number {
  let [size, rest] = [0, set];
  for (; rest !== 0; rest &= rest - 1) size++;
  return size;
}

/** The number of most recent kernels that an op is offered to. */
const mostOffered = 8;

/** A kernel that accepts more ops. */
interface Open {
  readonly ops: Op[];
  /** The values that it reads and computes. */
  readonly values: Set<Value>;
  readonly space: IterationSpace;
}

/** Each op into the last earlier kernel that accepts it and shares a value with it, or into a new one. */
function inOrder(list: readonly Op[], groups: KernelGroups): Partition {
  const made: (Open | undefined)[] = [];
  const groupOf = new Map<Op, number>();
  const all: Op[][] = [];
  for (const op of list) {
    const operands = groups.memory.operands(op);
    const earliest = Math.max(0, ...operands.map(({ def }) => (def && groupOf.get(def)) ?? 0));
    const isOutside = isOpaque(op);
    let at = made.length;
    for (let i = made.length - 1; i >= Math.max(earliest, made.length - mostOffered) && !isOutside; i--) {
      const open = made[i];
      if (open === undefined || !operands.some((value) => open.values.has(value))) continue;
      if (open.space.add(op) !== undefined) continue;
      at = i;
      break;
    }
    if (at === made.length) {
      const open = { ops: [], values: new Set<Value>(), space: new IterationSpace() };
      if (!isOutside) open.space.add(op);
      made.push(isOutside ? undefined : open);
      all.push([]);
    }
    all[at]?.push(op);
    groupOf.set(op, at);
    for (const value of [...operands, ...op.results]) if (value.def?.name !== "constant") made[at]?.values.add(value);
  }
  return together(
    all.flatMap((group) => apart(group, groups)),
    groups,
  );
}

/** Merges groups with earlier ones where one kernel is cheaper than both: ops that cannot join alone may be able to join together. */
function together(made: Partition, groups: KernelGroups): Partition {
  const joined: (readonly Op[])[] = [];
  const groupOf = groupsOf(made);
  for (const group of made) {
    let own = group;
    for (let i = joined.length - 1; i >= Math.max(0, joined.length - mostOffered); i--) {
      const both = union(joined[i] as readonly Op[], own, groupOf, groups);
      if (both === undefined) continue;
      joined.splice(i, 1);
      own = both;
    }
    joined.push(own);
  }
  return joined;
}

/** Cuts a group, in program order, wherever its ops so far are one kernel and would not be one with the next op. */
function apart(group: readonly Op[], groups: KernelGroups): Op[][] {
  if (group.some(isOpaque) || groups.refusal(group) === undefined) return [[...group]];
  const parts: Op[][] = [];
  for (const op of group) {
    const last = parts.at(-1);
    if (last === undefined || groups.refusal([...last, op]) !== undefined) parts.push([op]);
    else last.push(op);
  }
  return parts;
}

/** Orders the groups by their first ops, after the groups that compute their operands; `undefined` if two wait for each other. */
function launchOrder(made: Partition, groups: KernelGroups): Partition | undefined {
  const sorted = [...made].sort((a, b) => groups.compare(a[0] as Op, b[0] as Op));
  const groupOf = groupsOf(sorted);
  const waiting = sorted.map((group) => groupsBefore(group, groupOf, groups));
  const readers = new Map<readonly Op[], number[]>();
  for (const [i, needed] of waiting.entries()) for (const before of needed) append(readers, before, i);
  const ready = sorted.flatMap((_, i) => (waiting[i]?.size === 0 ? [i] : []));
  const ordered: (readonly Op[])[] = [];
  for (let next = ready.shift(); next !== undefined; next = ready.shift()) {
    const group = sorted[next] as readonly Op[];
    ordered.push(group);
    for (const i of readers.get(group) ?? []) {
      waiting[i]?.delete(group);
      if (waiting[i]?.size !== 0) continue;
      const at = ready.findIndex((other) => other > i);
      ready.splice(at < 0 ? ready.length : at, 0, i);
    }
  }
  return ordered.length === sorted.length ? ordered : undefined;
}

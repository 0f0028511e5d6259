/**
 * Recomputes values where they are read, if that moves fewer bytes than storing and loading them.
 *
 *   kernel { let e = exp(x)  let r = e / sum(e, axes = [-1], keepdims = true) }
 *   kernel { let c = max(e, axes = [0]) }
 *   ->
 *   kernel { let e = exp(x)  let r = e / sum(e, axes = [-1], keepdims = true) }
 *   kernel { let e_1 = exp(x)  let c = max(e_1, axes = [0]) }
 *
 * Chains of elementwise and index ops from parameters alone are recomputed, such as masks computed from positions: they cost only
 * their loads. Each is tried with one copy per kernel that reads it, in the same kernels, and in small functions also with one copy
 * per kernel or per op in a new partition; the cheapest is taken, until none is cheaper.
 */

import { Copies, copyOp } from "../src/ir/builder.ts";
import { append } from "../src/ir/groups.ts";
import { type Fn, isLeaf, makeFn, type Op, presentOperands, usesOf, type Value } from "../src/ir/ir.ts";
import { isOpaque } from "../src/ir/opaque.ts";
import { ops as table } from "../src/ir/ops/index.ts";
import type { Steps } from "../src/pass/trail.ts";
import { KernelGroups } from "./kernel-groups.ts";
import { costOf, groupsOf, type Partition, partition } from "./partition.ts";

/** In larger functions the kernels stay, as each attempt would be another search for a partition. */
const mostSearched = 20;
const mostRounds = 3;
const mostTried = 4;
const longestChain = 6;

/** A function and its partition. */
interface Grouped {
  readonly fn: Fn;
  readonly groups: Partition;
}

/** A function in which a value is computed several times. */
interface Recomputed extends Grouped {
  readonly provenance: ReadonlyMap<Value, readonly Value[]>;
}

/** Takes the steps to the function with the cheapest partition found, and returns the partition; none if no other is cheaper. */
export function recompute(steps: Steps, given: Partition): Partition {
  let groups = given;
  const work = groups.flat();
  if (groups.length < 2 || work.some(isOpaque)) return groups;
  for (let round = 0; round < mostRounds; round++) {
    const best: Grouped = { fn: steps.fn, groups };
    const groupOf = groupsOf(groups);
    const tried = candidates(best).flatMap((value) => {
      const byKernel = again(best, value, (op) => groupOf.get(op));
      const same = areKernels(byKernel, best.groups) ? [byKernel] : [];
      if (work.length > mostSearched) return same;
      const byOp = again(best, value, (op) => op);
      return [...same, ...[byKernel, byOp].map((one) => ({ ...one, groups: partition(one.fn) }))];
    });
    const costs = tried.map((one) => costOf(one.fn, one.groups));
    const least = Math.min(...costs);
    if (!(least < costOf(best.fn, best.groups))) return groups;
    const chosen = tried[costs.indexOf(least)] as Recomputed;
    steps.take(chosen);
    groups = chosen.groups;
  }
  return groups;
}

/** Values that are stored because another kernel reads them, and whose recomputation costs only loads. */
function candidates({ fn, groups }: Grouped): Value[] {
  const costs = new KernelGroups(fn);
  const uses = usesOf(fn);
  const stored = groups.length > 1 ? groups.flatMap((group) => costs.writes(group)) : [];
  return stored.filter((value) => !uses(value).returned && chainOf(value) !== undefined).slice(0, mostTried);
}

/** The ops from parameters to a value, in order; `undefined` if they include a reduction, or are too many. */
function chainOf(value: Value): readonly Op[] | undefined {
  const chain = new Set<Op>();
  const visit = ({ def }: Value): boolean => {
    if (def === undefined || isLeaf(def) || chain.has(def)) return true;
    const { kind } = table[def.name];
    if (kind !== "elementwise" && kind !== "shape" && kind !== "index") return false;
    if (!presentOperands(def).every(visit) || chain.size === longestChain) return false;
    chain.add(def);
    return true;
  };
  return visit(value) ? [...chain] : undefined;
}

/** Whether the groups that have more ops than before are one kernel each. */
function areKernels({ fn, groups }: Grouped, before: Partition): boolean {
  const kernels = new KernelGroups(fn);
  return groups.every((group, i) => group.length === before[i]?.length || kernels.refusal(group) === undefined);
}

/**
 * The function with a separate copy of the chain for each group of readers with the same key, and its groups, in which each copy
 * is computed by the kernel of its first reader.
 */
function again({ fn, groups }: Grouped, value: Value, keyOf: (op: Op) => unknown): Recomputed {
  const chain = chainOf(value) as readonly Op[];
  const kernelOf = new Map(groups.flatMap((group, i) => group.map((op) => [op, i] as const)));
  const provenance = new Map<Value, Value[]>();
  const now = new Copies();
  const made: Op[] = [];
  const kept: Op[][] = groups.map(() => []);
  const add = (op: Op, copy: Op, reader = op) => {
    for (const [i, result] of op.results.entries()) append(provenance, result, copy.results[i] as Value);
    made.push(copy);
    kept[kernelOf.get(reader) ?? -1]?.push(copy);
  };
  const ofKey = new Map<unknown, Value>();
  const clone = (reader: Op): Value => {
    const own = new Copies(now);
    for (const op of chain) add(op, own.op(op), reader);
    return own.of(value);
  };
  const isReader = (op: Op) => op.operands.includes(value) && !chain.includes(op);
  // The kernel that computes the value keeps it.
  const readers = fn.ops.filter(isReader).map(keyOf);
  const home = keyOf(value.def as Op);
  ofKey.set(readers.includes(home) ? home : readers[0], value);
  for (const op of fn.ops) {
    const key = isReader(op) ? keyOf(op) : undefined;
    if (isReader(op) && !ofKey.has(key)) ofKey.set(key, clone(op));
    const operands = op.operands.map(
      (operand) => operand && ((operand === value && ofKey.get(key)) || now.of(operand)),
    );
    const isSame = operands.every((operand, i) => operand === op.operands[i]);
    add(op, now.record(op, isSame ? op : copyOp(op, { operands })));
  }
  return { fn: makeFn({ ...fn, ops: made, results: now.resultsOf(fn) }), groups: kept, provenance };
}

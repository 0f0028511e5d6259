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
 * their loads. Each is tried with one copy per kernel that reads it and with one copy per op that does; the cheapest partition
 * is taken, until none is cheaper.
 */

import { Copies, copyOp } from "../src/ir/builder.ts";
import { type Fn, isLeaf, makeFn, type Op, presentOperands, usesOf, type Value } from "../src/ir/ir.ts";
import { isOpaque } from "../src/ir/opaque.ts";
import { ops as table } from "../src/ir/ops/index.ts";
import { KernelGroups } from "./kernel-groups.ts";
import { costOf, type Partition, partition } from "./partition.ts";

/** In larger functions nothing is recomputed: each attempt is a search for a partition. */
const mostOps = 20;
const mostRounds = 3;
const mostTried = 4;
const longestChain = 6;

/** A function in which some values are computed several times, and the origins of its ops. */
interface Recomputed {
  readonly fn: Fn;
  readonly groups: Partition;
  /** Maps ops of the new function to those of the original. */
  readonly origin: ReadonlyMap<Op, Op>;
}

/** The function with the cheapest partition found; the original one if none is cheaper. */
export function recompute(fn: Fn, groups: Partition): Recomputed {
  let best: Recomputed = { fn, groups, origin: new Map(fn.ops.map((op) => [op, op])) };
  const work = groups.flat();
  if (groups.length < 2 || work.length > mostOps || work.some(isOpaque)) return best;
  for (let round = 0; round < mostRounds; round++) {
    const tried = candidates(best).flatMap((value) => [
      again(best, value, (op) => best.groups.findIndex((group) => group.includes(op))),
      again(best, value, (op) => op),
    ]);
    const costs = tried.map((one) => costOf(one.fn, one.groups));
    const least = Math.min(...costs);
    if (!(least < costOf(best.fn, best.groups))) return best;
    best = tried[costs.indexOf(least)] as Recomputed;
  }
  return best;
}

/** Values that are stored because another kernel reads them, and whose recomputation costs only loads. */
function candidates({ fn, groups }: Recomputed): Value[] {
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

/** The function with a separate copy of the chain for each group of readers with the same key. */
function again({ fn, origin }: Recomputed, value: Value, keyOf: (op: Op) => unknown): Recomputed {
  const chain = chainOf(value) as readonly Op[];
  const from = new Map<Op, Op>();
  const now = new Copies();
  const made: Op[] = [];
  const add = (op: Op, copy: Op) => {
    from.set(copy, origin.get(op) as Op);
    made.push(copy);
  };
  const ofKey = new Map<unknown, Value>();
  const clone = (): Value => {
    const own = new Copies(now);
    for (const op of chain) add(op, own.op(op));
    return own.of(value);
  };
  for (const op of fn.ops) {
    const reads = op.operands.includes(value) && !chain.includes(op);
    const key = reads ? keyOf(op) : undefined;
    if (reads && !ofKey.has(key)) ofKey.set(key, ofKey.size === 0 ? value : clone());
    const operands = op.operands.map(
      (operand) => operand && ((operand === value && ofKey.get(key)) || now.of(operand)),
    );
    const isSame = operands.every((operand, i) => operand === op.operands[i]);
    add(op, now.record(op, isSame ? op : copyOp(op, { operands })));
  }
  const changed = makeFn({ ...fn, ops: made, results: now.resultsOf(fn) });
  return { fn: changed, groups: partition(changed), origin: from };
}

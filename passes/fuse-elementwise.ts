/**
 * Groups ops into kernels, with as few kernels, and as few bytes between them, as loop nests over rows and columns allow.
 *
 *   let h = x + residual
 *   let n = rmsnorm(h, axes = [-1])
 *   let y = gelu(n)
 *   ->
 *   kernel {
 *     let h = x + residual
 *     let n = rmsnorm(h, axes = [-1])
 *     let y = gelu(n)
 *   }
 *
 * Ops form a group if one loop nest computes them: they read their operands in one order, and their reductions reduce the same
 * columns. partition.ts chooses the groups, recompute.ts the ops that several groups compute; a remark says why each group begins.
 * Matrix products and similar ops stay outside kernels, also with a remark. No op is computed differently.
 */

import { kernelRefusals } from "../src/diagnostics/refusals.ts";
import { Copies } from "../src/ir/builder.ts";
import { append } from "../src/ir/groups.ts";
import { type Fn, isLeaf, makeFn, type Op, type Value } from "../src/ir/ir.ts";
import { whyOutside } from "../src/ir/iteration.ts";
import { isOpaque, Memory } from "../src/ir/opaque.ts";
import { ops as table } from "../src/ir/ops/index.ts";
import { definePass } from "../src/pass/define-pass.ts";
import type { KernelCut } from "../src/pass/facts.ts";
import { Steps } from "../src/pass/trail.ts";
import { KernelGroups } from "./kernel-groups.ts";
import { costOf, type Partition, partition } from "./partition.ts";
import { recompute } from "./recompute.ts";

export const fuseElementwise = definePass({
  name: "fuse-elementwise",
  summary: "Groups ops into kernels: elementwise chains, reductions over the same columns, and the ops around them.",
  example: "let a = exp(x)  let b = a + y   ->   kernel { let a = exp(x)  let b = a + y }",
  options: {},
  run(original, context) {
    const given = givenGroups(original);
    const found = partition(original);
    const isKept = given !== undefined && costOf(original, given) <= costOf(original, found);
    const steps = new Steps(original);
    const groups = recompute(steps, isKept ? given : found);
    const { fn } = steps;
    const facts = cutsOf(fn, groups).map((cut) => backTo(cut, steps));
    const kernels = kernelsOf(groups);
    if (fn === original && fn.ops.every((op) => kernels.get(op) === op.kernel)) return { fn, facts };
    context.count("ops fused", kernels.size);
    context.count("kernels", new Set(kernels.values()).size);

    return { ...steps.take(inKernels(fn, groups, kernels)).output, facts };
  },
});

/** The function with kernels of at most `most` buffers, for a function whose single kernel would have more. */
export function fusedWithin(fn: Fn, most: number): Fn {
  const groups = partition(fn, most);
  return inKernels(fn, groups, kernelsOf(groups)).fn;
}

function inKernels(fn: Fn, groups: Partition, kernels: ReadonlyMap<Op, number>) {
  const copies = new Copies();
  const ops = inOrder(fn, groups).map((op) => copies.op(op, { kernel: kernels.get(op) }));
  return { fn: makeFn({ ...fn, ops, results: copies.resultsOf(fn) }), provenance: copies };
}

/** A cut of the function that is fused, in terms of the one given. */
function backTo({ op, stored, ...cut }: KernelCut, steps: Steps): KernelCut {
  const values = stored.map((value) => steps.origin(value) ?? value);
  return { ...cut, op: steps.origin(op.results[0] as Value)?.def ?? op, stored: [...new Set(values)] };
}

/** The existing groups of ops, if each is one kernel. */
function givenGroups(fn: Fn): Partition | undefined {
  const groups = new Map<number | Op, Op[]>();
  const { views } = new Memory(fn);
  for (const op of fn.ops) {
    if (isLeaf(op) || (views.has(op) && op.kernel === undefined)) continue;
    const isOutside = isOpaque(op) || views.has(op);
    if (isOutside !== (op.kernel === undefined)) return undefined;
    append(groups, op.kernel ?? op, op);
  }
  const all = [...groups.values()];
  const costs = new KernelGroups(fn);
  const isOne = (group: readonly Op[]) => isOpaque(group[0] as Op) || costs.refusal(group) === undefined;
  return all.every(isOne) ? all : undefined;
}

/** The kernel of each op; ops that no kernel computes have none. */
function kernelsOf(groups: Partition): Map<Op, number> {
  const kernels = new Map<Op, number>();
  let kernel = -1;
  for (const group of groups) {
    if (isOpaque(group[0] as Op)) continue;
    kernel++;
    for (const op of group) kernels.set(op, kernel);
  }
  return kernels;
}

/** The ops group by group, in their order if it permits; a view follows the group that computes its operand. */
function inOrder(fn: Fn, groups: Partition): Op[] {
  const leaves = fn.ops.filter(isLeaf);
  const known = new Set([...fn.params, ...leaves.map((op) => op.result)]);
  const views = [...new Memory(fn).views].toReversed();
  const shown = () => {
    const ready: Op[] = [];
    for (const op of views) {
      if (known.has(op.result) || !known.has(op.operand(0))) continue;
      known.add(op.result);
      ready.push(op);
    }
    return ready;
  };
  const behind = (group: readonly Op[]) => {
    for (const op of group) for (const result of op.results) known.add(result);
    return [...group, ...shown()];
  };
  const ordered = [...shown(), ...groups.flatMap(behind)];
  const isInOrder = fn.ops.filter((op) => !isLeaf(op)).every((op, i) => op === ordered[i]);
  return isInOrder ? [...fn.ops] : [...leaves, ...ordered];
}

/** Whether the op reduces the last axis, and not the first. */
function reducesRows({ name, attributes, operands }: Op): boolean {
  const { kind } = table[name];
  if (kind !== "reduction" && kind !== "norm") return false;
  const axes = (attributes.axes ?? []) as readonly number[];
  return axes.includes(-1) && !axes.includes(-(operands[0]?.shape.length ?? 0));
}

/** Why each kernel but the first begins, and what no kernel computes. */
function cutsOf(fn: Fn, groups: Partition): KernelCut[] {
  if (groups.length === 1 && !isOpaque(groups[0]?.[0] as Op)) return [];
  const costs = new KernelGroups(fn);
  /** The indices of the groups before, by their ops. */
  const made = new Map<Op, number>();
  let last: readonly Op[] | undefined;
  return groups.flatMap((group, index): KernelCut[] => {
    const [first] = group as [Op];
    const outside = whyOutside(first);
    if (outside !== undefined) return [{ kind: "kernel cut", op: first, why: outside, stored: [] }];
    const own = new Set(group.flatMap((op) => op.results));
    const read = new Set(group.flatMap((op) => costs.memory.operands(op)).filter((value) => !own.has(value)));
    const stored = [...read].filter(({ def }) => def !== undefined && made.has(def));
    const numbers = new Set(stored.map(({ def }) => made.get(def as Op) as number));
    const needed = [...numbers].sort((a, b) => a - b).map((i) => groups[i] as readonly Op[]);
    // After a product it is clear why a kernel begins.
    const isBehind = [...read].some(({ def }) => def !== undefined && !isLeaf(def) && isOpaque(def));
    const before = needed.length > 0 || isBehind || last === undefined ? needed : [last];
    last = group;
    for (const op of group) made.set(op, index);
    if (before.length === 0) return [];
    const found = before.map((other) => costs.refusal([...other, ...group])).find((one) => one !== undefined);
    const op = found !== undefined && group.includes(found.op) ? found.op : first;
    const why = found?.why ?? kernelRefusals.notWorth();
    const way = before.flat().some(reducesRows) ? costs.wayBeside(op) : undefined;
    return [{ kind: "kernel cut", op, why: way === undefined ? why : { ...why, way }, stored }];
  });
}

/**
 * Divides a function with products into stages, each small enough to be partitioned separately.
 *
 * - stage: the products whose operands earlier stages compute, then all other ops that need no further product.
 *
 * A value that only a later stage reads is computed there if that reads no more bytes than its result has: a mask of
 * positions, or a function of parameters.
 */

import { estimatedBytes } from "../src/ir/bytes.ts";
import { isLeaf, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { isOpaque } from "../src/ir/opaque.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { KernelGroups } from "./kernel-groups.ts";

/** The ops of one stage in order of execution: first those that no kernel computes. */
interface Stage {
  readonly opaque: readonly Op[];
  readonly work: readonly Op[];
}

export function stagesOf(groups: KernelGroups): Stage[] {
  const level = new Map<Op, number>();
  for (const op of groups.ops) {
    const before = Math.max(0, ...groups.memory.operands(op).map(({ def }) => (def && level.get(def)) ?? 0));
    level.set(op, before + Number(isOpaque(op)));
  }
  for (const op of groups.ops.toReversed()) {
    const uses = op.results.map((result) => groups.uses(result));
    const readers = uses.flatMap((use) =>
      use.ops.map((reader) => (level.get(reader) as number) - Number(isOpaque(reader))),
    );
    if (readers.length === 0 || uses.some(({ returned }) => returned)) continue;
    const latest = Math.min(...readers);
    if (latest > (level.get(op) as number) && isSunk(op)) level.set(op, latest);
  }
  const stages: { readonly opaque: Op[]; readonly work: Op[] }[] = [];
  for (const op of groups.ops) {
    const at = level.get(op) as number;
    while (stages.length <= at) stages.push({ opaque: [], work: [] });
    stages[at]?.[isOpaque(op) ? "opaque" : "work"].push(op);
  }
  return stages;
}

/** Whether an op reads nothing, or depends on parameters alone and reads no more bytes than its result has. */
function isSunk(op: Op): boolean {
  if (!isCheap(op)) return false;
  const read = presentOperands(op).filter((value) => !follows(value, "constants"));
  if (read.length === 0) return true;
  const bytes = (values: readonly Value[]) =>
    [...new Set(values)].reduce((sum, { type }) => sum + estimatedBytes(type), 0);
  return read.every((value) => follows(value, "parameters")) && bytes(read) <= bytes(op.results);
}

/** Whether a value depends on constants of the program alone, as positions do, or on these and parameters. */
function follows({ def }: Value, from: "constants" | "parameters"): boolean {
  if (def === undefined || def.name === "global") return from === "parameters";
  if (isLeaf(def)) return true;
  return isCheap(def) && presentOperands(def).every((value) => follows(value, from));
}

/** Whether an op is cheap to recompute: it contains no reduction. */
function isCheap({ name }: Op): boolean {
  const { kind } = ops[name];
  return kind === "elementwise" || kind === "shape" || kind === "index";
}

/**
 * A function with products in stages, so that each is small enough to be cut into kernels by itself.
 *
 * - stage: the products whose operands earlier stages compute, then all else that needs no further product.
 *
 * What a later stage alone reads is computed there where that takes no more bytes from memory than its result would: a mask of
 * positions, or what follows from parameters.
 */

import { estimatedBytes } from "../src/ir/bytes.ts";
import { isLeaf, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { isOpaque } from "../src/ir/opaque.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { KernelGroups } from "./kernel-groups.ts";

/** Ops of a function that are computed one after the other: first what no kernel computes. */
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

/** Whether an op reads nothing, or follows from parameters alone and reads no more than it would be to load its result. */
function isSunk(op: Op): boolean {
  if (!isCheap(op)) return false;
  const read = presentOperands(op).filter((value) => !follows(value, "constants"));
  if (read.length === 0) return true;
  const bytes = (values: readonly Value[]) =>
    [...new Set(values)].reduce((sum, { type }) => sum + estimatedBytes(type), 0);
  return read.every((value) => follows(value, "parameters")) && bytes(read) <= bytes(op.results);
}

/** Whether a value follows from constants of the program alone, as positions do, or from these and parameters. */
function follows({ def }: Value, from: "constants" | "parameters"): boolean {
  if (def === undefined || def.name === "global") return from === "parameters";
  if (isLeaf(def)) return true;
  return isCheap(def) && presentOperands(def).every((value) => follows(value, from));
}

/** Whether it costs little to compute again what an op computes: it reduces nothing. */
function isCheap({ name }: Op): boolean {
  const { kind } = ops[name];
  return kind === "elementwise" || kind === "shape" || kind === "index";
}

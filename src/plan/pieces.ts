/** Helpers for splitting reductions into several kernels. */

import type { Builder, Copies } from "../ir/builder.ts";
import { mostBuffers } from "../ir/bytes.ts";
import { isLeaf, type Op, presentOperands, type Value } from "../ir/ir.ts";
import type { Piece, Write } from "./outliner.ts";

/** The number of buffers that the kernel of a piece binds. */
export function buffersOf({ ops, writes }: Piece): number {
  const own = new Set(ops.flatMap((op) => op.results));
  const read = new Set(ops.flatMap(presentOperands));
  const isBuffer = (value: Value) => !own.has(value) && value.def?.name !== "constant";
  return [...read].filter(isBuffer).length + writes.length;
}

/** The pieces, unless the kernel of one would exceed the limit on storage buffers. */
export function withinLimits(pieces: readonly Piece[]): readonly Piece[] | undefined {
  return pieces.some((piece) => buffersOf(piece) > mostBuffers) ? undefined : pieces;
}

/** Whether a value is computed by no kernel, but is a constant or the like. */
export const isLeafValue = ({ def }: Value): boolean => def !== undefined && isLeaf(def);

export const valuesOf = (writes: readonly Write[]): readonly Value[] => writes.map(({ value }) => value);

/** The ops that compute these values, in order, given the `known` values. */
export function closure(list: readonly Op[], values: readonly Value[], known: ReadonlySet<Value> = new Set()): Op[] {
  const needed = new Set(values);
  return list
    .toReversed()
    .filter((op) => {
      if (!op.results.some((result) => needed.has(result))) return false;
      for (const operand of presentOperands(op)) if (!known.has(operand)) needed.add(operand);
      return true;
    })
    .toReversed();
}

/** Adds copies of ops, with operands replaced as in `merged`, and adds their results to `merged`. */
export function copyBehind(to: Builder, after: readonly Op[], merged: Copies): void {
  for (const op of after) to.add(merged.op(op, { kernel: 0 }));
}

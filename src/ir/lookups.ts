/** Which parameters are positions along an axis, and the extent of that axis. */

import { type Fn, presentOperands, type Value } from "./ir.ts";
import { mapOf } from "./iteration.ts";
import { ops } from "./ops/index.ts";
import type { Dim } from "./types.ts";

/** For each such parameter, the extents that its elements must be below. */
export function lookupsBy(fn: Fn): ReadonlyMap<Value, readonly Dim[]> {
  const extents = new Map<Value, readonly Dim[]>();
  const add = (value: Value, dims: readonly Dim[]) => {
    if (dims.length > 0) extents.set(value, [...new Set([...(extents.get(value) ?? []), ...dims])]);
  };
  for (const op of fn.ops.toReversed()) {
    const def = ops[op.name];
    const dims = op.results.flatMap((result) => extents.get(result) ?? []);
    // Shape ops only move elements.
    if (def.kind === "shape") add(op.operand(0), dims);
    // Sums of rows by their index also bound the index, by the number of rows.
    if (def.kind === "linear") {
      const index = def.operands.findIndex(({ element }) => element === "index");
      if (index >= 0) add(op.operand(index), op.result.shape.slice(0, 1));
    }
    if (def.kind !== "index") continue;
    const map = mapOf(op, def);
    const index = map.kind === "lookup" ? op.operand(map.index) : undefined;
    for (const operand of presentOperands(op)) if (operand !== index) add(operand, dims);
    if (map.kind !== "lookup" || index === undefined) continue;
    add(index, [op.operand(map.operand).shape[map.axes.indexOf(undefined)] as Dim]);
  }
  return new Map([...extents].filter(([value]) => fn.params.includes(value)));
}

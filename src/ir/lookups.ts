/** Which parameters are positions along an axis, and the extent of that axis. */

import { constantValue, type Fn, type Op, presentOperands, type Value } from "./ir.ts";
import { mapOf } from "./iteration.ts";
import type { ElementwiseDef } from "./ops/def.ts";
import { ops } from "./ops/index.ts";
import { type Dim, isFloat } from "./types.ts";

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
    if (def.kind === "elementwise" && dims.length > 0) for (const operand of boundedBy(op, def)) add(operand, dims);
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

const positions = [0, 1, 2, 5, 31, 100];
/** Floats are also drawn between whole numbers, and may round up. */
const positionsBetween = [...positions, 0.6, 30.7];

/**
 * The operands of an elementwise op that keeps positions in range, such as `maximum(label, 0)` and `where(label == -100, 0, label)`:
 * its result is from 0 to the largest of its operands, in all samples.
 */
function boundedBy(op: Op, def: ElementwiseDef): readonly Value[] {
  const operands = presentOperands(op);
  const choices = operands.map((operand) => {
    const constant = constantValue(operand);
    if (constant !== undefined) return [constant];
    if (operand.element === "bool") return [0, 1];
    return isFloat(operand.element) ? positionsBetween : positions;
  });
  const at = { element: (operands.at(-1) as Value).element, attributes: op.attributes };
  const keeps = combinations(choices).every((values) => {
    const [a = Number.NaN, b = Number.NaN, c = Number.NaN] = values;
    const result = def.scalar(a, b, c, at);
    return result >= 0 && result <= Math.max(...values);
  });
  const isPosition = (operand: Value) => operand.element !== "bool" && constantValue(operand) === undefined;
  return keeps ? operands.filter(isPosition) : [];
}

/** Every choice of one item from each list. */
const combinations = (lists: readonly (readonly number[])[]): number[][] =>
  lists.reduce<number[][]>((all, list) => all.flatMap((before) => list.map((one) => [...before, one])), [[]]);

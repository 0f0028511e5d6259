/**
 * What is known of the numbers in small integer tensors: shapes are computed by nodes, and Reshape, Expand, Slice take
 * them as operands. An item is a number, the name of a dimension, or not known.
 *
 * Nodes that only move numbers are evaluated as the language defines them, with each name standing in for itself; other
 * nodes only where all items are numbers.
 */

import { evaluateOp } from "../ir/interpret.ts";
import type { Op, Value } from "../ir/ir.ts";
import { ops } from "../ir/ops/index.ts";
import { elementCount, type Tensor } from "../ir/tensor.ts";
import type { Dim } from "../ir/types.ts";

export type Item = Dim | undefined;

/** More items than any shape has. */
export const mostItems = 64;

export class KnownItems {
  private readonly items = new Map<Value, readonly Item[]>();

  of(value: Value): readonly Item[] | undefined {
    return this.items.get(value);
  }

  set(value: Value, items: readonly Item[]): void {
    this.items.set(value, items);
  }

  /** Follows the ops that a node has become, as far as what they take is known. */
  follow(list: readonly Op[]): void {
    for (const op of list) {
      const items = evaluated(op, (value) => this.items.get(value));
      if (items !== undefined) this.items.set(op.result, items);
    }
  }
}

/** Items in row-major order, or `undefined` where nothing is known. */
function evaluated(op: Op, itemsOf: (value: Value) => readonly Item[] | undefined): readonly Item[] | undefined {
  const { type } = op.result;
  const isSmall =
    type.shape.every((dim) => typeof dim === "number") && elementCount(type.shape as number[]) <= mostItems;
  if (!isSmall || type.opaque || type.element === "f16" || ops[op.name].kind === "extern" || op.name === "global") {
    return undefined;
  }
  if (op.name === "constant") return [op.attributes.value as number];
  const all: Item[] = [];
  const tensors: (Tensor | undefined)[] = [];
  for (const operand of op.operands) {
    const items = operand && itemsOf(operand);
    if (operand !== undefined && items === undefined) return undefined;
    // Each item stands in for itself by its number in the list of all of them.
    const start = all.length;
    all.push(...(items ?? []));
    const codes = Float64Array.from(items ?? [], (_, i) => start + i);
    tensors.push(operand && { element: operand.element, shape: operand.shape as number[], data: codes });
  }
  const moves = ops[op.name].kind === "shape" || op.name === "concat" || op.name === "slice";
  if (moves) return Array.from(evaluateOp(op, tensors, {})[0]?.data ?? [], (code) => all[code]);
  if (all.some((item) => typeof item !== "number")) return undefined;
  const decode = (tensor: Tensor) => ({ ...tensor, data: tensor.data.map((code) => all[code] as number) });
  return [
    ...(evaluateOp(
      op,
      tensors.map((tensor) => tensor && decode(tensor)),
      {},
    )[0]?.data ?? []),
  ];
}

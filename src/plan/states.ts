/** What several workgroups reduce parts of a row or a column to, and the results from all parts (src/ir/ops/parts.ts). */

import { OpKeys } from "../../passes/op-keys.ts";
import type { Builder } from "../ir/builder.ts";
import { getOrInsert } from "../ir/groups.ts";
import { type Attributes, definedBy, type Op, type OpName, type Value } from "../ir/ir.ts";
import { partialReduction } from "../ir/op-kinds.ts";
import { attribute } from "../ir/ops/attributes.ts";
import type { Emitter } from "../ir/ops/emitter.ts";
import { expParts, type PartialReduction } from "../ir/ops/parts.ts";
import type { ElementType } from "../ir/types.ts";

/** What a reduction reduces, and how that follows from parts. */
export interface Divided {
  readonly x: Value;
  readonly parts: PartialReduction;
}

/** Whether the result of a reduction can be computed from the states of parts. */
export const isMergeable = (op: Op): boolean => partialReduction(op) !== undefined;

/** A sum of exp(x - max(x)) reduces x, so that its parts need not wait for the maximum. @param op must be mergeable. */
export function dividedOf(op: Op): Divided {
  const x = sumOfExps(op);
  return x ? { x, parts: expParts } : { x: op.operand(0), parts: partialReduction(op) as PartialReduction };
}

/** The value that a reduction reduces in parts. */
export const reducedValue = (op: Op): Value => sumOfExps(op) ?? op.operand(0);

/** The x, if the op is a sum of exp(x - max(x)). */
function sumOfExps(op: Op): Value | undefined {
  const exp = op.name === "sum" ? definedBy(op.operand(0), "exp") : undefined;
  const difference = definedBy(exp?.operand(0), "sub");
  const max = definedBy(difference?.operands[1], "max");
  const x = difference?.operand(0);
  if (x === undefined || max?.operand(0) !== x || !attribute.flag(max.attributes, "keepdims")) return undefined;
  return String(attribute.axes(max.attributes)) === String(attribute.axes(op.attributes)) ? x : undefined;
}

/** Emits an op only once for the same operands, so that reductions share the states that they have in common. */
export class SharedOps implements Emitter {
  private readonly to: Builder;
  private readonly known = new Map<string, Value>();
  private readonly keys = new OpKeys();

  constructor(to: Builder) {
    this.to = to;
  }

  emit(name: OpName, operands: readonly (Value | undefined)[], attributes?: Attributes): Value {
    const key = this.keys.of(name, operands, attributes);
    return getOrInsert(this.known, key, () => this.to.emit(name, operands, attributes));
  }

  constant(element: ElementType, value: number): Value {
    return this.emit("constant", [], { element, value });
  }
}

/** Keys of ops for value numbering: ops with equal keys compute the same values. */

import { getOrInsert } from "../src/ir/groups.ts";
import type { Attributes, OpName, Value } from "../src/ir/ir.ts";
import { ops } from "../src/ir/ops/index.ts";
import { printNumber } from "../src/ir/print.ts";

export class OpKeys {
  private readonly numbers = new Map<Value | undefined, number>();

  /** Operands of commutative ops may be in either order. */
  of(name: OpName, operands: readonly (Value | undefined)[], attributes: Attributes | undefined): string {
    const numbers = operands.map((operand) => this.number(operand));
    if (ops[name].facts.commutative === true) numbers.sort((a, b) => a - b);
    // JSON has no -0, NaN or infinity.
    const text = JSON.stringify(attributes, (_, v) => (typeof v === "number" ? printNumber(v) : v));
    return `${name}|${numbers.join()}|${text}`;
  }

  private number(value: Value | undefined): number {
    return getOrInsert(this.numbers, value, () => this.numbers.size);
  }
}

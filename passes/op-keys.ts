/** Keys of ops for value numbering: ops with equal keys compute the same values. */

import { getOrInsert } from "../src/ir/groups.ts";
import type { Attributes, OpName, Value } from "../src/ir/ir.ts";
import { ops } from "../src/ir/ops/index.ts";
import { printNumber } from "../src/ir/print.ts";

/** The texts of attributes, which are immutable, and which most ops of one name share. */
const texts = new WeakMap<Attributes, string>();

/** JSON has no -0, NaN or infinity. */
const textOf = (attributes: Attributes): string =>
  JSON.stringify(attributes, (_, v) => (typeof v === "number" ? printNumber(v) : v));

export class OpKeys {
  private readonly numbers = new Map<Value | undefined, number>();

  /** Operands of commutative ops may be in either order. */
  of(name: OpName, operands: readonly (Value | undefined)[], attributes: Attributes | undefined): string {
    const numbers = operands.map((operand) => this.number(operand));
    if (ops[name].facts.commutative === true) numbers.sort((a, b) => a - b);
    return `${name}|${numbers.join()}|${attributes && getOrInsert(texts, attributes, () => textOf(attributes))}`;
  }

  private number(value: Value | undefined): number {
    return getOrInsert(this.numbers, value, () => this.numbers.size);
  }
}

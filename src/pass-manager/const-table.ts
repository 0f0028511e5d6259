/** The constants of a module while a pass runs, which may add more. */

import { makeOp } from "../ir/builder.ts";
import { FreshNames } from "../ir/fresh-names.ts";
import { type ComputedData, type Const, type Module, Value } from "../ir/ir.ts";

export class ConstTable {
  private readonly consts: Const[];
  private readonly names: FreshNames;

  constructor({ consts, fns }: Module) {
    this.consts = [...consts];
    // The names of parameters and results are fixed, as callers use them. Other values can be renamed.
    const fixed = fns.flatMap(({ params, results }) => [...params, ...results].map(({ name }) => name as string));
    this.names = new FreshNames([...consts.map(({ name }) => name), ...fixed]);
  }

  get all(): readonly Const[] {
    return this.consts;
  }

  /** @see PassContext.computed */
  computed(data: Omit<ComputedData, "kind">, hint: string): Const {
    const operands = data.operands.map((name) => this.consts.find((constant) => constant.name === name));
    const span = (operands[0] as Const).span;
    const values = operands.map((operand) => operand && new Value(operand.type, operand.name, span));
    const op = makeOp(data.op, values, data.attributes, { places: { op: span } });
    const { type } = op.result;
    const complete = { kind: "computed" as const, ...data, attributes: op.attributes };
    const text = textOf(complete);
    const same = this.consts.find((constant) => constant.data.kind === "computed" && textOf(constant.data) === text);
    if (same !== undefined) return same;
    const name = this.names.next(hint, (n) => `${hint}${n + 1}`);
    const added: Const = { name, type, data: complete, centered: [], span };
    this.consts.push(added);
    return added;
  }
}

const textOf = ({ op, operands, attributes }: ComputedData) => JSON.stringify([op, operands, attributes]);

/**
 * Random programs with every op of the op table, made op by op: operands are values that fit, or new parameters and
 * constants; attributes are drawn by their types. What inference refuses is drawn again.
 */

import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { makeOp } from "../../src/ir/builder.ts";
import {
  type Attributes,
  type AttributeValue,
  type Const,
  type Module,
  makeFn,
  makeModule,
  type Op,
  presentOperands,
  Value,
} from "../../src/ir/ir.ts";
import type { AttributeDef } from "../../src/ir/ops/attributes.ts";
import type { OpDef, OperandDef } from "../../src/ir/ops/def.ts";
import { callableNames, type OpName, ops } from "../../src/ir/ops/index.ts";
import { randomNumbers } from "../../src/ir/random.ts";
import { type Dim, type ElementType, holds, opaqueType, type Shape, tensorType } from "../../src/ir/types.ts";
import { nowhere } from "./ir.ts";

const shapes: readonly Shape[] = [
  ...[[], [4], [6], ["rows", 4], ["rows", 6], ["rows", 1], ["rows", 4], [4, 6], [1, 4]],
  ...[
    ["batch", 3, 4],
    ["batch", "rows", 4],
    [2, 4, 6],
    [2, 4, 5],
    [2, 4, 5, 5],
  ],
];
/** Composite ops are others where a program is read. */
const grown = callableNames.filter((name) => ops[name].kind !== "composite");
const numbers = [0, 1, 2, 0.5, -1, 3, 0.1, 1e-5, 0.044715, 0.7978845608028654, Math.SQRT1_2, 0.25, -0.5, 100];
/** Of operands after the first, those shapes that an op of other rules wants. */
const fitting: Partial<Record<OpName, (x: Shape, choose: (count: number) => number) => readonly Shape[]>> = {
  matmul: (x, choose) => [[x.at(-1) ?? 4, 3 + choose(4)]],
  linear: (x, choose) => {
    const out = 3 + choose(4);
    return [[out, x.at(-1) ?? 4], [out]];
  },
  embedding: (_, choose) => [[5, 3 + choose(4)]],
  conv: (x, choose) => {
    const out = 2 + choose(3);
    return [[out, x[1] ?? 4, ...x.slice(2).map(() => 2)], [out]];
  },
  embedding_grad: (ids, choose) => [[...ids, 3 + choose(4)]],
  conv_input_grad: (weight) => [["batch", weight[0] ?? 2, ...weight.slice(2).map(() => 4)]],
  conv_weight_grad: (x, choose) => [[x[0] ?? 2, 2 + choose(3), ...x.slice(2).map((dim) => Number(dim) - 1)]],
};

/** The shape that an op is told, where the operands leave no choice. */
const told: Partial<Record<OpName, (first: Shape, second: Shape) => Dim[]>> = {
  embedding_grad: (_, d_y) => [5, d_y.at(-1) ?? 4],
  conv_input_grad: (weight, d_y) => [d_y[0] ?? 2, weight[1] ?? 2, ...weight.slice(2).map((size) => 3 + Number(size))],
  conv_weight_grad: (x, d_y) => [d_y[1] ?? 2, x[1] ?? 2, ...x.slice(2).map(() => 2)],
};

class Program {
  readonly consts: Const[] = [];
  readonly params: Value[] = [];
  readonly ops: Op[] = [];
  private readonly next: () => number;

  constructor(seed: number) {
    this.next = randomNumbers(seed);
  }

  choose = (count: number): number => Math.floor(this.next() * count);
  pick = <T>(list: readonly T[]): T => list[this.choose(list.length)] as T;

  private get values(): Value[] {
    return [...this.params, ...this.ops.flatMap((op) => op.results)];
  }

  private leaf(element: ElementType, shape: Shape): Value {
    const isFixed = shape.every((dim) => typeof dim === "number");
    const kind = this.choose(isFixed ? 6 : 3);
    const isFloat = element === "f32" || element === "f16";
    const centered = isFloat && shape.length > 0 && this.choose(4) === 0 ? [-1] : [];
    if (shape.length === 0 && kind < 4) {
      const number = this.pick(numbers);
      const value = isFloat && holds(element, number) ? number : this.choose(2);
      return this.add(makeOp("constant", [], { element, value }, { places: { op: nowhere } }));
    }
    if (kind < 3 || shape.length === 0) {
      const param = new Value(tensorType(element, shape), `p${this.params.length}`, nowhere, undefined, 0, centered);
      this.params.push(param);
      return param;
    }
    const name = `c${this.consts.length}`;
    const count = shape.reduce<number>((product, dim) => product * (dim as number), 1);
    const values = Array.from({ length: count }, () => (isFloat ? this.choose(200) / 64 - 1.5 : this.choose(2)));
    const type = tensorType(element, shape);
    const isLoaded = kind === 5;
    const data = isLoaded
      ? ({ kind: "load", file: "w.safetensors", tensor: name } as const)
      : ({ kind: "values", values } as const);
    this.consts.push({ name, type, data, centered: isLoaded ? centered : [], span: nowhere });
    return this.add(makeOp("global", [], { name, element, shape: [...shape] }, { places: { op: nowhere } }));
  }

  private add(op: Op): Value {
    this.ops.push(op);
    return op.result;
  }

  private operand({ element: wanted }: OperandDef, element: ElementType, shape: Shape | undefined): Value {
    const type = wanted === "bool" ? "bool" : wanted === "index" ? this.pick(["i32", "u32"] as const) : element;
    const fits = this.values.filter(
      (value) => value.element === type && !value.type.opaque && (!shape || String(value.shape) === String(shape)),
    );
    // The latest more often, so that values are made of one another.
    const known = this.choose(3) === 0 ? this.pick(fits) : fits.at(-1 - this.choose(Math.min(3, fits.length)));
    return known !== undefined && this.choose(6) > 0 ? known : this.leaf(type, shape ?? this.pick(shapes));
  }

  private attribute(def: AttributeDef, x: Shape): AttributeValue {
    const rank = x.length;
    const axis = () => -1 - this.choose(Math.max(1, rank));
    switch (def.type) {
      case "number":
        return this.pick([0.5, 0.01, 1]);
      case "size":
        return this.pick([1e-5, 0.01, 1e-6, 0]);
      case "integer":
        return (def.minimum ?? -2) + this.choose(3);
      case "boolean":
        return this.choose(2) === 0;
      case "choice":
        return this.pick(def.choices);
      case "element":
        return this.pick(["f32", "f16", "i32", "u32", "bool"]);
      case "axes":
        return this.choose(3) === 0 ? [...new Set([axis(), axis()])] : [-1];
      case "axis":
        return axis();
      case "permutation":
        return [...x.keys()]
          .map((i) => [this.next(), i] as const)
          .sort()
          .map(([, i]) => i);
      case "integers":
        return [];
      case "shape":
        return this.pick<Dim[]>([[...x].reverse(), [-1], [...x, 1], [2, ...x], [...x.slice(0, -2), -1], [-1, 2]]);
      case "text":
      case "name":
        return "Other";
      default:
        return def satisfies never;
    }
  }

  private attempt(name: OpName): Op {
    const def: OpDef = ops[name];
    const element = this.pick(def.elements.filter((one) => one !== "f16" || this.choose(2) === 0));
    if (name === "extern") {
      const types = [this.choose(3) === 0 ? opaqueType : tensorType("f32", this.pick(shapes))];
      const operands = this.values.slice(-2);
      return makeOp(name, operands, { op: "Other" }, { places: { op: nowhere }, types });
    }
    const operands: (Value | undefined)[] = [];
    let fitted: readonly (Shape | undefined)[] = [];
    for (const [i, operand] of def.operands.entries()) {
      if (operand.optional && this.choose(2) === 0) {
        operands.push(undefined);
        continue;
      }
      const affine = def.kind === "norm" && i > 0 ? operands[0]?.shape.slice(-1) : undefined;
      const same = name === "concat" && i > 0 ? operands[0]?.shape : undefined;
      const value = this.operand(operand, element ?? "f32", fitted[i - 1] ?? affine ?? same);
      operands.push(value);
      if (i === 0) fitted = fitting[name]?.(value.shape, this.choose) ?? [];
    }
    const x = operands[0]?.shape ?? [];
    const isDefault = (attribute: AttributeDef) => "default" in attribute && this.choose(2) === 0;
    const attributes: Attributes = Object.fromEntries(
      Object.entries(def.attributes).flatMap(([key, attribute]) =>
        isDefault(attribute) ? [] : [[key, this.attribute(attribute, x)]],
      ),
    );
    const shape = told[name]?.(x, operands[1]?.shape ?? []);
    if (shape !== undefined) return makeOp(name, operands, { shape }, { places: { op: nowhere } });
    return makeOp(name, operands, attributes, { places: { op: nowhere } });
  }

  /** Whether an op of this name could be made. */
  grow(name: OpName): boolean {
    for (let i = 0; i < 40; i++) {
      const [params, consts, made] = [this.params.length, this.consts.length, this.ops.length];
      try {
        const op = this.attempt(name);
        const isSmall = op.results.every(
          ({ shape }) => shape.reduce<number>((n, dim) => n * (typeof dim === "number" ? dim : 4), 1) <= 2000,
        );
        if (isSmall) {
          this.add(op);
          return true;
        }
      } catch (caught) {
        if (!(caught instanceof TircError)) throw caught;
      }
      this.params.length = params;
      this.consts.length = consts;
      this.ops.length = made;
    }
    return false;
  }

  module(): Module {
    const used = new Set(this.ops.flatMap(presentOperands));
    const last = this.ops.flatMap((op) => op.results).filter((value) => !used.has(value) && !value.type.opaque);
    const returned = last.length > 0 ? last.slice(-5) : [this.leaf("f32", ["rows", 4])];
    const results = returned.map((value, i) => ({ name: `r${i}`, value }));
    const { params, ops: list, consts } = this;
    return makeModule([makeFn({ name: "f", params, ops: list, results, span: nowhere })], consts);
  }
}

/** A program of about `size` ops. Every op occurs in some program: `seed` determines which come first. */
export function anyProgram(seed: number, size = 10): { readonly module: Module; readonly names: readonly OpName[] } {
  const program = new Program(seed);
  const names: OpName[] = [];
  for (let i = 0; i < size; i++) {
    const name = i % 3 === 0 ? (grown[(seed * size + i) % grown.length] as OpName) : program.pick(grown);
    if (program.grow(name)) names.push(name);
  }
  return { module: program.module(), names };
}

/**
 * Evaluates functions over a field: the second meaning of the op table, at one random point.
 *
 * Parameters and loaded constants are drawn at random by their names, and satisfy their declarations. Constants that are
 * written out or computed from others are evaluated. The result of an op of another program is determined by
 * its operands and attributes; if it declares rows, it consists of sums of these.
 */

import { makeOp } from "../builder.ts";
import { getOrInsert } from "../groups.ts";
import { evaluateOp, resolveShape } from "../interpret.ts";
import { type Attributes, type ComputedData, type Const, constantValue, type Fn, type Op, Value } from "../ir.ts";
import { lookupRanges, type Range } from "../lookups.ts";
import type { NormDef, OpDef, ReductionDef } from "../ops/def.ts";
import type { Emitter } from "../ops/emitter.ts";
import { type OpName, ops } from "../ops/index.ts";
import type { Operands } from "../ops/meaning.ts";
import { broadcastTo, elementCount, gather, rowOrder } from "../tensor.ts";
import { broadcastShapes, isInteger, isNarrow, reducedShape, tensorType } from "../types.ts";
import { Algebra, hashOfText } from "./algebra.ts";
import { drawIntegers, integersOf, isNumber, residuesOfIntegers } from "./integers.ts";
import { residuesOfDatum } from "./literal.ts";
import type { Elements } from "./prime.ts";
import { bilinear, type FieldTensor, moved, type Point, summed } from "./tensor.ts";

/** The operand that an op's result is assumed to equal, if any: see `PassContext.assume`. */
export type Assumed = (op: Op, operands: readonly (FieldTensor | undefined)[]) => FieldTensor | undefined;

/** Replaces the tensor of a value for all of its readers. */
type Exchanged = (value: Value, tensor: FieldTensor) => FieldTensor;

const over = (x: Elements, f: (data: Float64Array) => Float64Array): Elements => ({ p: f(x.p), q: x.q && f(x.q) });

/** One element for each of `shape`, or a single one that represents all. */
function broadcast(x: FieldTensor, shape: readonly number[]): Elements {
  if (x.p.length === 1 && elementCount(x.shape) === 1) return x;
  return over(x, (data) => broadcastTo({ ...x, data }, shape));
}

/** Repeats a single element that represents all `count` of them. */
function filled(x: Elements, count: number): Elements {
  return x.p.length === count ? x : over(x, (data) => new Float64Array(count).fill(data[0] as number));
}

/** The tensor as contiguous rows along `axes`. */
function toRows(x: FieldTensor, axes: readonly number[]) {
  const { shape, strides, width, count, isInOrder } = rowOrder(x.shape, axes);
  return { rows: isInOrder ? x : over(x, (data) => gather(data, shape, strides)), width, count };
}

export class Evaluator {
  readonly algebra: Algebra;
  readonly point: Point;
  private readonly consts = new Map<Const, FieldTensor>();

  constructor(point: Point, algebra = new Algebra(point.pair, point.seed, point.computesIntegers)) {
    this.point = point;
    this.algebra = algebra;
  }

  /** An evaluator with the same random numbers at other extents. */
  at(dims: Point["dims"]): Evaluator {
    return new Evaluator({ ...this.point, dims }, this.algebra);
  }

  /** Evaluates all values of a function. @param consts of its module. */
  run(
    fn: Fn,
    consts: readonly Const[],
    assumed: Assumed = () => undefined,
    exchanged: Exchanged = (_, tensor) => tensor,
  ): Map<Value, FieldTensor> {
    const values = this.parameters(fn);
    for (const [param, tensor] of values) values.set(param, exchanged(param, tensor));
    this.continue(values, fn.ops, consts, assumed, exchanged);
    return values;
  }

  /** Random tensors for a function's parameters. */
  parameters(fn: Fn): Map<Value, FieldTensor> {
    const { dims } = this.point;
    const ranges = lookupRanges(fn, dims);
    return new Map(
      fn.params.map((param) => [
        param,
        this.drawn(`parameter ${param.name}`, param, resolveShape(param.shape, dims), ranges.get(param)),
      ]),
    );
  }

  /** Evaluates more ops, and adds their results to `values`. */
  continue(
    values: Map<Value, FieldTensor>,
    list: readonly Op[],
    consts: readonly Const[],
    assumed: Assumed = () => undefined,
    exchanged: Exchanged = (_, tensor) => tensor,
  ): void {
    const byName = new Map(consts.map((constant) => [constant.name, constant]));
    for (const op of list) {
      if (op.name === "global") {
        values.set(op.result, exchanged(op.result, this.constant(op.attributes.name as string, byName)));
        continue;
      }
      const operands = op.operands.map((operand) => operand && (values.get(operand) as FieldTensor));
      const taken = assumed(op, operands);
      const results = taken === undefined ? this.op(op, operands) : [taken];
      for (const [i, result] of op.results.entries()) values.set(result, exchanged(result, results[i] as FieldTensor));
    }
  }

  /** A random tensor that satisfies its declaration. @param range of its elements, if positions are computed from them. */
  private drawn(
    name: string,
    { type, centered }: Pick<Const, "type" | "centered">,
    shape: number[],
    range?: Range,
  ): FieldTensor {
    const { element } = type;
    const { algebra } = this;
    if (this.point.computesIntegers && isInteger(element)) {
      const integers = drawIntegers(algebra, name, elementCount(shape), element, range);
      return this.noted({ element, shape, ...residuesOfIntegers(integers, this.point.pair) });
    }
    const drawn = algebra.draw(name, elementCount(shape));
    if (element === "bool") {
      const bits = drawn.p.map((value) => value & 1);
      return { element, shape, p: bits, q: bits };
    }
    let tensor: FieldTensor = { element, shape, ...drawn };
    if (centered.length > 0) {
      const value = new Value(tensorType(element, shape), name, nowhere);
      const op = makeOp("center", [value], { axes: [...centered] }, { places: { op: nowhere } });
      tensor = this.op(op, [tensor])[0] as FieldTensor;
    }
    return this.noted(tensor);
  }

  /** Records the elements of integer types, and those that are rounded to a narrow float. */
  private noted(tensor: FieldTensor, isStored = true): FieldTensor {
    if (isInteger(tensor.element)) this.algebra.known("whole", tensor);
    if (isNarrow(tensor.element) && isStored) this.algebra.known(tensor.element, tensor);
    return tensor;
  }

  private constant(name: string, consts: ReadonlyMap<string, Const>): FieldTensor {
    const constant = consts.get(name) as Const;
    return getOrInsert(this.consts, constant, () => this.makeConstant(constant, consts));
  }

  private makeConstant(constant: Const, consts: ReadonlyMap<string, Const>): FieldTensor {
    const { name, type, data } = constant;
    const { element } = type;
    const shape = type.shape as number[];
    if (data.kind === "load") return this.drawn(`constant ${name}`, constant, shape);
    if (data.kind === "computed") return this.computed(constant, data, consts);
    const { pair } = this.point;
    const elements = data.values.map((value) => residuesOfDatum(value, pair));
    const p = Float64Array.from(elements, (one) => one.p[0] as number);
    const q = Float64Array.from(elements, (one) => one.q?.[0] as number);
    return this.noted({ element, shape, p, q });
  }

  private computed({ span }: Const, data: ComputedData, consts: ReadonlyMap<string, Const>): FieldTensor {
    const tensors = data.operands.map((name) => (name === undefined ? undefined : this.constant(name, consts)));
    const values = tensors.map(
      (tensor) => tensor && new Value(tensorType(tensor.element, tensor.shape), undefined, span),
    );
    const op = makeOp(data.op, values, data.attributes, { places: { op: span } });
    return this.op(op, tensors)[0] as FieldTensor;
  }

  /** The results of one op. */
  op(op: Op, operands: readonly (FieldTensor | undefined)[]): FieldTensor[] {
    const def: OpDef = ops[op.name];
    const number = this.numberOf(op, def, operands);
    if (number !== undefined) {
      const { element } = op.result;
      const shape = resolveShape(op.result.shape, this.point.dims);
      return [{ element, shape, ...filled(this.algebra.number(number), elementCount(shape)), number }];
    }
    const shapes = op.results.map(({ shape, type }) => (type.opaque ? [] : resolveShape(shape, this.point.dims)));
    const { computesIntegers } = this.point;
    const computed = computesIntegers ? this.ofIntegers(op, def, operands) : undefined;
    return (computed ?? this.elements(op, def, operands, shapes)).map((elements, i) => {
      const { element } = op.results[i] as Value;
      const { p, q } = computesIntegers && isInteger(element) ? this.asIntegers(elements) : elements;
      return this.noted({ element, shape: shapes[i] as number[], p, q }, false);
    });
  }

  /** Evaluates an op on integers and bools alone in 32 bits, as the interpreter does. */
  private ofIntegers(op: Op, def: OpDef, operands: readonly (FieldTensor | undefined)[]): Elements[] | undefined {
    const isScalar = def.kind === "elementwise" || def.kind === "reduction";
    const given = operands.filter((operand) => operand !== undefined);
    const elements = [...given, ...op.results].map(({ element }) => element);
    if (!isScalar || !elements.every(isNumber) || given.some(({ p }) => p.length === 0)) return undefined;
    const { pair, dims } = this.point;
    const tensors = given.map((operand) => ({ ...operand, data: integersOf(operand, pair) }));
    return evaluateOp(op, tensors, dims).map(({ data }) => residuesOfIntegers(data, pair));
  }

  private asIntegers(elements: Elements): Elements {
    const { pair } = this.point;
    return residuesOfIntegers(integersOf(elements, pair), pair);
  }

  /** Ops on literals are computed in float64, as in the compiler, unless the result is not finite. */
  private numberOf(op: Op, def: OpDef, operands: readonly (FieldTensor | undefined)[]): number | undefined {
    if (def.kind === "constant") return op.attributes.value as number;
    if (def.kind === "shape") return operands[0]?.number;
    if (def.kind !== "elementwise" || operands.some((operand) => operand?.number === undefined)) return undefined;
    const tensors = (operands as FieldTensor[]).map(({ element, number }) => {
      return { element, shape: [], data: Float64Array.of(number as number) };
    });
    const values = tensors.map(({ element }) => new Value(tensorType(element, []), undefined, op.span));
    const scalar =
      op.result.shape.length === 0 ? op : makeOp(op.name, values, op.attributes, { places: { op: op.span } });
    const value = evaluateOp(scalar, tensors, {})[0]?.data[0] as number;
    return Number.isFinite(value) ? value : undefined;
  }

  private elements(
    op: Op,
    def: OpDef,
    operands: readonly (FieldTensor | undefined)[],
    shapes: readonly (readonly number[])[],
  ): readonly Elements[] {
    const [x] = operands as [FieldTensor];
    const shape = shapes[0] as readonly number[];
    const { algebra } = this;
    const { attributes } = op;
    switch (def.kind) {
      case "elementwise": {
        const { element } = operands.at(-1) as FieldTensor;
        const given = (operands as FieldTensor[]).map((operand) => broadcast(operand, shape));
        return [filled(def.exact(algebra, given as Operands<Elements>, { element, attributes }), elementCount(shape))];
      }
      case "reduction": {
        const { rows, width, count } = toRows(x, attributes.axes as number[]);
        if (width === 0) return op.results.map((_, i) => algebra.draw(`${op.name} ${i} of nothing`, count));
        return def.exact(algebra, x.isOrderScaled ? { ...rows, isOrderScaled: true } : rows, width, attributes);
      }
      case "norm":
        return [this.norm(op, def, operands)];
      case "shape":
        return [over(x, (data) => def.evaluate({ element: x.element, shape: x.shape, data }, shape, attributes))];
      case "linear":
        return [(def.exact === "bilinear" ? bilinear : summed)(op, def, operands, this.point)];
      case "index":
        return [moved(op, def, operands, shape, this)];
      case "extern":
        return this.extern(op, operands, shapes);
      default:
        throw new Error(`\`${op.name}\` is not evaluated by its operands`);
    }
  }

  /** A norm by its definition in primitive ops, then gamma and beta. */
  private norm(op: Op, def: NormDef, [x, gamma, beta]: readonly (FieldTensor | undefined)[]): Elements {
    const tensor = x as FieldTensor;
    const { view, axes, affineView } = def.view(tensor.shape, op.attributes);
    const values = new Map<Value, FieldTensor>();
    const bind = (of: FieldTensor) => {
      const value = new Value(tensorType(of.element, of.shape), undefined, op.span);
      values.set(value, of);
      return value;
    };
    const tensorOf = (value: Value | undefined) => values.get(value as Value) as FieldTensor;
    const emitter: Emitter = {
      emit: (name, operands, attributes = {}) => bind(this.primitive(name, operands.map(tensorOf), attributes)),
      constant: (element, number) => bind({ element, shape: [], ...this.algebra.number(number), number }),
    };
    const eps = "eps" in def.attributes ? (op.attributes.eps as number) : 0;
    const rows = bind({ ...tensor, shape: view as number[] });
    const normalized = def.define(emitter, rows, axes, eps === 0 ? undefined : emitter.constant(tensor.element, eps));
    const affine = (of: FieldTensor) => broadcast({ ...of, shape: affineView as number[] }, view as number[]);
    const result: Elements = values.get(normalized) as FieldTensor;
    const scaled = gamma === undefined ? result : this.algebra.mul(result, affine(gamma));
    return beta === undefined ? scaled : this.algebra.add(scaled, affine(beta));
  }

  /** An op in the definition of a norm. Like `op`, but without inference of types. */
  private primitive(name: OpName, operands: readonly FieldTensor[], attributes: Attributes): FieldTensor {
    const def: OpDef = ops[name];
    const [x] = operands as [FieldTensor];
    const { element } = x;
    if (def.kind === "elementwise") {
      const shape = broadcastShapes(...operands.map((operand) => operand.shape)) as number[];
      const given = operands.map((operand) => broadcast(operand, shape));
      const elements = def.exact(this.algebra, given as Operands<Elements>, { element, attributes });
      const { p, q } = filled(elements, elementCount(shape));
      return { element, shape, p, q };
    }
    const { exact } = def as ReductionDef;
    const axes = attributes.axes as readonly number[];
    const { rows, width, count } = toRows(x, axes);
    const all = { correction: 0, ...attributes };
    const [result] = width === 0 ? [this.algebra.draw("nothing", count)] : exact(this.algebra, rows, width, all);
    const shape = reducedShape(x.shape, axes, attributes.keepdims === true) as number[];
    const { p, q } = result as Elements;
    return { element, shape, p, q };
  }

  /** Random elements by a key of the op and its operands; sums of rows if it declares them. */
  private extern(
    op: Op,
    operands: readonly (FieldTensor | undefined)[],
    shapes: readonly (readonly number[])[],
  ): Elements[] {
    const summed = op.attributes.rows as readonly number[];
    // Named dimensions of the axes that are kept may have different extents at this point.
    const keeps = (i: number) =>
      (op.attributes.kept as readonly number[]).every((axis) => operands[i]?.shape.at(axis) === shapes[0]?.at(axis));
    const isSummed = summed.length > 0 && op.results.length === 1 && summed.every(keeps);
    const known = operands.map((operand, i) => {
      if (operand === undefined) return "none";
      return isSummed && summed.includes(i) ? operand.shape.join() : fingerprint(operand);
    });
    const { op: name, node, kept } = op.attributes;
    const key = ["extern", name, node, ...known].join("|");
    if (!isSummed) return shapes.map((shape, i) => this.algebra.draw(`${key}|${i}`, elementCount(shape)));
    const sums = summed.map((operand) => {
      const axes = kept as readonly number[];
      return this.sumOfRows(`${key}|${operand}`, operands[operand] as FieldTensor, shapes[0] as number[], axes);
    });
    return [sums.reduce((a, b) => this.algebra.add(a, b))];
  }

  /** Each row of the result, along the axes that are kept, as a sum of the operand's rows with random factors. */
  private sumOfRows(key: string, x: FieldTensor, shape: readonly number[], kept: readonly number[]): Elements {
    const { rows, width, count } = toRows(x, kept);
    const { count: outer, back } = rowOrder(shape, kept);
    const factors = this.algebra.draw(key, outer * count);
    const matrix = ({ p, q }: Elements, of: readonly number[]): FieldTensor => ({ element: "f32", shape: of, p, q });
    const value = (of: readonly number[]) => new Value(tensorType("f32", of), undefined, nowhere);
    const product = makeOp("matmul", [value([outer, count]), value([count, width])], {}, { places: { op: nowhere } });
    const result = this.op(product, [matrix(factors, [outer, count]), matrix(rows, [count, width])])[0] as FieldTensor;
    return over(result, (data) => gather(data, shape, back()));
  }
}

const nowhere = { source: { name: "", text: "" }, start: 0, end: 0 };

/** Equal for equal tensors, and almost never for others. */
export function fingerprint({ shape, p }: FieldTensor): string {
  let [a, b] = [0x9e3779b9 | 0, hashOfText(shape.join())];
  for (const value of p) {
    a = Math.imul(a ^ value, 0x85ebca6b);
    a ^= a >>> 15;
    b = (Math.imul(b, 31) + value) | 0;
    b ^= b >>> 11;
  }
  return `${a}.${b}`;
}

/** Whether the value is a literal. */
export const isLiteral = (value: Value) => constantValue(value) !== undefined;

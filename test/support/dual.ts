/**
 * Forward derivatives in exact arithmetic: dual numbers a + b eps, eps^2 = 0, over the field of the exact check.
 *
 * An op's meaning over a field is computed on dual numbers, so this knows the rules of sums, products, quotients, roots
 * and exponentials, and the derivatives of functions of which nothing else is known; it knows no op but `stop_gradient`, and nothing of the
 * table's column `vjp`, which it is there to check.
 */

import { makeOp } from "../../src/ir/builder.ts";
import { Algebra, type Rounded } from "../../src/ir/field/algebra.ts";
import { Evaluator } from "../../src/ir/field/evaluate.ts";
import type { Elements, PrimeField } from "../../src/ir/field/prime.ts";
import type { FieldTensor, Point } from "../../src/ir/field/tensor.ts";
import { type Const, type Fn, isLeaf, type Op, type Value } from "../../src/ir/ir.ts";
import type { OpDef, ReductionDef } from "../../src/ir/ops/def.ts";
import type { Emitter } from "../../src/ir/ops/emitter.ts";
import { ops } from "../../src/ir/ops/index.ts";
import type { Operands } from "../../src/ir/ops/meaning.ts";
import { broadcastTo, elementCount, gather, rowOrder } from "../../src/ir/tensor.ts";
import { broadcastShapes, isFloat, reducedShape } from "../../src/ir/types.ts";

/** Elements with the part that eps is multiplied with, mod p; 0 where it is missing. */
interface Dual extends Elements {
  readonly d?: Float64Array | undefined;
}

interface DualTensor extends Dual, FieldTensor {}

const dOf = (x: Elements) => (x as Dual).d;

class DualAlgebra extends Algebra {
  /** Whether a root was taken of a number that has none in the field: the result is the root of its negative. */
  tookNoRoot = false;
  /** Whether equal numbers were compared: an extreme has no derivative there, only a convention. */
  tookTie = false;
  /** The logarithms of numbers that the program writes, which are computed in float64. */
  readonly logarithms = new Map<number, Elements>();
  /** Exponents that the program writes, less 1, in float64 too. */
  readonly lessOne = new Map<number, Elements>();

  private get field(): PrimeField {
    return this.pair.p;
  }

  /** `value` with the sum of products of factors and of what eps is multiplied with in the arguments. */
  private chain(value: Elements, ...terms: readonly (readonly [factor: Elements, of: Elements])[]): Dual {
    const { field } = this;
    const there = terms.filter(([, of]) => dOf(of) !== undefined);
    if (there.length === 0 || value.p.length === 0) return value;
    const d = new Float64Array(Math.max(value.p.length, ...there.map(([, of]) => (dOf(of) as Float64Array).length)));
    for (const [factor, of] of there) {
      const [a, b] = [factor.p, dOf(of) as Float64Array];
      for (let i = 0; i < d.length; i++) {
        const product = field.mul(a[a.length === 1 ? 0 : i] as number, b[b.length === 1 ? 0 : i] as number);
        d[i] = field.add(d[i] as number, product);
      }
    }
    return { ...value, d };
  }

  private get one(): Elements {
    return super.integer(1);
  }

  private get minusOne(): Elements {
    return super.neg(super.integer(1));
  }

  override add(a: Elements, b: Elements): Dual {
    return this.chain(super.add(a, b), [this.one, a], [this.one, b]);
  }

  override sub(a: Elements, b: Elements): Dual {
    return this.chain(super.sub(a, b), [this.one, a], [this.minusOne, b]);
  }

  override mul(a: Elements, b: Elements): Dual {
    return this.chain(super.mul(a, b), [b, a], [a, b]);
  }

  override neg(a: Elements): Dual {
    return this.chain(super.neg(a), [this.minusOne, a]);
  }

  override reciprocal(a: Elements): Dual {
    const y = super.reciprocal(a);
    return this.chain(y, [super.neg(super.mul(y, y)), a]);
  }

  override sqrt(a: Elements): Dual {
    const y = super.sqrt(a);
    this.tookNoRoot ||= a.p.some((value) => value !== 0 && !this.field.isPositive(value));
    return this.chain(y, [super.reciprocal(super.add(y, y)), a]);
  }

  override exp(a: Elements): Dual {
    const y = super.exp(plain(a));
    return this.chain(y, [y, a]);
  }

  override exp2(a: Elements): Dual {
    const y = super.exp2(plain(a));
    return this.chain(y, [super.mul(y, super.number(Math.LN2)), a]);
  }

  /** b a^(b - 1), and a^b log(a) where a is above 0. */
  override pow(a: Elements, b: Elements): Dual {
    const [base, exponent] = [plain(a), plain(b)];
    const y = super.pow(base, exponent);
    const byBase = super.mul(exponent, super.pow(base, this.oneLess(exponent)));
    const isAbove = super.above(base, super.integer(0));
    const byExponent = super.mul(isAbove, super.mul(y, this.logarithm(base)));
    return this.chain(y, [byBase, a], [byExponent, b]);
  }

  private oneLess(x: Elements): Elements {
    const known = x.p.length === 1 ? this.lessOne.get(x.p[0] as number) : undefined;
    return known ?? super.sub(x, this.one);
  }

  private logarithm(x: Elements): Elements {
    const known = x.p.length === 1 ? this.logarithms.get(x.p[0] as number) : undefined;
    return known ?? super.apply("log", [x]);
  }

  override above(a: Elements, b: Elements): Elements {
    this.tookTie ||= super.equal(a, b).p.includes(1);
    return super.above(a, b);
  }

  override select(condition: Elements, yes: Elements, no: Elements): Dual {
    const value = super.select(condition, yes, no);
    const truth = super.not(super.equal(condition, super.integer(0)));
    return this.chain(value, [truth, yes], [super.not(truth), no]);
  }

  override apply(name: string, args: readonly Elements[], facts: Parameters<Algebra["apply"]>[2] = {}): Dual {
    const known = args.map(plain);
    const y = super.apply(name, known, facts);
    if (args.every((arg) => dOf(arg) === undefined)) return y;
    const [a, b] = known as [Elements, Elements];
    const f = (other: string) => super.apply(other, known);
    const square = (x: Elements) => super.mul(x, x);
    const derivatives: Readonly<Record<string, () => readonly Elements[]>> = {
      log: () => [super.reciprocal(a)],
      exp: () => [y],
      sin: () => [f("cos")],
      cos: () => [super.neg(f("sin"))],
      tanh: () => [super.sub(this.one, square(y))],
      erf: () => [super.mul(super.number(2 / Math.sqrt(Math.PI)), super.exp(super.neg(square(a))))],
      atan2: () => {
        const size = super.reciprocal(super.add(square(a), square(b)));
        return [super.mul(b, size), super.neg(super.mul(a, size))];
      },
      rem: () => [this.one, super.neg(super.round("whole", "trunc", super.mul(a, super.reciprocal(b))))],
      pow2_scale: () => [super.integer(0)],
    };
    const factors = derivatives[name]?.();
    if (factors === undefined) throw new Error(`nothing is known of the derivative of ${name}`);
    return this.chain(y, ...factors.map((factor, i) => [factor, args[i] as Elements] as const));
  }

  /** Rounding to f16 is left out, as cotangents are rounded too; to whole numbers it jumps. */
  override round(kind: Rounded, name: string, x: Elements): Dual {
    return kind !== "whole" ? x : plain(super.round(kind, name, plain(x)));
  }

  override sum(rows: Elements, width: number): Dual {
    const d = dOf(rows);
    return { ...super.sum(rows, width), d: d && super.sum({ p: d, q: undefined }, width).p };
  }

  override repeated(rows: Elements, width: number): Dual {
    const d = dOf(rows);
    return { ...super.repeated(rows, width), d: d && super.repeated({ p: d, q: undefined }, width).p };
  }

  /** One after the other, by the rule of products. */
  override product(rows: Elements, width: number): Dual {
    const d = dOf(rows);
    const value = super.product(rows, width);
    if (d === undefined) return value;
    const { field } = this;
    const result = Float64Array.from(value.p, (_, row) => {
      let [all, change] = [1, 0];
      for (let i = row * width; i < (row + 1) * width; i++) {
        change = field.add(field.mul(change, rows.p[i] as number), field.mul(all, d[i] as number));
        all = field.mul(all, rows.p[i] as number);
      }
      return change;
    });
    return { ...value, d: result };
  }

  override extreme(rows: Elements, width: number, which: "max" | "min"): Dual {
    const d = dOf(rows);
    const value = super.extreme(rows, width, which);
    const rowOf = (row: number) => rows.p.subarray(row * width, (row + 1) * width);
    this.tookTie ||= value.p.some((_, row) => new Set(rowOf(row)).size < width);
    if (d === undefined) return value;
    const at = (row: number) => rows.p.indexOf(value.p[row] as number, row * width);
    return { ...value, d: Float64Array.from(value.p, (_, row) => d[at(row)] as number) };
  }
}

const plain = ({ p, q }: Elements): Elements => ({ p, q });

const over = (x: Dual, f: (data: Float64Array) => Float64Array): Dual => ({
  p: f(x.p),
  q: x.q && f(x.q),
  d: x.d && f(x.d),
});

function broadcast(x: DualTensor, shape: readonly number[]): Dual {
  return over(x, (data) => (data.length === 1 ? data : broadcastTo({ ...x, data }, shape)));
}

function filled(x: Dual, count: number): Dual {
  return over(x, (data) => (data.length === count ? data : new Float64Array(count).fill(data[0] as number)));
}

/** A function at a point of the field, and how its values change with its parameters. */
export class Tangents {
  readonly evaluator: Evaluator;
  private readonly algebra: DualAlgebra;
  /** Whether literals were computed with: what becomes of them in float64 is no residue of a product or a power. */
  private hasComputedNumbers = false;
  /** Whether something has no elements: over a field a sum of nothing is anything. */
  private hasNothing = false;

  constructor(point: Point) {
    this.evaluator = new Evaluator(point);
    const { algebra } = this.evaluator;
    const round = algebra.round.bind(algebra);
    algebra.round = (kind, name, x) => (kind !== "whole" ? x : round(kind, name, x));
    this.algebra = new DualAlgebra(point.pair, point.seed);
  }

  /** All values of a function, with what eps is multiplied with where its parameters have that. */
  run(fn: Fn, consts: readonly Const[], directions: ReadonlyMap<Value, Float64Array>): ReadonlyMap<Value, DualTensor> {
    const values = this.evaluator.run(fn, consts);
    const result = new Map<Value, DualTensor>();
    for (const param of fn.params)
      result.set(param, { ...(values.get(param) as FieldTensor), d: directions.get(param) });
    for (const op of fn.ops) {
      const operands = op.operands.map((operand) => operand && (result.get(operand) as DualTensor));
      const known = op.results.map((value) => values.get(value) as FieldTensor);
      this.hasNothing ||= known.some(({ p }) => p.length === 0);
      this.hasComputedNumbers ||= !isLeaf(op) && known.some(({ number }) => number !== undefined);
      const isMoving =
        op.name !== "stop_gradient" &&
        known.every(({ p }) => p.length > 0) &&
        operands.some((operand) => operand?.d !== undefined);
      const changes = isMoving ? this.op(op, operands, known) : [];
      for (const [i, value] of op.results.entries()) {
        const d =
          isFloat(value.element) && changes[i] ? filled(changes[i], (known[i] as FieldTensor).p.length).d : undefined;
        result.set(value, { ...(known[i] as FieldTensor), d });
      }
    }
    return result;
  }

  private op(op: Op, operands: readonly (DualTensor | undefined)[], known: readonly FieldTensor[]): readonly Dual[] {
    const def: OpDef = ops[op.name];
    const { attributes } = op;
    const [x] = operands as [DualTensor];
    const shape = (known[0] as FieldTensor).shape;
    switch (def.kind) {
      case "elementwise": {
        const { element } = operands.at(-1) as DualTensor;
        const given = (operands as DualTensor[]).map((operand) => broadcast(operand, shape));
        const { number = 0, p } = x;
        const [, exponent] = operands;
        if (exponent?.number !== undefined) {
          this.algebra.lessOne.set(exponent.p[0] as number, this.algebra.number(exponent.number - 1));
        }
        if (number > 0) this.algebra.logarithms.set(p[0] as number, this.algebra.number(Math.log(number)));
        return [def.exact(this.algebra, given as Operands<Elements>, { element, attributes })];
      }
      case "reduction":
        return this.reduced(def, x, attributes.axes as number[], attributes);
      case "norm":
        return [this.norm(op, operands)];
      case "shape":
        return [over(x, (data) => def.evaluate({ ...x, data }, shape, attributes))];
      case "linear":
        return [def.exact === "bilinear" ? this.product(op, operands) : this.moved(op, operands)];
      case "index":
        return [this.moved(op, operands)];
      default:
        return [];
    }
  }

  private reduced(def: ReductionDef, x: DualTensor, axes: readonly number[], attributes: Op["attributes"]) {
    const order = rowOrder(x.shape, axes);
    const rows = over(x, (data) => gather(data, order.shape, order.strides));
    return order.width === 0 ? [] : def.exact(this.algebra, rows, order.width, { correction: 0, ...attributes });
  }

  /** By the definition in primitive ops, then gamma and beta. */
  private norm(op: Op, [x, gamma, beta]: readonly (DualTensor | undefined)[]): Dual {
    const def = ops[op.name];
    if (def.kind !== "norm" || x === undefined) throw new Error("no norm");
    const { view, axes, affineView } = def.view(x.shape, op.attributes);
    const values = new Map<unknown, DualTensor>();
    const bind = (tensor: DualTensor): Value => {
      const value = { element: tensor.element, shape: tensor.shape };
      values.set(value, tensor);
      return value as never;
    };
    const emitter: Emitter = {
      emit: (name, given, attributes = {}) => {
        const tensors = given.map((value) => values.get(value) as DualTensor);
        const row: OpDef = ops[name];
        const { element } = tensors[0] as DualTensor;
        if (row.kind === "elementwise") {
          const shape = broadcastShapes(...tensors.map((tensor) => tensor.shape)) as number[];
          const operands = tensors.map((tensor) => broadcast(tensor, shape)) as Operands<Elements>;
          return bind({
            element,
            shape,
            ...filled(row.exact(this.algebra, operands, { element, attributes }), elementCount(shape)),
          });
        }
        const [tensor] = tensors as [DualTensor];
        const over = attributes.axes as number[];
        const shape = reducedShape(tensor.shape, over, true) as number[];
        return bind({ element, shape, ...(this.reduced(row as ReductionDef, tensor, over, attributes)[0] as Dual) });
      },
      constant: (element, number) => bind({ element, shape: [], ...this.algebra.number(number) }),
    };
    const eps = "eps" in def.attributes ? (op.attributes.eps as number) : 0;
    const rows = bind({ ...x, shape: view as number[] });
    const made = values.get(def.define(emitter, rows, axes, eps === 0 ? undefined : emitter.constant(x.element, eps)));
    const affine = (tensor: DualTensor) => broadcast({ ...tensor, shape: affineView as number[] }, view as number[]);
    const scaled = gamma === undefined ? (made as Dual) : this.algebra.mul(made as Dual, affine(gamma));
    return beta === undefined ? scaled : this.algebra.add(scaled, affine(beta));
  }

  /** Elements that are moved: where no operand changes, 0 is moved. */
  private moved(op: Op, operands: readonly (DualTensor | undefined)[]): Dual {
    const isIndex = (i: number) => ops[op.name].operands[i]?.element === "index";
    const changes = operands.map((operand, i) => {
      if (operand === undefined || isIndex(i)) return operand;
      const p = operand.d ?? new Float64Array(operand.p.length);
      return { element: operand.element, shape: operand.shape, p, q: undefined };
    });
    // The padding does not change.
    const attributes = "value" in op.attributes ? { ...op.attributes, value: 0 } : op.attributes;
    const linear = makeOp(op.name, op.operands, attributes, { places: { op: op.span } });
    return { ...(operands[0] as DualTensor), d: (this.evaluator.op(linear, changes)[0] as FieldTensor).p };
  }

  /** B(a, b) + c is linear in each: B(a', b) + B(a, b') + c'. */
  private product(op: Op, [a, b, c]: readonly (DualTensor | undefined)[]): Dual {
    const zero = (x: DualTensor): FieldTensor => ({ ...bare(x), p: new Float64Array(x.p.length) });
    const bare = ({ element, shape, p }: DualTensor): FieldTensor => ({ element, shape, p, q: undefined });
    const change = (x: DualTensor): FieldTensor => ({ ...bare(x), p: x.d as Float64Array });
    const of = (left: FieldTensor, right: FieldTensor, added?: FieldTensor) =>
      this.evaluator.op(op, [left, right, added].slice(0, op.operands.length))[0] as FieldTensor;
    const [left, right] = [a, b] as [DualTensor, DualTensor];
    const terms = [
      ...(left.d === undefined ? [] : [of(change(left), bare(right))]),
      ...(right.d === undefined ? [] : [of(bare(left), change(right))]),
      ...(c?.d === undefined ? [] : [of(zero(left), bare(right), change(c))]),
    ];
    const sum = terms.reduce<Elements>((x, y) => this.evaluator.algebra.add(x, y), this.evaluator.algebra.integer(0));
    return { p: left.p, q: undefined, d: sum.p };
  }

  /** Whether all roots were those of squares, so that r^2 = 1 / u for r = 1 / sqrt(u). */
  get hasAllRoots(): boolean {
    return !this.algebra.tookNoRoot;
  }

  /** Whether the field has the laws that the function's derivative takes, and the function has one there. */
  get isDecided(): boolean {
    const { hashedExponentials, tookTie } = this.algebra;
    // Where exp is uninterpreted, exp(-x) is not 1 / exp(x).
    return hashedExponentials === 0 && !tookTie && !this.hasComputedNumbers && !this.hasNothing;
  }

  /** The sum of products, mod p. */
  inner(a: Float64Array, b: Float64Array): number {
    const { p } = this.evaluator.point.pair;
    return a.reduce((sum, value, i) => p.add(sum, p.mul(value, b[i] as number)), 0);
  }
}

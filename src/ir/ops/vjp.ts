/**
 * How gradients are propagated backward through ops: the column `vjp` of the op table.
 *
 * - cotangent: the derivative of the loss by a value; it has the value's shape. `dy` is the cotangent of a result.
 * - pullback: maps the cotangent of a result to that of an operand, by the transpose of the op's Jacobian. It consists of
 *   primitive ops, so that passes and kernels need not know about gradients, and it can be differentiated again.
 *
 * A rule is a formula, as in tinygrad's `gradient.py`; a missing rule is a type error.
 */

import type { Attributes, OpName, Value } from "../ir.ts";
import { type Dim, isComputedFloat, reducedShape, type Shape, sameShape } from "../types.ts";
import type { Emitter } from "./emitter.ts";

/** A value, or a number whose type follows from the values beside it. */
export type Term = Value | number;

/** An op with the cotangents of its results, and the functions of formulas. */
export interface Adjoint {
  readonly operands: readonly (Value | undefined)[];
  readonly results: readonly Value[];
  readonly attributes: Attributes;
  /** The cotangents of the results, at least one of which is defined. */
  readonly cotangents: readonly (Value | undefined)[];
  readonly terms: Terms;
}

/** The contribution to an operand's cotangent, in the operand's shape or in one that the operand was broadcast to. */
export type Pullback = (at: Adjoint) => Value;

/** The context for an op with one operand and one result. */
export const ofOne =
  (back: (t: Terms, x: Value, dy: Value, at: Adjoint) => Value): Pullback =>
  (at) =>
    back(at.terms, at.operands[0] as Value, at.cotangents[0] as Value, at);

/** The context for an op with at least two operands and one result. */
export const ofPair =
  (back: (t: Terms, a: Value, b: Value, dy: Value, at: Adjoint) => Value): Pullback =>
  (at) => {
    const [a, b] = at.operands as readonly [Value, Value];
    return back(at.terms, a, b, at.cotangents[0] as Value, at);
  };

/**
 * A pullback for each operand; `null` for one that gets no gradient because small changes of it do not change the result:
 * a condition, a row index. Or the reason why the op has no derivative: a clause.
 */
export type Vjp = { readonly by: readonly (Pullback | null)[] } | { readonly none: string };

/** Elementwise ops without required attributes. */
type OpTerms = { readonly [Name in Exclude<OpName, keyof TermBuilder>]: (...operands: Term[]) => Value };

/** Ops as functions of values and numbers, for formulas. */
export type Terms = OpTerms & TermBuilder;

/** The functions of formulas, which build ops. */
export function termsOf(builder: Emitter): Terms {
  const terms = new TermBuilder(builder);
  const call = (name: string) =>
    name in terms ? Reflect.get(terms, name) : (...operands: Term[]) => terms.op(name as OpName, operands);
  return new Proxy(terms, { get: (_, name) => call(String(name)) }) as Terms;
}

/** Those that are not elementwise ops. */
class TermBuilder {
  private readonly builder: Emitter;

  constructor(builder: Emitter) {
    this.builder = builder;
  }

  /** The result of an op. Numbers become constants of the type of the other operands. */
  op(name: OpName, operands: readonly (Term | undefined)[], attributes: Attributes = {}, valueName?: string): Value {
    const values = operands.filter((one): one is Value => one !== undefined && typeof one !== "number");
    const like = values.find(({ element }) => isComputedFloat(element)) ?? values[0];
    const element = like?.element ?? "f32";
    const given = operands.map((one) => (typeof one === "number" ? this.builder.constant(element, one) : one));
    return this.builder.emit(name, given, attributes, valueName);
  }

  /** A number in the type of `like`. */
  number(value: number, like: Value): Value {
    return this.builder.constant(like.element, value);
  }

  reshape(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.op("reshape", [x], { shape });
  }

  /** Broadcast to `shape` by NumPy's rules. */
  repeat(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.op("broadcast", [x], { shape });
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return this.op("transpose", [x], { perm });
  }

  /** Reduces `axes`, which are kept with extent 1. */
  sum(x: Value, axes: readonly number[]): Value {
    return axes.length === 0 ? x : this.op("sum", [x], { axes, keepdims: true });
  }

  /** Reduces `axes`, which are kept with extent 1. */
  mean(x: Value, axes: readonly number[]): Value {
    return this.op("mean", [x], { axes, keepdims: true });
  }

  center(x: Value, axes: readonly number[]): Value {
    return this.op("center", [x], { axes });
  }

  /** The result of a reduction of a tensor of this shape, with the reduced axes restored. */
  kept(result: Value, shape: Shape, axes: readonly number[]): Value {
    return this.reshape(result, reducedShape(shape, axes, true));
  }

  /** The transpose of a broadcast: sums `x` to `shape`, which broadcasts to that of `x`. */
  summedTo(x: Value, shape: Shape): Value {
    if (sameShape(x.shape, shape)) return x;
    const missing = x.shape.length - shape.length;
    const leading = x.shape.slice(0, missing).map((_, i) => i - x.shape.length);
    const repeated = shape.flatMap((dim, i) => (dim === x.shape[i + missing] ? [] : [i - shape.length]));
    if (repeated.length > 0) return this.reshape(this.sum(x, [...leading, ...repeated]), shape);
    return this.op("sum", [x], { axes: leading });
  }

  /**
   * The number of elements along the axes of a shape, in the type of `like`. If extents are symbolic, it is a sum
   * of ones, which is exact in a kernel up to 2^24.
   */
  count(shape: Shape, axes: readonly number[], like: Value): Term {
    const extents = axes.map((axis) => shape.at(axis) as Dim);
    const product = extents.reduce<number>((all, dim) => (typeof dim === "number" ? all * dim : all), 1);
    if (extents.every((dim) => typeof dim === "number")) return product;
    const counted = shape.map((dim, i) => (axes.includes(i - shape.length) ? dim : 1));
    return this.sum(this.op("broadcast", [this.number(1, like)], { shape: counted }), axes);
  }
}

/**
 * How gradients go back through ops: the column `vjp` of the op table.
 *
 * - cotangent: the derivative of what is minimized by a value; it has the value's shape. `dy` is that of a result.
 * - pullback: what a cotangent of a result becomes at an operand, the transpose of the op's Jacobian times `dy`. In
 *   primitive ops, so that passes and kernels need to know nothing of gradients, and it can be differentiated again.
 *
 * A rule is a formula, as tinygrad's `gradient.py` has them; a key that is missing does not compile.
 */

import type { Attributes, OpName, Value } from "../ir.ts";
import { type Dim, isFloat, reducedShape, type Shape, sameShape } from "../types.ts";
import type { Emitter } from "./emitter.ts";

/** A value, or a number of its type. */
export type Term = Value | number;

/** An op whose results have cotangents, and what its derivative is written with. */
export interface Adjoint {
  readonly operands: readonly (Value | undefined)[];
  readonly results: readonly Value[];
  readonly attributes: Attributes;
  /** Cotangents of the results; at least one is there. */
  readonly cotangents: readonly (Value | undefined)[];
  readonly terms: Terms;
}

/** The contribution to an operand's cotangent, in the shape of the operand or one that the operand was broadcast to. */
export type Pullback = (at: Adjoint) => Value;

/** Of an op with one operand and one result. */
export const ofOne =
  (back: (t: Terms, x: Value, dy: Value, at: Adjoint) => Value): Pullback =>
  (at) =>
    back(at.terms, at.operands[0] as Value, at.cotangents[0] as Value, at);

/** Of an op whose first two operands are there, and with one result. */
export const ofPair =
  (back: (t: Terms, a: Value, b: Value, dy: Value, at: Adjoint) => Value): Pullback =>
  (at) => {
    const [a, b] = at.operands as readonly [Value, Value];
    return back(at.terms, a, b, at.cotangents[0] as Value, at);
  };

/**
 * A pullback for each operand; `null` for one through which no gradient goes because small changes of it change nothing:
 * a condition, a row number. Or why the op has no derivative: a clause.
 */
export type Vjp = { readonly by: readonly (Pullback | null)[] } | { readonly none: string };

/** Ops whose operands say all, or whose attributes have defaults. */
type OpTerms = { readonly [Name in Exclude<OpName, keyof TermBuilder>]: (...operands: Term[]) => Value };

/** Ops as functions of values and numbers: what formulas are written with. */
export type Terms = OpTerms & TermBuilder;

/** The terms of a function that is being built. */
export function termsOf(builder: Emitter): Terms {
  const terms = new TermBuilder(builder);
  const call = (name: string) =>
    name in terms ? Reflect.get(terms, name) : (...operands: Term[]) => terms.op(name as OpName, operands);
  return new Proxy(terms, { get: (_, name) => call(String(name)) }) as Terms;
}

/** The terms that are no elementwise ops. */
class TermBuilder {
  private readonly builder: Emitter;

  constructor(builder: Emitter) {
    this.builder = builder;
  }

  /** The result of an op; numbers become constants of the type of the values beside them. */
  op(name: OpName, operands: readonly (Term | undefined)[], attributes: Attributes = {}, valueName?: string): Value {
    const values = operands.filter((one): one is Value => one !== undefined && typeof one !== "number");
    const like = values.find(({ element }) => isFloat(element)) ?? values[0];
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

  /** Repeated to `shape` by NumPy's rules. */
  repeat(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.op("broadcast", [x], { shape });
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return this.op("transpose", [x], { perm });
  }

  /** Over `axes`, which are kept with extent 1. */
  sum(x: Value, axes: readonly number[]): Value {
    return axes.length === 0 ? x : this.op("sum", [x], { axes, keepdims: true });
  }

  /** Over `axes`, which are kept with extent 1. */
  mean(x: Value, axes: readonly number[]): Value {
    return this.op("mean", [x], { axes, keepdims: true });
  }

  center(x: Value, axes: readonly number[]): Value {
    return this.op("center", [x], { axes });
  }

  /** What a reduction of a tensor of this shape made, with the axes that it folded, if it did not keep them. */
  kept(result: Value, shape: Shape, axes: readonly number[]): Value {
    return this.reshape(result, reducedShape(shape, axes, true));
  }

  /** The transpose of a broadcast: `x` summed to `shape`, which broadcasts to that of `x`. */
  summedTo(x: Value, shape: Shape): Value {
    if (sameShape(x.shape, shape)) return x;
    const missing = x.shape.length - shape.length;
    const leading = x.shape.slice(0, missing).map((_, i) => i - x.shape.length);
    const repeated = shape.flatMap((dim, i) => (dim === x.shape[i + missing] ? [] : [i - shape.length]));
    if (repeated.length > 0) return this.reshape(this.sum(x, [...leading, ...repeated]), shape);
    return this.op("sum", [x], { axes: leading });
  }

  /**
   * How many elements the axes of a shape have, as a number of the type of `like`. Where extents have names it is a sum
   * of ones, which a kernel counts exactly up to 2^24.
   */
  count(shape: Shape, axes: readonly number[], like: Value): Term {
    const extents = axes.map((axis) => shape.at(axis) as Dim);
    const product = extents.reduce<number>((all, dim) => (typeof dim === "number" ? all * dim : all), 1);
    if (extents.every((dim) => typeof dim === "number")) return product;
    const counted = shape.map((dim, i) => (axes.includes(i - shape.length) ? dim : 1));
    return this.sum(this.op("broadcast", [this.number(1, like)], { shape: counted }), axes);
  }
}

/**
 * Evaluates a program with another tensor library, op by op, as its users would write it. Ops that the library has are
 * used directly; the others are composed of ops that every library has.
 */

import type { Attributes, Fn, Op, Value } from "../ir/ir.ts";
import { ops } from "../ir/ops/index.ts";
import { sqrtTwoOverPi } from "../ir/ops/math.ts";
import type { ElementType } from "../ir/types.ts";

/** Binary ops, by the names of the language. */
type Binary = "add" | "sub" | "mul" | "div" | "pow" | "minimum" | "maximum" | "lt" | "le" | "gt" | "ge" | "eq";
/** Unary ops that every library has. */
type Unary =
  | "neg"
  | "abs"
  | "sqrt"
  | "exp"
  | "log"
  | "tanh"
  | "erf"
  | "sigmoid"
  | "floor"
  | "ceil"
  | "round"
  | "sin"
  | "cos";
type Reduction = "sum" | "mean" | "max" | "min" | "prod";

/** The library's functions for elementwise ops. */
export type Functions<T> = Readonly<Record<Unary, (x: T) => T>> & Readonly<Record<Binary, (a: T, b: T) => T>>;

/** A library whose tensors are of type `T`. Shapes are lists of numbers; axes count from the end. */
export interface Library<T> {
  readonly functions: Functions<T>;
  where(condition: T, yes: T, no: T): T;
  /** A scalar. */
  number(value: number): T;
  reduce(kind: Reduction, x: T, axes: readonly number[], keepdims: boolean, rank: number): T;
  reshape(x: T, shape: readonly number[]): T;
  transpose(x: T, perm: readonly number[]): T;
  broadcast(x: T, shape: readonly number[]): T;
  cast(x: T, element: ElementType): T;
  /** Norms over the last axis, and activations, that the library has as a single op. */
  readonly own: Readonly<
    Record<string, ((operands: readonly (T | undefined)[], attributes: Attributes) => T) | undefined>
  >;
}

/** Thrown if a library cannot express a program. Its message is a clause. */
export class NotInLibrary extends Error {}

/**
 * The results, by name, of a function whose extents are all constant.
 * @param inputs its parameters, and the constants that it reads, by name.
 * @throws NotInLibrary
 */
export function evaluateWith<T>(fn: Fn, library: Library<T>, inputs: Readonly<Record<string, T>>): Record<string, T> {
  const values = new Map<Value, T>();
  for (const param of fn.params) values.set(param, inputs[param.name as string] as T);
  const evaluation = new Evaluation(library, values, inputs);
  for (const op of fn.ops) for (const result of op.results) values.set(result, evaluation.op(op));
  return Object.fromEntries(fn.results.map(({ name, value }) => [name, values.get(value) as T]));
}

class Evaluation<T> {
  private readonly library: Library<T>;
  private readonly values: ReadonlyMap<Value, T>;
  private readonly constants: Readonly<Record<string, T>>;

  constructor(library: Library<T>, values: ReadonlyMap<Value, T>, constants: Readonly<Record<string, T>>) {
    this.library = library;
    this.values = values;
    this.constants = constants;
  }

  op(op: Op): T {
    const { library } = this;
    const operands = op.operands.map((operand) => (operand === undefined ? undefined : this.values.get(operand)));
    const [x, y, z] = operands as [T, T, T];
    const { attributes } = op;
    if (op.results.length !== 1) throw new NotInLibrary(`it has no op of several results, such as \`${op.name}\``);
    const axes = attributes.axes as readonly number[] | undefined;
    const isLast = axes === undefined || (axes.length === 1 && axes[0] === -1);
    const own = isLast ? library.own[op.name] : undefined;
    if (own !== undefined) return own(operands, attributes);
    const functions: Readonly<Record<string, ((...operands: T[]) => T) | undefined>> = library.functions;
    const plain = functions[op.name];
    if (plain !== undefined) return op.operands.length === 1 ? plain(x) : plain(x, y);
    const rank = op.operands[0]?.shape.length ?? 0;
    switch (op.name) {
      case "global":
        return this.constants[attributes.name as string] as T;
      case "constant":
        return library.number(attributes.value as number);
      case "where":
        return library.where(x, y, z);
      case "reshape":
        return library.reshape(x, op.result.shape as number[]);
      case "broadcast":
        return library.broadcast(x, op.result.shape as number[]);
      case "transpose":
        return library.transpose(x, attributes.perm as number[]);
      case "cast":
        return library.cast(x, op.result.element);
      case "sum":
      case "mean":
      case "max":
      case "min":
      case "prod":
        return library.reduce(op.name, x, axes ?? [], attributes.keepdims as boolean, rank);
      default:
        return this.derived(op, operands, rank);
    }
  }

  /** Ops composed of other ops. */
  private derived(op: Op, operands: readonly (T | undefined)[], rank: number): T {
    const { add, sub, mul, div, maximum, minimum, sqrt, exp, log, erf, tanh, sigmoid } = this.library.functions;
    const { attributes } = op;
    const [x, y, z] = operands as [T, T, T];
    const n = (value: number) => this.library.number(value);
    const axes = (attributes.axes as readonly number[] | undefined) ?? [-1];
    const reduce = (kind: Reduction, value: T) => this.library.reduce(kind, value, axes, true, rank);
    const affine = (normal: T, gamma: T | undefined, beta: T | undefined) => {
      const scaled = gamma === undefined ? normal : mul(normal, gamma);
      return beta === undefined ? scaled : add(scaled, beta);
    };
    const eps = () => n(attributes.eps as number);
    const centered = () => sub(x, reduce("mean", x));
    switch (op.name) {
      case "rsqrt":
        return div(n(1), sqrt(x));
      case "reciprocal":
        return div(n(1), x);
      case "relu":
        return maximum(x, n(0));
      case "silu":
        return mul(x, sigmoid(x));
      case "softplus":
        return log(add(exp(x), n(1)));
      case "gelu": {
        if (attributes.approximate === "none") return mul(mul(x, n(0.5)), add(erf(mul(x, n(Math.SQRT1_2))), n(1)));
        const inner = mul(n(sqrtTwoOverPi), add(x, mul(n(0.044715), mul(x, mul(x, x)))));
        return mul(mul(x, n(0.5)), add(tanh(inner), n(1)));
      }
      case "clamp":
        return minimum(maximum(x, y), z);
      case "fma":
        return add(mul(x, y), z);
      case "center":
        return centered();
      case "layernorm": {
        const d = centered();
        return affine(div(d, sqrt(add(reduce("mean", mul(d, d)), eps()))), y, z);
      }
      case "rmsnorm":
        return affine(div(x, sqrt(add(reduce("mean", mul(x, x)), eps()))), y, undefined);
      case "l2norm":
        return div(x, sqrt(add(reduce("sum", mul(x, x)), eps())));
      case "softmax": {
        const e = exp(sub(x, reduce("max", x)));
        return div(e, reduce("sum", e));
      }
      case "log_softmax": {
        const d = sub(x, reduce("max", x));
        return sub(d, log(reduce("sum", exp(d))));
      }
      default:
        throw new NotInLibrary(`it has no equivalent of \`${op.name}\`, ${ops[op.name].summary.replace(/\.$/, "")}`);
    }
  }
}

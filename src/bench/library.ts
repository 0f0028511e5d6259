/**
 * Evaluates a program with another tensor library, op by op, as its users would write it. Ops that the library has are
 * used directly; the others are composed of ops that every library has.
 */

import type { Attributes, Fn, Op, Value } from "../ir/ir.ts";
import { type OpName, ops } from "../ir/ops/index.ts";
import { sqrtTwoOverPi } from "../ir/ops/math.ts";
import type { ElementType } from "../ir/types.ts";

/** Binary ops, by the names of the language. */
type Binary = "add" | "sub" | "mul" | "div" | "pow" | "minimum" | "maximum" | "lt" | "le" | "gt" | "ge" | "eq";
/** Unary ops that every library has. */
type Unary = "neg" | "abs" | "sqrt" | "exp" | "log" | "tanh" | "erf" | "sigmoid" | Rounding | "sin" | "cos";
type Rounding = "floor" | "ceil" | "round";
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
  for (const op of fn.ops) {
    if (op.results.length !== 1) throw new NotInLibrary(`it has no op of several results, such as \`${op.name}\``);
    const operands = op.operands.map((operand) => operand && values.get(operand));
    values.set(op.result, evaluateOp(op, operands, library, inputs));
  }
  return Object.fromEntries(fn.results.map(({ name, value }) => [name, values.get(value) as T]));
}

type Rules<T> = Readonly<Partial<Record<OpName, () => T>>>;

function evaluateOp<T>(
  op: Op,
  operands: readonly (T | undefined)[],
  library: Library<T>,
  constants: Readonly<Record<string, T>>,
): T {
  const { name, attributes, result } = op;
  const [x, y, z] = operands as [T, T, T];
  const axes = attributes.axes as readonly number[] | undefined;
  const isLast = axes === undefined || (axes.length === 1 && axes[0] === -1);
  const own = isLast ? library.own[name] : undefined;
  if (own !== undefined) return own(operands, attributes);
  const functions: Readonly<Record<string, ((...operands: T[]) => T) | undefined>> = library.functions;
  const plain = functions[name];
  if (plain !== undefined) return operands.length === 1 ? plain(x) : plain(x, y);
  const reduced = (kind: Reduction) => () =>
    library.reduce(kind, x, axes ?? [], attributes.keepdims as boolean, op.operands[0]?.shape.length ?? 0);
  const direct: Rules<T> = {
    global: () => constants[attributes.name as string] as T,
    constant: () => library.number(attributes.value as number),
    where: () => library.where(x, y, z),
    reshape: () => library.reshape(x, result.shape as number[]),
    broadcast: () => library.broadcast(x, result.shape as number[]),
    transpose: () => library.transpose(x, attributes.perm as number[]),
    cast: () => library.cast(x, result.element),
    ...{ sum: reduced("sum"), mean: reduced("mean"), max: reduced("max"), min: reduced("min"), prod: reduced("prod") },
  };
  const rule = direct[name] ?? composedRules(op, operands, library)[name];
  if (rule !== undefined) return rule();
  throw new NotInLibrary(`it has no equivalent of \`${name}\`, ${ops[name].summary.replace(/\.$/, "")}`);
}

/** Ops composed of other ops. */
function composedRules<T>(
  { attributes, operands: [operand] }: Op,
  operands: readonly (T | undefined)[],
  library: Library<T>,
): Rules<T> {
  const { add, sub, mul, div, maximum, minimum, sqrt, exp, log, erf, tanh, sigmoid } = library.functions;
  const [x, y, z] = operands as [T, T, T];
  const n = (value: number) => library.number(value);
  const axes = (attributes.axes as readonly number[] | undefined) ?? [-1];
  const reduce = (kind: Reduction, value: T) => library.reduce(kind, value, axes, true, operand?.shape.length ?? 0);
  const affine = (normal: T, gamma: T | undefined, beta: T | undefined) => {
    const scaled = gamma === undefined ? normal : mul(normal, gamma);
    return beta === undefined ? scaled : add(scaled, beta);
  };
  const square = (value: T) => mul(value, value);
  const root = (value: T) => sqrt(add(value, n(attributes.eps as number)));
  const centered = () => sub(x, reduce("mean", x));
  const belowLargest = () => sub(x, reduce("max", x));
  return {
    rsqrt: () => div(n(1), sqrt(x)),
    reciprocal: () => div(n(1), x),
    relu: () => maximum(x, n(0)),
    silu: () => mul(x, sigmoid(x)),
    softplus: () => log(add(exp(x), n(1))),
    gelu: () => {
      const inner = () => mul(n(sqrtTwoOverPi), add(x, mul(n(0.044715), mul(x, square(x)))));
      const odd = attributes.approximate === "none" ? erf(mul(x, n(Math.SQRT1_2))) : tanh(inner());
      return mul(mul(x, n(0.5)), add(odd, n(1)));
    },
    clamp: () => minimum(maximum(x, y), z),
    fma: () => add(mul(x, y), z),
    center: centered,
    layernorm: () => {
      const d = centered();
      return affine(div(d, root(reduce("mean", square(d)))), y, z);
    },
    rmsnorm: () => affine(div(x, root(reduce("mean", square(x)))), y, undefined),
    l2norm: () => div(x, root(reduce("sum", square(x)))),
    softmax: () => {
      const e = exp(belowLargest());
      return div(e, reduce("sum", e));
    },
    log_softmax: () => {
      const d = belowLargest();
      return sub(d, log(reduce("sum", exp(d))));
    },
  };
}

/**
 * The basis of patterns: looking through ops that change no number, and products in any notation.
 *
 * - read: a value as an op reads it. It may be wrapped in reshapes that only add or drop extents of 1, broadcasts, and
 *   casts from f16 to f32; none of these changes a number.
 * - lay: the shape in which the underlying value is aligned with the other operand; it tells whether a row
 * statistic is combined with its own row again.
 * - product: a value as constant * factor^exponent * ..., whether it is written with `*`, `/`, `-`, `reciprocal`,
 *   `sqrt`, `rsqrt` or `pow`.
 * - pattern: yields the ways in which a read matches it, each as bindings of its names to values.
 *
 * Matching never looks through narrowing casts: they round, and may overflow.
 */

import { formulaTolerance } from "../src/ir/field/literal.ts";
import { constantValue, type Op, type Uses, type Value } from "../src/ir/ir.ts";
import { type OpName, ops } from "../src/ir/ops/index.ts";
import { type Dim, isNarrow, reducedShape, type Shape, sameShape } from "../src/ir/types.ts";

/** `shape` with as many leading 1s as give it this rank. */
export function padded(shape: Shape, rank: number): Shape {
  return [...new Array<Dim>(Math.max(0, rank - shape.length)).fill(1), ...shape];
}

const withoutOnes = (shape: Shape): Shape => shape.filter((dim) => dim !== 1);

/** A value as an op reads it. */
export interface Read {
  readonly value: Value;
  /** Determined by the outermost reshape around the value; without one, the value's own shape. */
  readonly lay: Shape | undefined;
}

/** A read of the value itself. */
export const readOf = (value: Value): Read => ({ value, lay: undefined });
export const layOf = (read: Read): Shape => read.lay ?? read.value.shape;

const isWidening = (op: Op) => op.name === "cast" && isNarrow(op.operand(0).element) && op.result.element === "f32";

/** The value under casts from narrower floats to f32. */
function unwidened(value: Value): Value {
  let at = value;
  while (at.def !== undefined && isWidening(at.def)) at = at.def.operand(0);
  return at;
}

/** The same numbers, in f16 or f32. */
export const sameNumbers = (a: Value, b: Value) => unwidened(a) === unwidened(b);

/** The number of reshapes, broadcasts and casts that are looked through. */
const mostLayers = 16;

/** The value under everything that changes no number. */
export function peel(read: Read): Read {
  let { value, lay } = read;
  for (let layer = 0; layer < mostLayers; layer++) {
    const op = value.def;
    if (op === undefined || op.operands.length !== 1) break;
    const addsOnes = () => sameShape(withoutOnes(value.shape), withoutOnes(op.operand(0).shape));
    if (op.name === "reshape" && addsOnes()) lay ??= value.shape;
    else if (!isWidening(op) && !(op.name === "broadcast" && (lay === undefined || addsOnes()))) break;
    value = op.operand(0);
  }
  return { value, lay };
}

/** Whether a statistic of rows of `shape` over `axes` in this layout is combined with its own row. */
export function meetsItsRow(lay: Shape, shape: Shape, axes: readonly number[]): boolean {
  return lay.length <= shape.length && sameShape(padded(lay, shape.length), reducedShape(shape, axes, true));
}

/** The maximal nesting of ops that compute a number. */
const deepestNumber = 4;

/** The number that all elements of a value equal, if there is one. */
export function numberOf(value: Value, depth = deepestNumber): number | undefined {
  const at = peel(readOf(value)).value;
  const op = at.def;
  if (op === undefined || op.name === "constant") return constantValue(at);
  const def = ops[op.name];
  if (depth === 0 || def.kind !== "elementwise" || op.result.element !== "f32") return undefined;
  const numbers: number[] = [];
  for (const operand of op.operands) {
    const number = operand && numberOf(operand, depth - 1);
    if (number === undefined) return undefined;
    numbers.push(number);
  }
  const [a, b, c] = numbers as [number, number, number];
  return def.scalar(a, b, c, { element: op.operand(0).element, attributes: op.attributes });
}

/** Relative difference up to which two numbers are the same f32. */
export const floatTolerance = 2 ** -24;

export function near(a: number, b: number, tolerance: number): boolean {
  return a === b || Math.abs(a - b) <= tolerance * Math.abs(b);
}

/** A factor of a product: a read to the power of `exponent`. */
export interface Factor {
  readonly read: Read;
  readonly exponent: number;
}

/** A value as a number times powers of others. */
export interface Product {
  readonly constant: number;
  readonly factors: readonly Factor[];
}

/** Bounds the work for one product, so that a traversal of a long chain stays linear. */
const mostNodes = 32;

/**
 * (a^power)^exponent as a^(power * exponent), of the first operand; not where that is an integer power and `power` is not:
 * sqrt(a)^2 is NaN below zero, and a is not.
 */
function powered(exponent: number, power: number | undefined) {
  if (power === undefined || !Number.isInteger(exponent)) return undefined;
  const isLost = Number.isInteger(power * exponent) && !Number.isInteger(power);
  return isLost ? undefined : { exponents: [exponent * power, 0], constant: 1 };
}

/** Whether a^m * a^n is a^(m + n) everywhere: sqrt(a) * sqrt(a) is NaN below zero, a / a at zero. */
function areOne(m: number, n: number): boolean {
  const isWhole = [m, n, m + n].map(Number.isInteger);
  return Math.sign(m) === Math.sign(n) && (isWhole[2] !== true || (isWhole[0] === true && isWhole[1] === true));
}

/** A power of an op's result as a product of powers of its operands. */
interface Powers {
  /** The exponent of each operand. */
  readonly exponents: readonly number[];
  readonly constant: number;
  /** Whether the op is a product of its operands, or of an operand and a number. */
  readonly isProduct?: true;
}

/** How an op expresses a power of its operands. */
function powers(op: Op, exponent: number): Powers | undefined {
  const whole = Number.isInteger(exponent);
  switch (op.name) {
    case "mul":
      return whole ? { exponents: [exponent, exponent], constant: 1, isProduct: true } : undefined;
    case "div":
      return whole || (numberOf(op.operand(0)) ?? 0) > 0
        ? { exponents: [exponent, -exponent], constant: 1, isProduct: true }
        : undefined;
    case "neg":
      return whole ? { exponents: [exponent], constant: (-1) ** exponent, isProduct: true } : undefined;
    case "reciprocal":
      return { exponents: [-exponent], constant: 1 };
    case "sqrt":
      return powered(exponent, 1 / 2);
    case "rsqrt":
      return powered(exponent, -1 / 2);
    case "pow":
      return powered(exponent, numberOf(op.operand(1)));
    default:
      return undefined;
  }
}

/** Which nested products are treated as single factors. */
export interface Kept {
  /** Products with several uses: a value with several uses is more often an operand of the pattern than a step of it. */
  readonly used?: (value: Value) => Uses;
  /** Whether this includes products that only scale a value by a number. */
  readonly scaled?: boolean;
}

/** Memoized factorizations of values. */
export class Products {
  private readonly kept: Kept;
  /** Relative difference up to which a literal matches the constant of a formula. */
  readonly tolerance: number;
  private readonly known = new Map<Value, Product>();

  constructor(kept: Kept = {}, tolerance = formulaTolerance) {
    this.kept = kept;
    this.tolerance = tolerance;
  }

  /** The read as a product; with itself as the only factor, if it is not a product. */
  of(read: Read): Product {
    if (read.lay !== undefined) return this.taken(read);
    let product = this.known.get(read.value);
    if (product === undefined) {
      product = this.taken(read);
      this.known.set(read.value, product);
    }
    return product;
  }

  private taken(root: Read): Product {
    const factors: Factor[] = [];
    let constant = 1;
    let nodes = 0;
    const leaf = (read: Read, exponent: number) => {
      const at = factors.findIndex(
        (f) => f.read.value === read.value && f.read.lay === read.lay && areOne(f.exponent, exponent),
      );
      const before = factors[at];
      if (before === undefined) factors.push({ read, exponent });
      else factors[at] = { read, exponent: before.exponent + exponent };
    };
    const visit = (read: Read, exponent: number): void => {
      const number = numberOf(read.value);
      const { value, lay } = peel(read);
      if (number !== undefined && (number > 0 || Number.isInteger(exponent))) {
        constant *= number ** exponent;
        return;
      }
      const op = value.def;
      const shown = op && ++nodes <= mostNodes ? powers(op, exponent) : undefined;
      const isOperand = read !== root && shown?.isProduct && op && this.keeps(op, read.value);
      if (op === undefined || shown === undefined || isOperand) {
        leaf(read, exponent);
        return;
      }
      constant *= shown.constant;
      for (const [i, e] of shown.exponents.entries()) if (e !== 0) visit({ value: op.operand(i), lay }, e);
    };
    visit(root, 1);
    return { constant, factors };
  }

  /** @param as the value as it is read, possibly through casts and reshapes, which may have several uses. */
  private keeps(op: Op, as: Value): boolean {
    const { used, scaled = true } = this.kept;
    if (used === undefined) return false;
    const isUsedOften = (value: Value) => used(value).ops.length + Number(used(value).returned) > 1;
    if (!isUsedOften(op.result) && !isUsedOften(as)) return false;
    return scaled || op.operands.every((operand) => operand && numberOf(operand) === undefined);
  }
}

/** The two operands of an op, in both orders if it is commutative. */
export function orders(op: Op): (readonly [Value, Value])[] {
  const [a, b] = [op.operand(0), op.operand(1)];
  return ops[op.name].facts.commutative === true
    ? [
        [a, b],
        [b, a],
      ]
    : [[a, b]];
}

/** The values bound to the names of a pattern. */
export type Bound = Readonly<Record<string, Value>>;
/** Yields each way in which a read matches the pattern, in addition to the existing bindings. */
export type Pattern = (read: Read, bound: Bound, products: Products) => Iterable<Bound>;

/** Any value; the same one for every occurrence of the name. */
export function any(name: string): Pattern {
  return function* (read, bound) {
    const known = bound[name];
    if (read.lay !== undefined) return;
    if (known === undefined) yield { ...bound, [name]: read.value };
    else if (sameNumbers(known, read.value)) yield bound;
  };
}

/** `name(operand)`. */
export function call(name: OpName, operand: Pattern): Pattern {
  return function* (read, bound, products) {
    const { value, lay } = peel(read);
    if (value.def?.name === name) yield* operand({ value: value.def.operand(0), lay }, bound, products);
  };
}

/** `a + b`, or `a + number`, in either order. */
export function plus(a: Pattern, b: Pattern | number): Pattern {
  return function* (read, bound, products) {
    const { value, lay } = peel(read);
    if (value.def?.name !== "add") return;
    for (const [left, right] of orders(value.def)) {
      if (typeof b === "number") {
        if (near(numberOf(right) ?? Number.NaN, b, products.tolerance)) yield* a({ value: left, lay }, bound, products);
        continue;
      }
      for (const half of a({ value: left, lay }, bound, products)) yield* b({ value: right, lay }, half, products);
    }
  };
}

/** `constant * a^m * b^n * ...`, in any notation and order. */
export function times(constant: number, ...wanted: readonly (readonly [Pattern, number])[]): Pattern {
  return function* (read, bound, products) {
    const product = products.of(read);
    if (product.factors.length !== wanted.length || !near(product.constant, constant, products.tolerance)) return;
    yield* pairUp(product.factors, wanted, bound, products);
  };
}

function* pairUp(
  factors: readonly Factor[],
  wanted: readonly (readonly [Pattern, number])[],
  bound: Bound,
  products: Products,
): Iterable<Bound> {
  const [first, ...rest] = wanted;
  if (first === undefined) {
    yield bound;
    return;
  }
  const [pattern, exponent] = first;
  for (const [i, factor] of factors.entries()) {
    if (factor.exponent !== exponent) continue;
    for (const next of pattern(factor.read, bound, products))
      yield* pairUp(factors.toSpliced(i, 1), rest, next, products);
  }
}

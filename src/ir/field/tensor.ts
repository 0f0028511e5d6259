/** Tensors of field elements, and the ops that are evaluated over a field by the `evaluate` of their row. */

import { resolvedAttributes } from "../interpret.ts";
import type { Op } from "../ir.ts";
import type { IndexDef, LinearDef } from "../ops/def.ts";
import type { ElementType } from "../types.ts";
import type { Algebra } from "./algebra.ts";
import { integersOf } from "./integers.ts";
import { type Elements, type FieldPair, ifAny, type PrimeField, residuesModQ } from "./prime.ts";

/** A tensor of field elements. */
export interface FieldTensor extends Elements {
  readonly element: ElementType;
  readonly shape: readonly number[];
  /** The number in float64 that all elements are, if they are a literal or computed from literals alone. */
  readonly number?: number;
}

/** A point of comparison: fields, a seed for random numbers, and extents of symbolic dimensions. */
export interface Point {
  readonly pair: FieldPair;
  readonly seed: number;
  readonly dims: Readonly<Record<string, number>>;
  /** Whether integers are 32-bit integers, as in a kernel (integers.ts), rather than residues. */
  readonly computesIntegers?: boolean;
}

/** Positions along an axis of this extent. Residues are not positions, and are taken modulo the extent. */
function positions(index: FieldTensor, extent: number, { pair, computesIntegers }: Point): Float64Array {
  if (!computesIntegers) return index.p.map((value) => value % extent);
  return integersOf(index, pair).map((value) => Math.min(Math.max(value, 0), extent - 1));
}

const residues = (x: Elements, which: "p" | "q") => (which === "p" ? x.p : residuesModQ(x));

/** Evaluates an op that moves elements. */
export function moved(
  { attributes, span }: Op,
  def: IndexDef,
  operands: readonly (FieldTensor | undefined)[],
  shape: readonly number[],
  { point, algebra }: { readonly point: Point; readonly algebra: Algebra },
): Elements {
  const map = def.map(
    operands.map((operand) => operand?.shape),
    attributes,
  );
  const count =
    map.kind === "lookup" ? (operands[map.operand]?.shape[map.axes.indexOf(undefined)] as number) : Infinity;
  const isIndex = (i: number) => def.operands[i]?.element === "index";
  const fill = algebra.number(map.kind === "segments" ? (map.fill ?? 0) : 0);
  const given = resolvedAttributes({ attributes }, point.dims);
  const by = (which: "p" | "q") => {
    const tensors = operands.map((operand, i) => {
      if (operand === undefined) return undefined;
      const { element, shape } = operand;
      return { element, shape, data: isIndex(i) ? positions(operand, count, point) : residues(operand, which) };
    });
    const value = fill[which]?.[0] as number;
    return def.evaluate(tensors, "value" in given ? { ...given, value } : given, { span, shape });
  };
  return { p: by("p"), q: ifAny(by("q")) };
}

/** Sums of up to 2^23 elements at positions given by another operand. 32-bit positions may be out of range. */
export function summed(op: Op, def: LinearDef, operands: readonly (FieldTensor | undefined)[], point: Point): Elements {
  const attributes = resolvedAttributes(op, point.dims);
  const [count = 1] = (attributes.shape as readonly number[] | undefined) ?? [];
  const { computesIntegers, pair } = point;
  const isIndex = (i: number) => def.operands[i]?.element === "index";
  const placesOf = (index: FieldTensor) =>
    computesIntegers ? integersOf(index, pair) : positions(index, count, point);
  const by = (which: "p" | "q") => {
    const tensors = (operands as readonly FieldTensor[]).map((operand, i) => {
      const { element, shape } = operand;
      return { element, shape, data: isIndex(i) ? placesOf(operand) : residues(operand, which) };
    });
    const { modulus } = point.pair[which];
    return def.evaluate(tensors, attributes, op.span).map((sum) => sum % modulus);
  };
  return { p: by("p"), q: ifAny(by("q")) };
}

/** A product. Evaluation in float64 is exact on 15-bit halves of residues, up to 2^22 terms. */
export function bilinear(
  op: Op,
  def: LinearDef,
  [a, b, c]: readonly (FieldTensor | undefined)[],
  point: Point,
): Elements {
  const attributes = resolvedAttributes(op, point.dims);
  /** In float64. */
  const product = (x: Float64Array, y: Float64Array, z: Float64Array | undefined) => {
    const tensor = (like: FieldTensor | undefined, data: Float64Array) => ({ ...(like as FieldTensor), data });
    return def.evaluate([tensor(a, x), tensor(b, y), z && tensor(c, z)], attributes, op.span);
  };
  const of = (field: PrimeField, left: Float64Array, right: Float64Array, added: Float64Array | undefined) => {
    const [high, low] = [
      (data: Float64Array) => data.map((v) => v >>> 15),
      (data: Float64Array) => data.map((v) => v & 32767),
    ];
    const [leftHigh, leftLow, rightHigh, rightLow] = [high(left), low(left), high(right), low(right)];
    const [first, second, third, last] = [
      product(leftHigh, rightHigh, undefined),
      product(leftHigh, rightLow, undefined),
      product(leftLow, rightHigh, undefined),
      product(leftLow, rightLow, added),
    ];
    const { modulus } = field;
    return last.map((value, i) => {
      const middle = field.mul(((second[i] as number) + (third[i] as number)) % modulus, 32768);
      const top = field.mul((first[i] as number) % modulus, field.mul(32768, 32768));
      return field.add(field.add(top, middle), value % modulus);
    });
  };
  const { p, q } = point.pair;
  const [left, right] = [a, b] as [FieldTensor, FieldTensor];
  const modP = of(p, left.p, right.p, c?.p);
  if (left.q === undefined || right.q === undefined || (c !== undefined && c.q === undefined)) {
    return { p: modP, q: undefined };
  }
  const modQ = of(q, left.q, right.q, c?.q);
  if (![left.q, right.q, c?.q ?? []].some((data) => data.some(Number.isNaN))) return { p: modP, q: modQ };
  // The bits of NaN are 0, so terms without a residue are counted.
  const isMissing = (data: Float64Array) => data.map((value) => Number(Number.isNaN(value)));
  const ones = (data: Float64Array) => new Float64Array(data.length).fill(1);
  const missing = [
    product(isMissing(left.q), ones(right.q), c?.q && isMissing(c.q)),
    product(ones(left.q), isMissing(right.q), undefined),
  ];
  return { p: modP, q: ifAny(modQ.map((value, i) => (missing.some((count) => count[i] !== 0) ? Number.NaN : value))) };
}

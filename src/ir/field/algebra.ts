/**
 * Operations on tensors of field elements.
 *
 * - element: a residue mod p and, unless it depends on an exp, one mod q; by the Chinese remainder theorem that is
 *   one integer. With q dividing p - 1 and g of order q, exp(a) = g^a obeys exp(a + b) = exp(a) exp(b): Mirage (OSDI
 *   2025, section 5). g is the power of 2 for which exp(ln 2) = 2, so that some powers of 2 are numbers.
 * - uninterpreted: a function of which only is known that equal arguments give equal results: a keyed hash.
 * - whole, half: residues that represent integers, and numbers of narrow floats: small ones, those that were drawn as such, and
 *   results of rounding. Rounding does not change them.
 */

import { getOrInsert } from "../groups.ts";
import type { NarrowFloat } from "../types.ts";
import { infinityOf, residuesOf } from "./literal.ts";
import { exponentialsOf, type Powers, powerOf2 } from "./powers.ts";
import { type Elements, type FieldPair, ifAny, type PrimeField, residuesModQ } from "./prime.ts";

type Residues = Float64Array;

/** The finalizer of MurmurHash3 (Appleby), over a state and one more word. */
function mix(state: number, word: number): number {
  let h = Math.imul(state ^ word, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h ^= h >>> 16;
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

/** A 32-bit hash of a text (FNV-1a). */
export function hashOfText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h | 0;
}

function residueOfHash(state: number, { modulus }: PrimeField): number {
  const word = mix(mix(state, 0x27d4eb2f), modulus) >>> 2;
  return word >= modulus ? word - modulus : word;
}

/** The square among each element and its negative. */
const positive = (field: PrimeField, data: Float64Array) =>
  data.map((value) => (field.isPositive(value) ? value : field.sub(0, value)));

const greater = (a: number, b: number) => a > b;
const less = (a: number, b: number) => a < b;

/** Kinds of numbers that rounding does not change: integers, and numbers of narrow floats. */
export type Rounded = "whole" | NarrowFloat;

/** The algebra of one run: a pair of fields, a key for random numbers and hashes, and the residues of rounded numbers. */
export class Algebra {
  readonly pair: FieldPair;
  private readonly ordersNumbers: boolean;
  private readonly infinity: number;
  private readonly key: number;
  private readonly exponentials: Powers;
  /** The residue mod q, or NaN, for each residue mod p of a rounded number. Two numbers rarely collide in both. */
  private readonly rounded = {
    whole: new Map<number, number>(),
    f16: new Map<number, number>(),
    bf16: new Map<number, number>(),
    f8e4m3: new Map<number, number>(),
    f8e5m2: new Map<number, number>(),
  };
  private readonly literals = new Map<number, Elements>();
  /** Literals by their residues mod p, where they are ordered as numbers. */
  private readonly numbers = new Map<number, number>();
  /** The exponents of `pow` that are interpreted, as multiples of 1/2 by their residues. */
  private readonly halves = new Map<number, number>();
  /** How many times `exp` was uninterpreted, so that exp(a + b) and exp(a) exp(b) differ. */
  hashedExponentials = 0;

  /** @param ordersNumbers whether small integers and literals are ordered as numbers, whether or not they are squares. */
  constructor(pair: FieldPair, seed: number, ordersNumbers = false) {
    this.pair = pair;
    this.ordersNumbers = ordersNumbers;
    this.infinity = infinityOf(pair.p);
    this.key = mix(seed, 0x9e3779b9);
    this.exponentials = exponentialsOf(pair);
    const half = pair.p.invert(2);
    for (let n = -16; n <= 16; n++) this.halves.set(pair.p.mul(pair.p.of(BigInt(n)), half), n);
  }

  /** Draws `count` random elements for a name. */
  draw(name: string, count: number): Elements {
    const state = mix(this.key, hashOfText(name));
    const fill = (field: PrimeField) => {
      const data = new Float64Array(count);
      for (let i = 0; i < count; i++) data[i] = residueOfHash(mix(state, i), field);
      return data;
    };
    return { p: fill(this.pair.p), q: fill(this.pair.q) };
  }

  /** A literal of the program. */
  number(value: number): Elements {
    const found = getOrInsert(this.literals, value, () => residuesOf(value, this.pair));
    if (this.ordersNumbers && Number.isFinite(value)) this.numbers.set(found.p[0] as number, value);
    return found;
  }

  /** Gives a literal of the program a meaning. @returns whether it differs from that of its digits. */
  define(value: number, meaning: Elements): boolean {
    const known = this.number(value);
    this.literals.set(value, meaning);
    return known.p[0] !== meaning.p[0] || known.q?.[0] !== meaning.q?.[0];
  }

  /** Runs `f` with these literals replaced by the squares among them and their negatives. */
  withPositive<T>(numbers: readonly number[], f: () => T): T {
    const before = numbers.map((number) => [number, this.number(number)] as const);
    for (const [number, meaning] of before) {
      this.literals.set(number, this.each([meaning], positive));
    }
    try {
      return f();
    } finally {
      for (const [number, meaning] of before) this.literals.set(number, meaning);
    }
  }

  /** An integer, which may exceed the moduli. */
  integer(value: number): Elements {
    const { p, q } = this.pair;
    return { p: Float64Array.of(p.of(BigInt(value))), q: Float64Array.of(q.of(BigInt(value))) };
  }

  /** Records that these residues are integers, or numbers of a narrow type. */
  known(kind: Rounded, { p, q }: Elements): void {
    for (const [i, value] of p.entries()) this.rounded[kind].set(value, q?.[i] ?? Number.NaN);
  }

  private isKnown(kind: Rounded, p: number, q = Number.NaN): boolean {
    const other = this.rounded[kind].get(p);
    if (other === undefined) return false;
    return Number.isNaN(other) || Number.isNaN(q) || other === q;
  }

  /** Computes elements from the residues of others: those mod p, and those mod q where all have them. */
  private each(of: readonly Elements[], f: (field: PrimeField, ...data: Residues[]) => Residues): Elements {
    const { p, q } = this.pair;
    const others = of.map((one) => one.q).filter((data) => data !== undefined);
    return {
      p: f(p, ...of.map((one) => one.p)),
      q: others.length < of.length ? undefined : f(q, ...others),
    };
  }

  private map(x: Elements, f: (field: PrimeField, a: number) => number): Elements {
    return this.each([x], (field, data) => data.map((a) => f(field, a)));
  }

  private zip(x: Elements, y: Elements, f: (field: PrimeField, a: number, b: number) => number): Elements {
    return this.each([x, y], (field, a, b) => {
      const length = Math.max(a.length, b.length);
      const [stepA, stepB] = [Number(a.length === length), Number(b.length === length)];
      const result = new Float64Array(a.length === 0 || b.length === 0 ? 0 : length);
      for (let i = 0; i < result.length; i++) result[i] = f(field, a[i * stepA] as number, b[i * stepB] as number);
      return result;
    });
  }

  add(a: Elements, b: Elements): Elements {
    return this.zip(a, b, (field, x, y) => field.add(x, y));
  }

  sub(a: Elements, b: Elements): Elements {
    return this.zip(a, b, (field, x, y) => field.sub(x, y));
  }

  mul(a: Elements, b: Elements): Elements {
    return this.zip(a, b, (field, x, y) => field.mul(x, y));
  }

  div(a: Elements, b: Elements): Elements {
    return this.mul(a, this.reciprocal(b));
  }

  neg(a: Elements): Elements {
    return this.map(a, (field, x) => field.sub(0, x));
  }

  reciprocal(a: Elements): Elements {
    return this.each([a], (field, data) => field.invertAll(data));
  }

  sqrt(a: Elements): Elements {
    return this.map(a, (field, x) => field.sqrt(x));
  }

  /** g^a; uninterpreted where a has no residue mod q. */
  exp(a: Elements): Elements {
    const exponents = residuesModQ(a);
    const p = exponents.map((exponent) => (Number.isNaN(exponent) ? exponent : this.exponentials.of(exponent)));
    if (p.some(Number.isNaN)) {
      this.hashedExponentials++;
      const hashes = this.apply("exp", [a]).p;
      for (const [i, power] of p.entries()) if (Number.isNaN(power)) p[i] = hashes[i] as number;
    }
    return { p, q: undefined };
  }

  /** exp(a ln 2), which is a number for small multiples of 1/16. */
  exp2(a: Elements): Elements {
    const { p } = this.exp(this.mul(a, this.number(Math.LN2)));
    const q = residuesModQ(a).map((value, i) => powerOf2(a.p[i] as number, value, this.pair));
    return { p, q: ifAny(q) };
  }

  /** (1 + erf(x / sqrt(2))) / 2, with an uninterpreted erf. */
  normalCdf(x: Elements): Elements {
    const erf = this.apply("erf", [this.mul(x, this.number(Math.SQRT1_2))]);
    return this.div(this.add(this.integer(1), erf), this.integer(2));
  }

  /** A power or root if all exponents are the same multiple of 1/2; uninterpreted otherwise. */
  pow(a: Elements, b: Elements): Elements {
    const exponent = b.p.length === 1 || new Set(b.p).size === 1 ? this.halves.get(b.p[0] as number) : undefined;
    if (exponent === undefined) return this.apply("pow", [a, b], { rightIdentity: 1 });
    const times = Math.abs(exponent);
    const power = this.map(a, (field, x) =>
      field.pow(times % 2 === 0 ? x : field.sqrt(x), times % 2 ? times : times / 2),
    );
    return exponent < 0 ? this.reciprocal(power) : power;
  }

  /** The rank of a residue mod p in the total order, with infinities at its ends. */
  rank(value: number): number {
    const { p } = this.pair;
    if (value === this.infinity) return Infinity;
    if (value === p.modulus - this.infinity) return -Infinity;
    if (!this.ordersNumbers) return p.rank(value);
    if (value < 2 ** 24) return value;
    if (p.modulus - value < 2 ** 24) return value - p.modulus;
    return this.numbers.get(value) ?? p.rank(value);
  }

  /** 1 if the first is above the second in the order of the field, else 0. */
  above(a: Elements, b: Elements): Elements {
    const rank = (x: Elements) => ({ p: x.p.map((value) => this.rank(value)), q: undefined });
    const { p } = this.zip(rank(a), rank(b), (_, x, y) => Number(x > y));
    return { p, q: p };
  }

  below(a: Elements, b: Elements): Elements {
    return this.above(b, a);
  }

  equal(a: Elements, b: Elements): Elements {
    const { p } = this.zip({ p: a.p, q: undefined }, { p: b.p, q: undefined }, (_, x, y) => Number(x === y));
    return { p, q: p };
  }

  /** `yes` if the condition is not 0, else `no`. */
  select(condition: Elements, yes: Elements, no: Elements): Elements {
    const length = condition.p.length === 0 ? 0 : Math.max(condition.p.length, yes.p.length, no.p.length);
    const at = (data: Residues, i: number) => data[data.length === 1 ? 0 : i] as number;
    const select = (a: Residues, b: Residues) => {
      const result = new Float64Array(length);
      for (let i = 0; i < length; i++) result[i] = at(condition.p, i) === 0 ? at(b, i) : at(a, i);
      return result;
    };
    const hasNone = yes.q === undefined && no.q === undefined;
    return { p: select(yes.p, no.p), q: hasNone ? undefined : select(residuesModQ(yes), residuesModQ(no)) };
  }

  maximum(a: Elements, b: Elements): Elements {
    return this.select(this.above(a, b), a, b);
  }

  minimum(a: Elements, b: Elements): Elements {
    return this.select(this.above(a, b), b, a);
  }

  /** 1 - a, for bools. */
  not(a: Elements): Elements {
    return this.sub(this.integer(1), a);
  }

  /**
   * An uninterpreted function.
   * @param facts whether it is commutative, and which second argument is an identity.
   */
  apply(
    name: string,
    args: readonly Elements[],
    facts: { readonly commutative?: boolean; readonly rightIdentity?: number } = {},
  ): Elements {
    const length = args.some(({ p }) => p.length === 0) ? 0 : Math.max(...args.map(({ p }) => p.length));
    const start = mix(this.key, hashOfText(name));
    const [p, q] = [new Float64Array(length), new Float64Array(length)];
    const identity = facts.rightIdentity === undefined ? undefined : (this.number(facts.rightIdentity).p[0] as number);
    const values = new Array<number>(args.length);
    for (let i = 0; i < length; i++) {
      for (const [k, arg] of args.entries()) values[k] = arg.p[arg.p.length === 1 ? 0 : i] as number;
      if (values[1] === identity && identity !== undefined) {
        p[i] = values[0] as number;
        const given = args[0]?.q;
        q[i] = given?.[given.length === 1 ? 0 : i] ?? Number.NaN;
        continue;
      }
      if (facts.commutative === true) values.sort((a, b) => a - b);
      const state = values.reduce(mix, start);
      p[i] = residueOfHash(state, this.pair.p);
      q[i] = residueOfHash(mix(state, 1), this.pair.q);
    }
    return { p, q };
  }

  /** Rounds to numbers of a kind, which it does not change. */
  round(kind: Rounded, name: string, x: Elements): Elements {
    const hashed = this.apply(name, [x]);
    const isKnown = x.p.map((value, i) => Number(this.isKnown(kind, value, x.q?.[i]) || this.isShort(kind, value)));
    const result = this.select({ p: isKnown, q: isKnown }, x, hashed);
    this.known(kind, result);
    return result;
  }

  /** Whether it is a small integer, or a small multiple of 1/1024 for floats, which rounding never changes. */
  private isShort(kind: Rounded, value: number): boolean {
    const { p } = this.pair;
    const scaled = kind === "whole" ? value : p.mul(value, 1024);
    return Math.min(scaled, p.modulus - scaled) < 2 ** 20;
  }

  /** Combines the elements of each row of `width` elements in order. */
  private combine(rows: Elements, width: number, f: (field: PrimeField, a: number, b: number) => number): Elements {
    return this.each([rows], (field, data) => {
      const result = new Float64Array(width === 0 ? 0 : data.length / width);
      for (let row = 0; row < result.length; row++) {
        let value = data[row * width] as number;
        for (let i = 1; i < width; i++) value = f(field, value, data[row * width + i] as number);
        result[row] = value;
      }
      return result;
    });
  }

  sum(rows: Elements, width: number): Elements {
    return this.combine(rows, width, (field, a, b) => field.add(a, b));
  }

  product(rows: Elements, width: number): Elements {
    return this.combine(rows, width, (field, a, b) => field.mul(a, b));
  }

  mean(rows: Elements, width: number): Elements {
    return this.div(this.sum(rows, width), this.integer(width));
  }

  /** Repeats each element `width` times. */
  repeated(elements: Elements, width: number): Elements {
    return this.each([elements], (_, data) =>
      Float64Array.from({ length: data.length * width }, (_, i) => data[(i / width) | 0] as number),
    );
  }

  variance(rows: Elements, width: number, correction: number): Elements {
    const distance = this.sub(rows, this.repeated(this.mean(rows, width), width));
    return this.div(this.sum(this.mul(distance, distance), width), this.integer(width - correction));
  }

  /** The largest or smallest element of each row, in the order of the field. */
  extreme(rows: Elements, width: number, which: "max" | "min"): Elements {
    const best = this.bestOf(rows, width, which);
    return this.each([rows], (_, data) => Float64Array.from(best, (at) => data[at] as number));
  }

  /** The position in each row of the first largest or smallest element. */
  placeOfExtreme(rows: Elements, width: number, which: "max" | "min"): Elements {
    const places = Float64Array.from(this.bestOf(rows, width, which), (at) => at % width);
    return { p: places, q: places };
  }

  /**
   * Each row divided by the absolute value of its first nonzero element, which is the same for all positive multiples of the row.
   */
  private directions(data: Residues, width: number): Residues {
    const { p } = this.pair;
    const over = new Float64Array(data.length / width).map((_, row) => {
      const first = data.subarray(row * width, (row + 1) * width).find((value) => value !== 0) ?? 1;
      return p.invert(p.isPositive(first) ? first : p.sub(0, first));
    });
    return data.map((value, i) => p.mul(value, over[Math.floor(i / width)] as number));
  }

  /** The index of the first largest or smallest element of each row. */
  private bestOf(rows: Elements, width: number, which: "max" | "min"): Int32Array {
    const ranks = (rows.isOrderScaled ? this.directions(rows.p, width) : rows.p).map((value) => this.rank(value));
    const best = new Int32Array(width === 0 ? 0 : rows.p.length / width);
    for (let row = 0; row < best.length; row++) {
      let at = row * width;
      for (let i = at; i < (row + 1) * width; i++) {
        const isBetter = which === "max" ? greater : less;
        if (isBetter(ranks[i] as number, ranks[at] as number)) at = i;
      }
      best[row] = at;
    }
    return best;
  }
}

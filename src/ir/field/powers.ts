/** Powers with exponents that are residues mod q: exponentials, and powers of 2. */

import { getOrInsert } from "../groups.ts";
import { residuesOf } from "./literal.ts";
import type { FieldPair, PrimeField } from "./prime.ts";

/** Tables for powers of an element with exponents below 2^30, by two multiplications each. */
export class Powers {
  private readonly field: PrimeField;
  private readonly tables: readonly Float64Array[];

  constructor(field: PrimeField, base: number) {
    this.field = field;
    let step = base;
    this.tables = [0, 1, 2].map(() => {
      const table = new Float64Array(1024);
      table[0] = 1;
      for (let i = 1; i < 1024; i++) table[i] = field.mul(table[i - 1] as number, step);
      step = field.mul(table[1023] as number, step);
      return table;
    });
  }

  of(exponent: number): number {
    const [low, middle, high] = this.tables as [Float64Array, Float64Array, Float64Array];
    const first = this.field.mul(low[exponent & 1023] as number, middle[(exponent >>> 10) & 1023] as number);
    return this.field.mul(first, high[exponent >>> 20] as number);
  }
}

const exponentials = new WeakMap<FieldPair, Powers>();

/** The powers of the g for which g^ln2 = 2. As 2 is a square, the order of g is q. */
export function exponentialsOf(pair: FieldPair): Powers {
  return getOrInsert(exponentials, pair, () => {
    const ln2 = residuesOf(Math.LN2, pair).q?.[0] as number;
    return new Powers(pair.p, pair.p.pow(2, pair.q.invert(ln2)));
  });
}

/** Powers of 2 are numbers if their exponents are multiples of 1 / `fractions`, a power of 2, of at most `mostExponent`. */
const [fractions, mostExponent] = [16, 1024];

/**
 * 2^a mod q for an exponent a = n / 16 with a small integer n, by the root of 2 that is a square; NaN for others. Mod p, the
 * root that exp gives is a square, too, as all powers of g are.
 * @param p a mod p. @param q a mod q.
 */
export function powerOf2(p: number, q: number, pair: FieldPair): number {
  const scaled = pair.p.mul(p, fractions);
  const n = scaled > pair.p.modulus / 2 ? scaled - pair.p.modulus : scaled;
  const isNumber = Math.abs(n) <= fractions * mostExponent && pair.q.mul(q, fractions) === pair.q.of(BigInt(n));
  if (!isNumber) return Number.NaN;
  let root = 2;
  for (let k = 1; k < fractions; k *= 2) root = pair.q.sqrt(root);
  const power = pair.q.pow(root, Math.abs(n));
  return n < 0 ? pair.q.invert(power) : power;
}

/**
 * Arithmetic modulo a prime below 2^30, with residues as integers in doubles.
 *
 * A product is computed exactly modulo 2^32, minus the quotient times the modulus. The quotient is computed in doubles
 * and off by at most one. BigInt with a modulus near 2^61 takes about seven times as long; two independent runs over
 * primes near 2^30 have about the same probability of error.
 *
 * NaN stands for an element that is not known. What is computed from it is not known either.
 */

export class PrimeField {
  readonly modulus: number;
  private readonly inverse: number;

  /** @param modulus a prime p = 3 mod 4 below 2^30. */
  constructor(modulus: number) {
    this.modulus = modulus;
    this.inverse = 1 / modulus;
  }

  add(a: number, b: number): number {
    const sum = a + b;
    return sum >= this.modulus ? sum - this.modulus : sum;
  }

  sub(a: number, b: number): number {
    const difference = a - b;
    return difference < 0 ? difference + this.modulus : difference;
  }

  mul(a: number, b: number): number {
    const quotient = Math.floor(a * b * this.inverse);
    if (Number.isNaN(quotient)) return Number.NaN;
    const rest = (Math.imul(a, b) - Math.imul(quotient, this.modulus)) | 0;
    if (rest < 0) return rest + this.modulus;
    return rest >= this.modulus ? rest - this.modulus : rest;
  }

  pow(base: number, exponent: number): number {
    let result = 1;
    let square = base;
    for (let rest = exponent; rest > 0; rest >>>= 1) {
      if ((rest & 1) === 1) result = this.mul(result, square);
      square = this.mul(square, square);
    }
    return result;
  }

  /** 1 / a; 0 for 0. */
  invert(a: number): number {
    return this.pow(a, this.modulus - 2);
  }

  /** The inverse of each element, by a single inversion and three products per element (Montgomery 1987). */
  invertAll(all: Float64Array): Float64Array {
    const result = new Float64Array(all.length);
    const isInvertible = (a: number) => a !== 0 && !Number.isNaN(a);
    let product = 1;
    for (let i = 0; i < all.length; i++) {
      const a = all[i] as number;
      result[i] = product;
      if (isInvertible(a)) product = this.mul(product, a);
    }
    let inverse = this.invert(product);
    for (let i = all.length - 1; i >= 0; i--) {
      const a = all[i] as number;
      result[i] = isInvertible(a) ? this.mul(inverse, result[i] as number) : a;
      if (isInvertible(a)) inverse = this.mul(inverse, a);
    }
    return result;
  }

  /** a^((p + 1) / 4): a root of whichever of a and -a has one. It satisfies sqrt(a b) = sqrt(a) sqrt(b). */
  sqrt(a: number): number {
    return this.pow(a, (this.modulus + 1) / 4);
  }

  /** Whether a is a nonzero square. Exactly one of a and -a is, and products follow the rule of signs. */
  isPositive(a: number): boolean {
    return a !== 0 && this.pow(a, (this.modulus - 1) / 2) === 1;
  }

  /**
   * The rank of a in a total order that negation reverses: squares are above 0, all others below.
   * No order of a finite field is compatible with addition; in this one, max(a, -a) = sqrt(a^2).
   */
  rank(a: number): number {
    if (a === 0) return 0;
    return this.isPositive(a) ? a : a - this.modulus;
  }

  /** The residue of an integer of any size. */
  of(integer: bigint): number {
    const modulus = BigInt(this.modulus);
    return Number(((integer % modulus) + modulus) % modulus);
  }
}

/** A prime p = 2 q + 1 with q prime. */
export interface FieldPair {
  readonly p: PrimeField;
  readonly q: PrimeField;
}

/** The elements of a tensor in row-major order, or a single one that represents all. */
export interface Elements {
  readonly p: Float64Array;
  /** NaN for an element that has none, as it depends on an exp; undefined if no element has one. */
  readonly q: Float64Array | undefined;
  /**
   * Whether the largest element of a row is at the same position for all positive multiples of the row: see `ScaledOrder` in
   * laws.ts.
   */
  readonly isOrderScaled?: boolean;
}

/**
 * p = 2 q + 1 below 2^30 with both prime and 3 mod 4, such that 2, 3, 5, 7, 11 and 13 are squares in both. Literals composed
 * of these are then positive, as among real numbers, and so are the squares of their roots. `test/ir/field.test.ts` checks this.
 */
const moduli = [1073409119, 1073168879] as const;

/** The fields, which runs use in turn. */
export const fieldPairs: readonly FieldPair[] = moduli.map((p) => ({
  p: new PrimeField(p),
  q: new PrimeField((p - 1) / 2),
}));

/** The residues mod q: NaN for elements that have none. */
export const residuesModQ = ({ p, q }: Elements): Float64Array => q ?? new Float64Array(p.length).fill(Number.NaN);

/** As `Elements` have them: undefined if no element has one. */
export const ifAny = (q: Float64Array): Float64Array | undefined => (q.every(Number.isNaN) ? undefined : q);

/**
 * The field elements of the numbers in a program.
 *
 * A literal has the value that was meant by it: a multiple of a well-known irrational within a relative error of 1e-6, as passes
 * recognize it; the reciprocal of an integer within half an ulp of f32; else the decimal as it is written, or was before it was
 * rounded to f32; else, for numbers that were computed, the simplest fraction within a few ulps of float64, or the root of one.
 * Elements of constant tensors are always decimals.
 */

import type { Elements, FieldPair, PrimeField } from "./prime.ts";

interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

/** An irrational as a product of powers. `pi` and `ln2` are uninterpreted elements. */
interface Irrational {
  readonly value: number;
  readonly residue: (field: PrimeField) => number;
}

/** The residue of a transcendental number, which has no meaning in a field: from its digits, squared so that it is positive. */
const transcendental = (digits: bigint) => (field: PrimeField) => field.of(digits * digits);
const pi = transcendental(314159265358979323846264338327950288419716939937510n);
const ln2 = transcendental(693147180559945309417232121458176568075500134360255n);

const irrationals: readonly Irrational[] = [
  { value: Math.PI, residue: pi },
  { value: Math.sqrt(Math.PI), residue: (field) => field.sqrt(pi(field)) },
  { value: 1 / Math.sqrt(Math.PI), residue: (field) => field.invert(field.sqrt(pi(field))) },
  { value: Math.sqrt(2 / Math.PI), residue: (field) => field.sqrt(field.mul(2, field.invert(pi(field)))) },
  { value: Math.sqrt(Math.PI / 2), residue: (field) => field.sqrt(field.mul(pi(field), field.invert(2))) },
  { value: Math.SQRT2, residue: (field) => field.sqrt(2) },
  { value: Math.LN2, residue: ln2 },
  { value: 1 / Math.LN2, residue: (field) => field.invert(ln2(field)) },
];

/** Half an ulp of f32, relative to the number. */
const halfUlp = 2 ** -24;
/** The relative error within which a constant is recognized as one of a formula: people write 1.414214. */
export const formulaTolerance = 1e-6;
/** Factors with which irrationals are recognized. */
const simpleFactors = [1, 2, 3, 4, 6, 8].flatMap((n) => [1, 2, 3, 4, 6, 8].map((d) => n / d));
const mostReciprocal = 2 ** 16;

/** Whether two numbers agree within a relative error. */
export const near = (a: number, b: number, part: number) => Math.abs(a - b) <= part * Math.abs(b);

/** The first convergent of the continued fraction of `value` within a relative error. */
function simplest(value: number, part: number): Fraction {
  let [over, under, lastOver, lastUnder] = [1n, 0n, 0n, 1n];
  let rest = value;
  for (let i = 0; i < 64; i++) {
    const whole = BigInt(Math.floor(rest));
    [over, under, lastOver, lastUnder] = [whole * over + lastOver, whole * under + lastUnder, over, under];
    if (near(Number(over) / Number(under), value, part) || rest === Math.floor(rest)) break;
    rest = 1 / (rest - Math.floor(rest));
  }
  return { over, under };
}

/** The decimal as JavaScript prints it. */
function decimal(value: number): { readonly digits: number } & Fraction {
  const [, whole = "", rest = "", exponent = "0"] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  const shift = Number(exponent) - rest.length;
  const digits = BigInt(whole + rest);
  const power = 10n ** BigInt(Math.abs(shift));
  const length = String(digits).replace(/0+$/, "").length;
  return shift < 0
    ? { digits: length, over: digits, under: power }
    : { digits: length, over: digits * power, under: 1n };
}

/** The shortest decimal that rounds to this number, if it is an f32: the literal before it was rounded. */
function asWritten(value: number): number {
  if (Math.fround(value) !== value) return value;
  const shorter = Array.from({ length: 9 }, (_, i) => Number(value.toPrecision(i + 1)));
  return shorter.find((one) => Math.fround(one) === value) ?? value;
}

const residue = ({ over, under }: Fraction, field: PrimeField) =>
  field.mul(field.of(over), field.invert(field.of(under)));

/** A decimal with fewer digits is assumed to be written by hand. */
const writtenDigits = 15;
/** Whether a fraction is too simple to be within 4 ulps of float64 by chance. */
const isSimple = ({ over, under }: Fraction) => over * under < 1n << 44n;

function meaningOf(value: number): (field: PrimeField) => number {
  if (Number.isInteger(value)) return (field) => field.of(BigInt(value));
  for (const { value: known, residue: of } of irrationals) {
    const factor = simpleFactors.find((one) => near(value, known * one, formulaTolerance));
    if (factor !== undefined) return (field) => field.mul(of(field), residue(simplest(factor, 2 ** -50), field));
  }
  const reciprocal = Math.round(1 / value);
  if (reciprocal > 1 && reciprocal <= mostReciprocal && near(value * reciprocal, 1, halfUlp)) {
    return (field) => field.invert(field.of(BigInt(reciprocal)));
  }
  const written = decimal(asWritten(value));
  if (written.digits < writtenDigits) return (field) => residue(written, field);
  const fraction = simplest(value, 2 ** -50);
  if (isSimple(fraction)) return (field) => residue(fraction, field);
  const square = simplest(value * value, 2 ** -50);
  if (isSimple(square)) return (field) => field.sqrt(residue(square, field));
  return (field) => residue(written, field);
}

/** The residues that represent NaN and infinity. */
const [nan, infinity] = [998244353n, 998244354n];

/** The residue that represents infinity. That of minus infinity is its negative. */
export const infinityOf = (field: PrimeField) => field.of(infinity);

function inFields(value: number, { p, q }: FieldPair, of: (size: number) => (field: PrimeField) => number): Elements {
  const meaning = value === 0 || !Number.isFinite(value) ? undefined : of(Math.abs(value));
  const element = (field: PrimeField) => {
    if (value === 0) return 0;
    if (meaning === undefined) {
      if (Number.isNaN(value)) return field.of(nan);
      return value < 0 ? field.sub(0, infinityOf(field)) : infinityOf(field);
    }
    return value < 0 ? field.sub(0, meaning(field)) : meaning(field);
  };
  return { p: Float64Array.of(element(p)), q: Float64Array.of(element(q)) };
}

/** The residues of a literal. */
export function residuesOf(value: number, pair: FieldPair): Elements {
  return inFields(value, pair, meaningOf);
}

/** The residues of an element of a constant tensor: the number as it is written. */
export function residuesOfDatum(value: number, pair: FieldPair): Elements {
  return inFields(value, pair, (size) => (field) => residue(decimal(size), field));
}

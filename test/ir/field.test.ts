/** The finite fields against BigInt, and the laws of real arithmetic that hold in them. */

import { describe, expect, test } from "vitest";
import { Algebra } from "../../src/ir/field/algebra.ts";
import { residuesOf } from "../../src/ir/field/literal.ts";
import type { Elements } from "../../src/ir/field/prime.ts";
import { fieldPairs, type PrimeField } from "../../src/ir/field/prime.ts";
import { randomNumbers } from "../../src/ir/random.ts";

const fields = fieldPairs.flatMap(({ p, q }) => [p, q]);

function powerOf(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let [square, rest] = [base % modulus, exponent]; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** Trial division. */
function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n > 1;
}

describe("the moduli", () => {
  test.each(fieldPairs.map((pair) => [pair.p.modulus, pair] as const))("%d", (_, { p, q }) => {
    expect([isPrime(p.modulus), isPrime(q.modulus)]).toEqual([true, true]);
    expect(p.modulus).toBe(2 * q.modulus + 1);
    expect(p.modulus).toBeLessThan(2 ** 30);
    expect([p.modulus % 4, q.modulus % 4]).toEqual([3, 3]);
    for (const small of [2, 3, 5, 7, 11, 13]) {
      for (const { modulus } of [p, q]) {
        expect(powerOf(BigInt(small), BigInt((modulus - 1) / 2), BigInt(modulus)), `${small} mod ${modulus}`).toBe(1n);
      }
    }
  });
});

test("products, powers and inverses are those of BigInt", () => {
  const next = randomNumbers(1);
  for (const field of fields) {
    const m = BigInt(field.modulus);
    const some = [0, 1, 2, field.modulus - 1, field.modulus - 2];
    for (let i = 0; i < 200; i++) some.push(Math.floor(next() * field.modulus));
    for (const a of some) {
      for (const b of some.slice(0, 40)) expect(field.mul(a, b)).toBe(Number((BigInt(a) * BigInt(b)) % m));
      expect(field.pow(a, 12345)).toBe(Number(powerOf(BigInt(a), 12345n, m)));
      expect(field.mul(a, field.invert(a))).toBe(a === 0 ? 0 : 1);
    }
    expect([...field.invertAll(Float64Array.from(some))]).toEqual(some.map((a) => field.invert(a)));
  }
});

test("a root squared is the number or its negative, and roots of products are products of roots", () => {
  const next = randomNumbers(2);
  for (const field of fields) {
    for (let i = 0; i < 100; i++) {
      const [a, b] = [Math.floor(next() * field.modulus), Math.floor(next() * field.modulus)];
      const square = field.mul(field.sqrt(a), field.sqrt(a));
      expect([a, field.sub(0, a)]).toContain(square);
      expect(square === a).toBe(a === 0 || field.isPositive(a));
      expect(field.sqrt(field.mul(a, b))).toBe(field.mul(field.sqrt(a), field.sqrt(b)));
    }
  }
});

test("the order is total, negation turns it round, and the larger one of a and -a is the root of a^2", () => {
  const next = randomNumbers(3);
  for (const field of fields) {
    const rank = (a: number) => field.rank(a);
    for (let i = 0; i < 100; i++) {
      const a = 1 + Math.floor(next() * (field.modulus - 1));
      const opposite = field.sub(0, a);
      expect(rank(opposite)).toBe(-rank(a));
      expect(field.sqrt(field.mul(a, a))).toBe(rank(a) > 0 ? a : opposite);
    }
  }
});

const algebra = new Algebra(fieldPairs[0] as (typeof fieldPairs)[number], 7);
const [x, y, z] = ["x", "y", "z"].map((name) => algebra.draw(name, 50)) as [Elements, Elements, Elements];
const f = algebra;

/** Equations of real arithmetic: both sides. */
const laws: Readonly<Record<string, readonly [Elements, Elements]>> = {
  "(x + y) z = x z + y z": [f.mul(f.add(x, y), z), f.add(f.mul(x, z), f.mul(y, z))],
  "x / y = x y^-1": [f.div(x, y), f.mul(x, f.reciprocal(y))],
  "exp(x + y) = exp(x) exp(y)": [{ ...f.exp(f.add(x, y)) }, f.mul(f.exp(x), f.exp(y))],
  "exp(-x) = 1 / exp(x)": [f.exp(f.neg(x)), f.reciprocal(f.exp(x))],
  "exp2(-3) = 1 / 8": [f.exp2(f.integer(-3)), f.div(f.integer(1), f.integer(8))],
  "exp2(1 / 2) = sqrt(2)": [f.exp2(f.number(0.5)), f.sqrt(f.integer(2))],
  "exp2(-3 / 16)^8 = exp2(-3 / 2)": [f.pow(f.exp2(f.number(-0.1875)), f.number(8)), f.exp2(f.number(-1.5))],
  "exp2(x + 5) = 32 exp2(x)": [f.exp2(f.add(x, f.integer(5))), f.mul(f.exp2(x), f.integer(32))],
  "exp(exp2(-1 / 4) x)^2 = exp(exp2(3 / 4) x)": [
    f.pow(f.exp(f.mul(f.exp2(f.number(-0.25)), x)), f.number(2)),
    f.exp(f.mul(f.exp2(f.number(0.75)), x)),
  ],
  "max(x, y) = max(y, x)": [f.maximum(x, y), f.maximum(y, x)],
  "max(x, max(y, z)) = max(max(x, y), z)": [f.maximum(x, f.maximum(y, z)), f.maximum(f.maximum(x, y), z)],
  "min(x, max(x, y)) = x": [f.minimum(x, f.maximum(x, y)), x],
  "max(-x, -y) = -min(x, y)": [f.maximum(f.neg(x), f.neg(y)), f.neg(f.minimum(x, y))],
  "pow(x, 3) = x x x": [f.pow(x, f.number(3)), f.mul(x, f.mul(x, x))],
  "pow(x, -0.5) = 1 / sqrt(x)": [f.pow(x, f.number(-0.5)), f.reciprocal(f.sqrt(x))],
  "floor(floor(x)) = floor(x)": [f.round("whole", "floor", f.round("whole", "floor", x)), f.round("whole", "floor", x)],
  "f(x, y) = f(y, x), f commutative": [
    f.apply("f", [x, y], { commutative: true }),
    f.apply("f", [y, x], { commutative: true }),
  ],
};

test.each(Object.keys(laws))("%s", (name) => {
  const [a, b] = laws[name] as readonly [Elements, Elements];
  expect(a.p).toEqual(b.p);
  expect(a.q).toEqual(b.q);
});

/** Expressions that differ, with a probability of error of 2^-29 per element. */
const falseLaws: Readonly<Record<string, readonly [Elements, Elements]>> = {
  "x - y = y - x": [f.sub(x, y), f.sub(y, x)],
  "exp(x y) = exp(x) exp(y)": [f.exp(f.mul(x, y)), f.mul(f.exp(x), f.exp(y))],
  "exp2(x) = exp(x / 2)": [f.exp2(x), f.exp(f.div(x, f.integer(2)))],
  "exp2(x) = exp(x)": [f.exp2(x), f.exp(x)],
  "exp(exp2(x)) = exp2(exp(x))": [f.exp(f.exp2(x)), f.exp2(f.exp(x))],
  "exp2(1 / 4) = exp2(1 / 8)": [f.exp2(f.number(0.25)), f.exp2(f.number(0.125))],
  "relu(x) = x": [f.maximum(x, f.integer(0)), x],
  "max(x, y) = x": [f.maximum(x, y), x],
  "f(x, y) = f(y, x)": [f.apply("f", [x, y]), f.apply("f", [y, x])],
  "floor(x) = ceil(x)": [f.round("whole", "floor", x), f.round("whole", "ceil", x)],
  "sqrt(x + y) = sqrt(x) + sqrt(y)": [f.sqrt(f.add(x, y)), f.add(f.sqrt(x), f.sqrt(y))],
};

test.each(Object.keys(falseLaws))("not %s", (name) => {
  const [a, b] = falseLaws[name] as readonly [Elements, Elements];
  expect(a.p).not.toEqual(b.p);
});

describe("elements that have no residue mod q, beside others that have one", () => {
  const isFirst = f.equal({ p: Float64Array.from({ length: 50 }, (_, i) => i), q: undefined }, f.integer(0));
  const mixed = f.select(isFirst, x, f.exp(x));
  const first = (data: Elements["q"]) => data?.[0];
  const rest = (data: Elements["q"] = Float64Array.of()) => data.slice(1);
  const results: Readonly<Record<string, readonly [Elements, Elements]>> = {
    sum: [f.add(mixed, y), f.add(x, y)],
    product: [f.mul(mixed, y), f.mul(x, y)],
    quotient: [f.div(y, mixed), f.div(y, x)],
    root: [f.sqrt(mixed), f.sqrt(x)],
    maximum: [f.select(isFirst, f.maximum(mixed, y), mixed), f.maximum(x, y)],
    "uninterpreted identity": [f.apply("f", [mixed, f.integer(1)], { rightIdentity: 1 }), x],
  };
  test.each(Object.keys(results))("%s", (name) => {
    const [got, alone] = results[name] as readonly [Elements, Elements];
    expect(first(got.q)).toBe(first(alone.q));
    expect(rest(got.q).every(Number.isNaN)).toBe(true);
    expect([...got.p].some(Number.isNaN)).toBe(false);
  });

  test("exp is interpreted of those that have one", () => {
    expect(f.exp(mixed).p[0]).toBe(f.exp(x).p[0]);
    expect(rest(f.exp(mixed).p)).toEqual(rest(f.exp(f.exp(x)).p));
  });
});

describe("literals", () => {
  const { p } = fieldPairs[0] as (typeof fieldPairs)[number];
  const of = (value: number) => residuesOf(value, fieldPairs[0] as (typeof fieldPairs)[number]).p[0] as number;
  const ratio = (a: number, b: number) => p.mul(p.of(BigInt(a)), p.invert(p.of(BigInt(b))));
  const equations: readonly (readonly [string, number, number])[] = [
    ["an integer", of(-12), p.of(-12n)],
    ["a decimal", of(0.044715), ratio(44715, 1e6)],
    ["a decimal that was stored as f32", of(Math.fround(0.044715)), ratio(44715, 1e6)],
    ["a product of decimals, rounded", of(0.1 * 0.2), ratio(1, 50)],
    ["1e-5", of(1e-5), ratio(1, 1e5)],
    ["a third, rounded", of(1 / 3), ratio(1, 3)],
    ["the reciprocal of a row length in the digits of f32", of(0.0013020833), ratio(1, 768)],
    ["eps over n / (n - 1)", of(1e-5 / (768 / 767)), ratio(767, 76_800_000)],
    ["the root of a fraction", of(Math.sqrt(767 / 768)), p.sqrt(ratio(767, 768))],
    ["sqrt(2) squared", p.mul(of(Math.SQRT2), of(Number("1.4142135"))), 2],
    ["sqrt(2 / pi) squared times pi", p.mul(p.mul(of(0.7978845608), of(Math.sqrt(2 / Math.PI))), of(Math.PI)), 2],
    ["the negative", of(-0.3), p.sub(0, ratio(3, 10))],
  ];
  test.each(equations)("%s", (_, got, wanted) => expect(got).toBe(wanted));
});

test("what is a residue is an integer below the modulus", () => {
  const isResidue =
    ({ modulus }: PrimeField) =>
    (value: number) =>
      Number.isInteger(value) && value >= 0 && value < modulus;
  expect([...x.p].every(isResidue(f.pair.p))).toBe(true);
  expect([...(x.q as Float64Array)].every(isResidue(f.pair.q))).toBe(true);
});

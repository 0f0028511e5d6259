/**
 * Threefry-2x32 with 20 rounds: random bits that are a function of a counter and a key (Salmon, Moraes, Dror and Shaw: Parallel
 * Random Numbers: As Easy as 1, 2, 3. SC11, section 3.3; the library Random123). Counters may be taken in any order, so that
 * each lane computes its own, forward and backward the same.
 */

import {
  add,
  apply,
  binary,
  divide,
  type Expression,
  type KernelFunction,
  literal,
  multiply,
} from "../../kernel/expression.ts";
import { defineFunction } from "../../kernel/function.ts";
import type { Type } from "../../kernel/types.ts";
import { getOrInsert } from "../groups.ts";

/** The number of bits by which the second word is rotated in each round. */
const turns = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const rounds = 20;
/** C240 of the paper, which makes keys of zeros work too. */
const parity = 0x1bd11bda;

type Words<T> = readonly [T, T];

/** Operations on 32-bit words, modulo 2^32. */
interface WordOps<T> {
  readonly add: (a: T, b: T | number) => T;
  readonly xor: (a: T, b: T) => T;
  readonly turn: (a: T, bits: number) => T;
  /** Names the state after a round, in a kernel. */
  readonly named: (words: Words<T>, round: number) => Words<T>;
}

function threefry<T>([c0, c1]: Words<T>, [k0, k1]: Words<T>, k2: T, ops: WordOps<T>): Words<T> {
  const keys = [k0, k1, k2] as const;
  const keyOf = (i: number) => keys[i % 3] as T;
  let [x, y]: Words<T> = [ops.add(c0, k0), ops.add(c1, k1)];
  for (let round = 0; round < rounds; round++) {
    x = ops.add(x, y);
    [x, y] = ops.named([x, ops.xor(ops.turn(y, turns[round % 8] as number), x)], round);
    // After every fourth round, a part of the key and its number are added.
    const part = (round + 1) / 4;
    if (Number.isInteger(part)) [x, y] = [ops.add(x, keyOf(part)), ops.add(ops.add(y, keyOf(part + 1)), part)];
  }
  return [x, y];
}

const numbers: WordOps<number> = {
  add: (a, b) => (a + b) >>> 0,
  xor: (a, b) => (a ^ b) >>> 0,
  turn: (a, bits) => ((a << bits) | (a >>> (32 - bits))) >>> 0,
  named: (words) => words,
};

/** Both words of the result. Words are integers from 0 to 2^32 - 1. */
export function threefry2x32(counter: Words<number>, key: Words<number>): Words<number> {
  return threefry(counter, key, (parity ^ key[0] ^ key[1]) >>> 0, numbers);
}

const functions = new Map<number, KernelFunction>();

/** The first word of the result in a kernel, for values as wide as `type`. */
export function firstWord(type: Type, ...args: readonly [Expression, Expression, Expression, Expression]): Expression {
  const known = getOrInsert(functions, type.width, () => functionOf(type));
  return apply(known, ...args);
}

function functionOf(type: Type): KernelFunction {
  const name = type.width === 1 ? "threefry" : `threefry_v${type.width}`;
  const summary = "Threefry-2x32, 20 rounds: the first word.";
  return defineFunction(name, summary, { c0: type, c1: type, k0: type, k1: type }, ({ c0, c1, k0, k1 }, define) => {
    const xor = (a: Expression, b: Expression) => binary("^", a, b);
    const k2 = define("k2", xor(xor(literal(type, parity), k0), k1));
    const [first] = threefry<Expression>([c0, c1], [k0, k1], k2, {
      ...{ add, xor },
      // Products and quotients by powers of two, which compilers turn into shifts.
      turn: (a, bits) => binary("|", multiply(a, 2 ** bits), divide(a, 2 ** (32 - bits))),
      named: ([x, y], round) => [define(`x${round}`, x), define(`y${round}`, y)],
    });
    return first;
  });
}

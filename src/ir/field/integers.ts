/**
 * 32-bit integers as residues. Programs are compared over all integers at once, as residues; a kernel computes with
 * 32-bit integers, which wrap, are ordered, and are used as indices. Each of them has a unique pair of residues.
 */

import type { Range } from "../lookups.ts";
import { type ElementType, elementInfo, holds, isByte, isInteger } from "../types.ts";
import type { Algebra } from "./algebra.ts";
import type { Elements, FieldPair, PrimeField } from "./prime.ts";

const [least, most] = [-(2 ** 31), 2 ** 32 - 1];

/** Whether elements of a type are plain numbers in a kernel, whatever represents floats. */
export const isNumber = (element: ElementType) => isInteger(element) || element === "bool";

const residueOf = (value: number, { modulus }: PrimeField) => ((value % modulus) + modulus) % modulus;

/** The residues of integers. */
export function residuesOfIntegers(values: Float64Array, { p, q }: FieldPair): Elements {
  return { p: values.map((value) => residueOf(value, p)), q: values.map((value) => residueOf(value, q)) };
}

/** The 32-bit integer with these residues; `p` if there is none. */
export function integerOf(p: number, q = Number.NaN, { p: { modulus }, q: other }: FieldPair): number {
  if (Number.isNaN(q)) return p;
  for (let turn = 0; turn <= 4; turn++) {
    for (const value of [p + turn * modulus, p - turn * modulus]) {
      if (value >= least && value <= most && residueOf(value, other) === q) return value;
    }
  }
  return p;
}

export function integersOf({ p, q }: Elements, pair: FieldPair): Float64Array {
  return p.map((value, i) => integerOf(value, q?.[i], pair));
}

/**
 * Integers of all sizes, many of them small, so that comparisons and lookups often match.
 * @param range for positions: most are in it, a few are out of it on either side.
 */
export function drawIntegers(algebra: Algebra, name: string, count: number, element: ElementType, range?: Range) {
  const [low, high] = isByte(element) ? elementInfo[element].range : [];
  return algebra.draw(name, count).p.map((drawn) => {
    const bits = Math.floor(drawn / 64);
    if (range !== undefined) {
      const first = holds(element, range.least - 1) ? range.least - 1 : range.least;
      const last = holds(element, range.most + 1) ? range.most + 1 : range.most;
      return first + (bits % (last + 1 - first));
    }
    if (low !== undefined && high !== undefined) return low + (bits % (high - low + 1));
    const size = bits >>> ((drawn >>> 1) % 24);
    return element === "i32" && (drawn & 1) === 1 ? -size : size;
  });
}

/**
 * Integers of 32 bits among the residues. Programs are compared over all integers at once, as residues; a kernel computes with
 * those of 32 bits, which wrap, are ordered, and say where elements stand. For these there is a number for each pair of residues.
 */

import { type ElementType, elementInfo, isByte, isInteger } from "../types.ts";
import type { Algebra } from "./algebra.ts";
import type { Elements, FieldPair, PrimeField } from "./prime.ts";

const [least, most] = [-(2 ** 31), 2 ** 32 - 1];

/** Elements of these types are numbers in a kernel, whatever floats are. */
export const isNumber = (element: ElementType) => isInteger(element) || element === "bool";

const residueOf = (value: number, { modulus }: PrimeField) => ((value % modulus) + modulus) % modulus;

/** The residues of integers. */
export function residuesOfIntegers(values: Float64Array, { p, q }: FieldPair): Elements {
  return { p: values.map((value) => residueOf(value, p)), q: values.map((value) => residueOf(value, q)) };
}

/** The integer of 32 bits that has these residues; of residues that no such integer has, the first one. */
export function integerOf(p: number, q: number | undefined, { p: { modulus }, q: other }: FieldPair): number {
  if (q === undefined) return p;
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
 * Integers of all sizes, many of them small: what is compared or looked up often meets.
 * @param end of places, which most of them are below; some lie before the first one, if they can, or behind the last.
 */
export function drawIntegers(algebra: Algebra, name: string, count: number, element: ElementType, end: number) {
  const [low, high] = isByte(element) ? elementInfo[element].range : [];
  return algebra.draw(name, count).p.map((drawn) => {
    const bits = Math.floor(drawn / 64);
    if (end < Infinity) return (bits % (end + 2)) - (element === "i32" ? 1 : 0);
    if (low !== undefined && high !== undefined) return low + (bits % (high - low + 1));
    const size = bits >>> ((drawn >>> 1) % 24);
    return element === "i32" && (drawn & 1) === 1 ? -size : size;
  });
}

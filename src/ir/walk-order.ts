/** The axes that a group of ops walks over, in the order of the one tensor that has them all. */

import { type Atom, leavesOf } from "./atoms.ts";
import type { Op, Value } from "./ir.ts";
import type { DimAtoms, IterationSpace } from "./iteration.ts";

/** What is walked, and which axis it lacks: then no tensor has all axes. */
export interface WalkOrder {
  readonly order: readonly Atom[];
  readonly missing: Atom | undefined;
}

/**
 * The atoms in the order in which they are walked: that of the first parameter, else result, else value that has them
 * all. Axes of equal extent that nothing tells apart are walked together.
 */
export function walkOrder(
  params: readonly Value[],
  returned: readonly Value[],
  live: readonly Op[],
  space: IterationSpace,
): WalkOrder {
  const reads = live.flatMap((op) => op.operands.flatMap((value, i) => (value ? [space.readBy(op, i)] : [])));
  const given = params.map((param) => space.dimsOf(param));
  const results = returned.map((value) => space.dimsOf(value));
  const values = live.flatMap((op) => op.results.map((result) => space.dimsOf(result)));
  const read = given.filter((dims) => reads.includes(dims) || results.includes(dims));
  const candidates = [...read, ...results, ...reads, ...values];

  const size = (dims: DimAtoms) => leavesOf(dims.flat()).length;
  const largest = candidates.reduce<DimAtoms>((best, dims) => (size(dims) > size(best) ? dims : best), []);
  for (const dims of candidates) {
    for (const atom of leavesOf(dims.flat())) {
      const own = leavesOf(largest.flat());
      if (!own.includes(atom)) own.find((other) => other.extent === atom.extent && space.join(atom, other));
    }
  }
  const order = leavesOf(largest.flat());
  return { order, missing: leavesOf(candidates.flat(2)).find((atom) => !order.includes(atom)) };
}

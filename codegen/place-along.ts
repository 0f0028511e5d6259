/**
 * Indices along axes outside the iteration space: the positions at which a moved tensor is read, as arithmetic on loop
 * indices.
 *
 * - place: an element's position along an atom, or along several atoms collapsed into one.
 * - moves: the position along each atom outside the iteration space.
 * - aligned: a multiple of the vector width at the first element of every unit.
 *
 * After tinygrad's ranges, which its movement ops rewrite from the result back to the loads (schedule/rangeify.py).
 */

import { type Atom, leavesOf } from "../src/ir/atoms.ts";
import { getOrInsert } from "../src/ir/groups.ts";
import { type Extent, extentOf, known, one, sameExtent, times } from "./extent.ts";
import type { Along, Moves, Node, Term } from "./nodes.ts";

export const noMoves: Moves = new Map();

/** `factor * of + offset`. */
export function affine(of: Along, factor: number, offset: number): Along {
  if (factor === 1 && offset === 0) return of;
  if (of.kind === "sum") {
    const terms = of.terms.map((term) => ({ of: term.of, factor: term.factor * factor }));
    return { kind: "sum", terms: terms.filter((term) => term.factor !== 0), offset: of.offset * factor + offset };
  }
  return { kind: "sum", terms: factor === 0 ? [] : [{ of, factor }], offset };
}

function total(terms: readonly Term[]): Along {
  const [first, ...others] = terms;
  if (first === undefined) return { kind: "sum", terms: [], offset: 0 };
  return others.length === 0 && first.factor === 1 ? first.of : { kind: "sum", terms, offset: 0 };
}

/** The position along a dimension of these atoms, each at the position that `moves` gives. */
export function placeIn(atoms: readonly Atom[], moves: Moves): Along {
  const terms: Term[] = [];
  let inner = 1;
  for (const atom of leavesOf(atoms).reverse()) {
    terms.unshift({ of: moves.get(atom) ?? { kind: "atom", atom }, factor: inner });
    inner *= typeof atom.extent === "number" ? atom.extent : Number.NaN;
  }
  return total(terms);
}

/** The row-major index over all dimensions, with each atom at the position that `moves` gives. */
export function linearPlace(dims: readonly (readonly Atom[])[], moves: Moves): Along {
  const parts = leavesOf(dims.flat()).map((atom) => ({
    of: moves.get(atom) ?? ({ kind: "atom", atom } as const),
    extent: extentOf(atom.extent),
  }));
  return { kind: "linear", parts };
}

/** The positions along the atoms of a dimension at a position along the dimension. */
export function atomsAt(atoms: readonly Atom[], place: Along): [Atom, Along][] {
  const leaves = leavesOf(atoms);
  let inner = 1;
  return leaves
    .toReversed()
    .map((atom, i): [Atom, Along] => {
      const outer: Along = inner === 1 ? place : { kind: "quotient", of: place, by: inner };
      const extent = atom.extent as number;
      inner *= extent;
      return [atom, i === leaves.length - 1 ? outer : { kind: "remainder", of: outer, by: extent }];
    })
    .reverse();
}

/** The position, clamped to the extent. */
export function within(of: Along, extent: Extent): Along {
  if (of.kind === "atom" && sameExtent(extentOf(of.atom.extent), extent)) return of;
  return { kind: "within", of, extent };
}

/** The moves of those atoms that occur in `dims`. */
export function restricted(moves: Moves, dims: readonly (readonly Atom[])[]): Moves {
  if (moves.size === 0) return moves;
  const own = leavesOf(dims.flat()).filter((atom) => moves.has(atom));
  return own.length === 0 ? noMoves : new Map(own.map((atom) => [atom, moves.get(atom) as Along]));
}

/** The inputs of an index: atoms of the iteration space, and nodes. */
export function sourcesOf(place: Along): { readonly atoms: readonly Atom[]; readonly nodes: readonly Node[] } {
  switch (place.kind) {
    case "atom":
      return { atoms: leavesOf([place.atom]), nodes: [] };
    case "value":
      return { atoms: place.node.atoms, nodes: [place.node] };
    case "count":
      return { atoms: [], nodes: [] };
    case "sum":
    case "linear": {
      const all = (place.kind === "sum" ? place.terms : place.parts).map(({ of }) => sourcesOf(of));
      return { atoms: all.flatMap(({ atoms }) => atoms), nodes: all.flatMap(({ nodes }) => nodes) };
    }
    default:
      return sourcesOf(place.of);
  }
}

/** The stride of a position from one element of a unit to the next; `undefined` if it is not constant. */
export function strideAlong(place: Along, vector: Atom, width: number): number | undefined {
  switch (place.kind) {
    case "atom":
      return Number(place.atom === vector);
    case "value":
      return place.node.atoms.includes(vector) ? undefined : 0;
    case "count":
      return 0;
    case "sum":
      return place.terms.reduce<number | undefined>((sum, { of, factor }) => {
        const own = strideAlong(of, vector, width);
        return sum === undefined || own === undefined ? undefined : sum + own * factor;
      }, 0);
    case "reverse": {
      const own = strideAlong(place.of, vector, width);
      return own === undefined ? undefined : 0 - own;
    }
    case "within":
    case "quotient":
    case "remainder": {
      const own = strideAlong(place.of, vector, width);
      const end = place.kind === "within" ? known(place.extent) : place.by;
      if (own === 0) return 0;
      // A unit does not straddle the end.
      const isWhole = own === 1 && isAligned(place.of, vector, width) && end !== undefined && end % width === 0;
      return isWhole ? Number(place.kind !== "quotient") : undefined;
    }
    case "linear": {
      let inner = one;
      return place.parts.toReversed().reduce<number | undefined>((sum, { of, extent }) => {
        const own = strideAlong(of, vector, width);
        const by = own === 0 ? 0 : known(inner);
        inner = times(inner, extent);
        return sum === undefined || own === undefined || by === undefined ? undefined : sum + own * by;
      }, 0);
    }
    default:
      return place satisfies never;
  }
}

export function isAligned(place: Along, vector: Atom, width: number): boolean {
  switch (place.kind) {
    case "atom":
      return place.atom === vector;
    case "sum":
      return (
        place.offset % width === 0 &&
        place.terms.every(({ of, factor }) => factor % width === 0 || isAligned(of, vector, width))
      );
    case "within":
      return isAligned(place.of, vector, width) && (known(place.extent) ?? 1) % width === 0;
    case "remainder":
      return isAligned(place.of, vector, width) && place.by % width === 0;
    // A linear position is that of a unit's first element, and never counted in units.
    case "linear":
      return true;
    default:
      return false;
  }
}

const numbers = new WeakMap<object, number>();
let next = 0;

function numberOf(thing: object): number {
  return getOrInsert(numbers, thing, () => next++);
}

/** A key that is equal for equal positions. */
export const keyOfPlace = (place: Along): string =>
  JSON.stringify(place, (key, value) => (key === "atom" || key === "node" ? numberOf(value) : value));

export function keyOfMoves(moves: Moves): string {
  return [...moves]
    .map(([atom, place]) => `${numberOf(atom)}=${keyOfPlace(place)}`)
    .sort()
    .join(";");
}

/**
 * Atoms: the axes of an iteration space, found by unification.
 *
 * - atom: an axis that is iterated as a whole; it has an extent. Every dimension of a value is a list of atoms, most
 *   significant first: none for an extent of 1, several if a reshape has cut it.
 * - unify: iterates two lists of atoms together. Atoms of equal extent become one; a larger atom is cut.
 * - apart: two atoms that are axes of one value. They can never be merged, as that would read a diagonal.
 *
 * Changes are recorded, so that a failed attempt can be undone.
 */

import type { Dim } from "./types.ts";

export class Atom {
  readonly extent: Dim;
  /** The atom that this one was merged into. */
  forward: Atom | undefined;
  /** The atoms that it was cut into. */
  parts: readonly [Atom, Atom] | undefined;
  apart: ReadonlySet<Atom> = new Set();

  constructor(extent: Dim) {
    this.extent = extent;
  }
}

export type Atoms = readonly Atom[];

/** The atoms that these are now, after merges and cuts. */
export function leavesOf(atoms: Iterable<Atom>): Atom[] {
  const leaves: Atom[] = [];
  for (const atom of atoms) {
    let at = atom;
    while (at.forward !== undefined) at = at.forward;
    if (at.parts === undefined) leaves.push(at);
    else leaves.push(...leavesOf(at.parts));
  }
  return leaves;
}

export class AtomTable {
  private readonly undo: (() => void)[] = [];
  /** The number of attempts that are under way, one inside the other. */
  private attempts = 0;

  /** A new atom for an extent; none for 1. */
  fresh(extent: Dim): Atoms {
    return extent === 1 ? [] : [new Atom(extent)];
  }

  /** Runs `attempt`. If it returns a problem, everything that it changed is undone. */
  try<Problem>(attempt: () => Problem | undefined): Problem | undefined {
    const mark = this.undo.length;
    this.attempts++;
    const problem = attempt();
    this.attempts--;
    if (problem !== undefined) this.undoTo(mark);
    else if (this.attempts === 0) this.undo.length = 0;
    return problem;
  }

  /** What `work` returns. Everything that it changed is undone. */
  undone<T>(work: () => T): T {
    const mark = this.undo.length;
    this.attempts++;
    const result = work();
    this.attempts--;
    this.undoTo(mark);
    return result;
  }

  private undoTo(mark: number): void {
    while (this.undo.length > mark) this.undo.pop()?.();
  }

  /** Records how to undo a change. */
  record(undo: () => void): void {
    this.undo.push(undo);
  }

  /** Unifies the two lists. @returns the reason if that is impossible. */
  unify(a: Atoms, b: Atoms): string | undefined {
    const left = leavesOf(a);
    const right = leavesOf(b);
    while (left.length > 0 && right.length > 0) {
      const [x, y] = [left.pop() as Atom, right.pop() as Atom];
      if (x === y) continue;
      if (x.extent === y.extent) {
        const problem = this.merge(x, y);
        if (problem !== undefined) return problem;
        continue;
      }
      const rest = this.align(x, y);
      if (rest === undefined) return `an axis of ${x.extent} and one of ${y.extent} do not divide one another`;
      left.push(...rest.x);
      right.push(...rest.y);
    }
    return left.length + right.length === 0 ? undefined : "they have different numbers of elements";
  }

  /** Cuts the larger of two atoms so that both end in an atom of the same extent. */
  private align(x: Atom, y: Atom): { x: Atoms; y: Atoms } | undefined {
    const [small, large] = Number(x.extent) < Number(y.extent) ? [x, y] : [y, x];
    const parts = this.cut(large, small.extent);
    if (parts === undefined) return undefined;
    return large === y ? { x: [x], y: parts } : { x: parts, y: [y] };
  }

  /** Cuts an atom into an outer part and an inner one of extent `inner`. */
  private cut(atom: Atom, inner: Dim): readonly [Atom, Atom] | undefined {
    if (typeof atom.extent !== "number" || typeof inner !== "number") return undefined;
    if (inner < 2 || atom.extent % inner !== 0) return undefined;
    const parts = [new Atom(atom.extent / inner), new Atom(inner)] as const;
    for (const part of parts) part.apart = new Set([...atom.apart, ...parts.filter((other) => other !== part)]);
    atom.parts = parts;
    this.record(() => {
      atom.parts = undefined;
    });
    return parts;
  }

  private merge(x: Atom, y: Atom): string | undefined {
    if (this.areApart(x, y)) return "that would treat two axes of one tensor as the same";
    this.setApart(y, x.apart);
    x.forward = y;
    this.record(() => {
      x.forward = undefined;
    });
    return undefined;
  }

  areApart(x: Atom, y: Atom): boolean {
    return leavesOf(x.apart).includes(y) || leavesOf(y.apart).includes(x);
  }

  private setApart(atom: Atom, more: Iterable<Atom>): void {
    const before = atom.apart;
    atom.apart = new Set(leavesOf([...before, ...more]));
    this.record(() => {
      atom.apart = before;
    });
  }

  /** Records that these are axes of one value. @returns the reason if they cannot be. */
  keepApart(atoms: Atoms): string | undefined {
    const leaves = leavesOf(atoms);
    if (new Set(leaves).size < leaves.length) return "that would treat two axes of one tensor as the same";
    for (const atom of leaves) {
      const others = leaves.filter((other) => other !== atom && !atom.apart.has(other));
      if (others.length === 0) continue;
      const known = new Set(leavesOf(atom.apart));
      if (others.some((other) => !known.has(other))) this.setApart(atom, others);
    }
    return undefined;
  }

  /** Distributes atoms over the dimensions of `shape`, which has the same number of elements. Cuts atoms that span dimensions. */
  distribute(atoms: Atoms, shape: readonly Dim[]): Atoms[] | string {
    const left = leavesOf(atoms);
    const dims: Atom[][] = [];
    for (const dim of [...shape].reverse()) {
      const taken = this.take(left, dim);
      if (taken === undefined) return `the extent ${dim} does not end where an axis of the operand ends`;
      dims.unshift(taken);
    }
    return left.length === 0 ? dims : "it mixes the axes of its operand";
  }

  /** Takes atoms from the end of `left` until they make up `dim`. */
  private take(left: Atom[], dim: Dim): Atom[] | undefined {
    if (dim !== 1 && left.at(-1)?.extent === dim) return [left.pop() as Atom];
    if (typeof dim === "string") return undefined;
    const taken: Atom[] = [];
    for (let rest = dim; rest > 1; ) {
      const atom = left.pop();
      if (atom === undefined || typeof atom.extent !== "number") return undefined;
      if (rest % atom.extent === 0) {
        taken.unshift(atom);
        rest /= atom.extent;
        continue;
      }
      const parts = this.cut(atom, rest);
      if (parts === undefined) return undefined;
      left.push(parts[0]);
      taken.unshift(parts[1]);
      rest = 1;
    }
    return taken;
  }
}

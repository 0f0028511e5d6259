/**
 * The cheapest assignment of true and false to variables under implications, as a minimum cut (by the reduction of
 * Picard 1976).
 *
 * - hard, soft: an implication that must hold, and one that may be violated at a cost.
 * - forced: a variable that follows from `yes`, or implies `no`, by hard implications. Forced variables are merged with `yes` or
 * `no`; often no others are left.
 * - core: the other variables. disjoint-paths.ts finds which of them are true.
 */

import { type Core, type Leaving, leaving, reachedSide } from "./disjoint-paths.ts";

export class Choices {
  private count = 2;
  private readonly froms: number[] = [];
  private readonly tos: number[] = [];
  /** 0 where the implication must hold. */
  private readonly costs: number[] = [];
  private visits = 0;

  /** Adds a variable. */
  add(): number {
    return this.count++;
  }

  /** Variables that are always true, and always false. */
  readonly yes = 0;
  readonly no = 1;

  /** If `a` is true then `b` is too; violating this costs `cost`, a positive integer. Without a cost it must hold. */
  imply(a: number, b: number, cost = 0): void {
    this.froms.push(a);
    this.tos.push(b);
    this.costs.push(cost);
  }

  /** The number of implications visited. */
  get work(): number {
    return this.visits;
  }

  /**
   * The cheapest assignment; among those of equal cost the one with the fewest true variables.
   * @returns whether a variable is true.
   */
  solve(): (variable: number) => boolean {
    const [forward, backward] = [this.froms, this.tos].map((ends) => leaving(this.count, ends)) as [Leaving, Leaving];
    this.visits += 2 * this.costs.length;
    const { costs } = this;
    const mustHold = (edge: number) => costs[edge] === 0;
    const isTrue = this.reached(this.yes, forward, this.tos, mustHold);
    const isFalse = this.reached(this.no, backward, this.froms, mustHold);
    if (isTrue[this.no] === 1) throw new Error("no assignment satisfies all hard implications");
    // Variables not reachable from `yes` are false: nothing forces them to be true.
    const matters = this.reached(this.yes, forward, this.tos, () => true);
    const core = new Int32Array(this.count).fill(-1);
    let size = 2;
    for (let v = 0; v < this.count; v++) {
      if (isTrue[v] === 1) core[v] = this.yes;
      else if (isFalse[v] === 1) core[v] = this.no;
      else if (matters[v] === 1) core[v] = size++;
    }
    if (size > 2) {
      const { reached, work } = reachedSide(this.coreOf(core, size));
      this.visits += work;
      for (let v = 0; v < this.count; v++)
        if ((core[v] as number) >= 2) isTrue[v] = reached[core[v] as number] as number;
    }
    return isSet(isTrue);
  }

  private reached(
    start: number,
    { starts, list }: Leaving,
    others: readonly number[],
    passes: (edge: number) => boolean,
  ): Uint8Array {
    const seen = new Uint8Array(this.count);
    seen[start] = 1;
    const open = [start];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (let i = starts[at] as number; i < (starts[at + 1] as number); i++) {
        const edge = list[i] as number;
        const other = others[edge] as number;
        this.visits++;
        if (seen[other] === 1 || !passes(edge)) continue;
        seen[other] = 1;
        open.push(other);
      }
    }
    return seen;
  }

  /** Implications of `yes` or by `no` have no effect, and a soft implication from `yes` to `no` is violated in any case. */
  private coreOf(core: Int32Array, size: number): Core {
    const [hardFrom, hardTo, softFrom, softTo]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (let edge = 0; edge < this.costs.length; edge++) {
      const [a, b] = [core[this.froms[edge] as number] as number, core[this.tos[edge] as number] as number];
      if (a < 0 || b < 0 || a === b || a === this.no || b === this.yes || (a === this.yes && b === this.no)) continue;
      const cost = this.costs[edge] as number;
      const [from, to] = cost === 0 ? [hardFrom, hardTo] : [softFrom, softTo];
      for (let i = 0; i < Math.max(1, cost); i++) {
        from.push(a);
        to.push(b);
      }
    }
    return { size, yes: this.yes, no: this.no, hardFrom, hardTo, softFrom, softTo };
  }
}

/** A function of its own, so that what it returns keeps no implications in memory. */
const isSet = (bits: Uint8Array) => (bit: number) => bits[bit] === 1;

/**
 * The iteration spaces of the histories of values: of the nearest reductions before a value, and of the elementwise ops and
 * moves of axes between.
 *
 * - history: an op with all ops that it reaches through operands of elementwise ops and moves of axes.
 * - trunk: ops that are part of many histories, in one space. Where a history contains a whole trunk, the space grows by the
 * other ops, so that a chain of reductions costs each op once, and not once for each reduction.
 */

import { getOrInsert } from "../src/ir/groups.ts";
import { type Fn, type Op, presentOperands, usesOf } from "../src/ir/ir.ts";
import { IterationSpace } from "../src/ir/iteration.ts";
import { scanOf } from "../src/ir/op-kinds.ts";
import { ops as table } from "../src/ir/ops/index.ts";

interface Trunk {
  /** With each op, its history. */
  readonly ops: Set<Op>;
  /** The ops that are in no other op's history. */
  readonly ends: Set<Op>;
  readonly space: IterationSpace;
  /** The index of the last op. */
  last: number;
  /** Whether the ops have one space. */
  isOne: boolean;
}

const newTrunk = (): Trunk => ({ ops: new Set(), ends: new Set(), space: new IterationSpace(), last: -1, isOne: true });

export class SpacesBefore {
  private readonly index: ReadonlyMap<Op, number>;
  private readonly usesOf: ReturnType<typeof usesOf>;
  /** The latest trunk of each op. */
  private readonly trunks = new Map<Op, Trunk>();

  constructor(fn: Fn) {
    this.index = new Map(fn.ops.map((op, i) => [op, i]));
    this.usesOf = usesOf(fn);
  }

  /** What `read` returns for the space of the histories of the op's operands; `undefined` if they have no common one. */
  read<T>(op: Op, read: (space: IterationSpace) => T): T | undefined {
    const first = definingOps(op);
    const { trunk, others } = this.largestTrunk(first) ?? { trunk: newTrunk(), others: this.history(first) };
    const only = this.onlyFor(op, others);
    const shared = others.findIndex((before) => only.has(before));
    const mark = shared === -1 ? others.length : shared;
    for (const before of others.slice(0, mark)) this.grow(trunk, before);
    if (!trunk.isOne) return undefined;
    const { space } = trunk;
    return space.tentatively(() => (others.slice(mark).every((one) => fits(space, one)) ? read(space) : undefined));
  }

  /**
   * The largest trunk that is part of the histories of these ops, and their other ops. As which reads of an input agree
   * depends on the order of ops, all others must come later in the function.
   */
  private largestTrunk(first: readonly Op[]) {
    const trunk = this.trunkWithin(first);
    if (trunk === undefined) return undefined;
    const others = this.history(first, (op) => trunk.ops.has(op));
    const isLater = others.length === 0 || this.indexOf(others[0] as Op) > trunk.last;
    return isLater ? { trunk, others } : undefined;
  }

  /** The largest known trunk that is part of the histories of these ops. */
  private trunkWithin(first: readonly Op[]): Trunk | undefined {
    const met = new Map<Trunk, Set<Op>>();
    this.history(first, (op) => {
      const trunk = this.trunks.get(op);
      if (trunk?.ends.has(op)) getOrInsert(met, trunk, () => new Set()).add(op);
      return trunk !== undefined;
    });
    const whole = [...met].filter(([{ ends }, found]) => found.size === ends.size).map(([trunk]) => trunk);
    return whole.sort((a, b) => b.ops.size - a.ops.size)[0];
  }

  /** The histories of these ops in the order of the function, as far as the first ops for which `isKnown`. */
  private history(first: readonly Op[], isKnown: (op: Op) => boolean = () => false): Op[] {
    const found = new Set<Op>();
    const open = [...first];
    for (let op = open.pop(); op !== undefined; op = open.pop()) {
      if (found.has(op) || isKnown(op)) continue;
      found.add(op);
      if (isBetween(op)) open.push(...definingOps(op));
    }
    return [...found].sort((a, b) => this.indexOf(a) - this.indexOf(b));
  }

  private indexOf(op: Op): number {
    return this.index.get(op) as number;
  }

  /** Those of the ops that `reader` alone reads, directly or through others of them. */
  private onlyFor(reader: Op, history: readonly Op[]): Set<Op> {
    const only = new Set([reader]);
    for (const op of history.toReversed()) {
      const uses = op.results.map((result) => this.usesOf(result));
      if (uses.every(({ ops }) => ops.every((use) => only.has(use)))) only.add(op);
    }
    return only;
  }

  private grow(trunk: Trunk, op: Op): void {
    if (isBetween(op)) for (const before of definingOps(op)) trunk.ends.delete(before);
    trunk.ops.add(op);
    trunk.ends.add(op);
    trunk.last = this.indexOf(op);
    this.trunks.set(op, trunk);
    if (trunk.isOne && !fits(trunk.space, op)) trunk.isOne = false;
  }
}

const definingOps = (op: Op) => presentOperands(op).flatMap(({ def }) => def ?? []);

/** Whether histories go on through the op. */
function isBetween({ name }: Op): boolean {
  const { kind } = table[name];
  return kind === "elementwise" || kind === "shape";
}

/** Adds an op to the space, if a loop over rows and columns computes it at the current element; others are inputs. */
function fits(space: IterationSpace, op: Op): boolean {
  const isInSpace = isBetween(op) || ["reduction", "norm"].includes(table[op.name].kind) || scanOf(op) !== undefined;
  return !isInSpace || space.add(op) === undefined;
}

/**
 * Which sets of ops can form one kernel, and its cost: the bytes that it reads and writes, and its launch.
 *
 * - group: ops that one kernel computes, or one kernel and the merge of the partial sums of its tiles of rows (mixed-order.ts).
 * - stored: a value that its kernel writes, because another kernel reads it or the function returns it.
 */

import { kernelRefusals, type Refusal } from "../src/diagnostics/refusals.ts";
import { elementsOf, estimatedBytes, mostBuffers } from "../src/ir/bytes.ts";
import { append } from "../src/ir/groups.ts";
import type { Fn, Op, Value } from "../src/ir/ir.ts";
import { firstMismatch, IterationSpace } from "../src/ir/iteration.ts";
import { loopOrder } from "../src/ir/loop-order.ts";
import { lastSums, type MixedOrder, mixedOrder, partialsOf, wayBeside } from "../src/ir/mixed-order.ts";
import { isOpaque, Memory } from "../src/ir/opaque.ts";

/** The cost of a launch in bytes moved in the same time: about 5 us at 200 GB/s. */
const launchBytes = 2 ** 20;
/** The assumed number of rows in a tile, whose partial sums have as many elements as one row. */
const usualTile = 16;

/** The ops of a function to be grouped, in program order, and the readers of each value. */
export class KernelGroups {
  readonly ops: readonly Op[];
  readonly memory: Memory;
  private readonly position: ReadonlyMap<Op, number>;
  private readonly readers = new Map<Value, Op[]>();
  private readonly returned: ReadonlySet<Value>;
  private readonly isLast: (op: Op) => boolean;

  constructor(fn: Fn) {
    this.memory = new Memory(fn);
    this.ops = this.memory.work(fn);
    this.position = new Map(this.ops.map((op, i) => [op, i]));
    for (const op of this.ops) {
      for (const value of this.memory.operands(op)) append(this.readers, value, op);
    }
    this.returned = new Set(fn.results.map(({ value }) => this.memory.of(value)));
    this.isLast = lastSums(fn);
  }

  /** Negative if `a` comes before `b` in the program. */
  readonly compare = (a: Op, b: Op): number => (this.position.get(a) as number) - (this.position.get(b) as number);

  /** The ops that read a value, and whether it is a result. */
  uses(value: Value): { readonly ops: readonly Op[]; readonly returned: boolean } {
    return { ops: this.readers.get(value) ?? [], returned: this.returned.has(value) };
  }

  /** How a group reduces rows and sums over them in one loop nest; undefined if it does not. */
  mixedOrder(group: readonly Op[]): MixedOrder | undefined {
    const found = mixedOrder(group, this.writes(group), this.isLast);
    return found === "never" ? undefined : found;
  }

  /** A change of the program that would let a reduction over rows share the loop nest of other reductions. */
  wayBeside(op: Op): string | undefined {
    return wayBeside(op, this.isLast);
  }

  /** The number of buffers of a kernel over tiles: its inputs, the results that others read, and the partial sums of its tiles. */
  private buffersOf({ body, sums }: MixedOrder): number {
    const [reads, writes] = [this.reads([...body, ...sums]), this.writes([...body, ...sums])];
    const own = new Set(sums.flatMap((op) => op.results));
    const partials = sums.reduce((all, op) => all + partialsOf(op), 0);
    return reads.filter(isBuffer).length + writes.filter((value) => !own.has(value)).length + partials;
  }

  /** Values from outside that a group reads, each once. */
  reads(group: readonly Op[]): Value[] {
    const own = new Set(group.flatMap((op) => op.results));
    const read = new Set(group.flatMap((op) => this.memory.operands(op)));
    return [...read].filter((value) => !own.has(value) && value.def?.name !== "constant");
  }

  /** Values that a group must store. */
  writes(group: readonly Op[]): Value[] {
    const inside = new Set(group);
    return group
      .flatMap((op) => op.results)
      .filter((value) => {
        const { ops, returned } = this.uses(value);
        return returned || ops.some((op) => !inside.has(op));
      });
  }

  /** The cost of a group in bytes; 0 for an op that no kernel computes. @param isMixed whether it needs a loop nest over tiles of rows. */
  cost(group: readonly Op[], isMixed?: boolean): number {
    if (group.some(isOpaque)) return 0;
    const moved = [...this.reads(group), ...this.writes(group)];
    const bytes = moved.reduce((sum, value) => sum + estimatedBytes(value.type), launchBytes);
    if (!group.some(this.isLast) || !(isMixed ?? firstMismatch(group) !== undefined)) return bytes;
    // Partial sums of tiles are written and read again.
    const partial = (op: Op) => (2 * partialsOf(op) * elementsOf(op.operand(0).shape) * 4) / usualTile;
    return group.filter(this.isLast).reduce((sum, op) => sum + partial(op), bytes + launchBytes);
  }

  /** Why the ops, in program order, are not one kernel: the first op that does not fit, and the reason. */
  refusal(group: readonly Op[], most = mostBuffers): { readonly op: Op; readonly why: Refusal } | undefined {
    const space = new IterationSpace();
    for (const op of group) {
      const why = space.add(op);
      if (why === undefined) continue;
      const { isKernel, buffers } = this.mixed(group);
      if (isKernel) return undefined;
      return { op, why: buffers === undefined ? why : kernelRefusals.manyBuffers(buffers, mostBuffers) };
    }
    return this.refusalOfLoops(group, space, most);
  }

  /**
   * Whether the ops are one kernel, without the reason.
   * @param isMixed whether they are known to need a loop nest over tiles of rows.
   */
  verdict(group: readonly Op[], isMixed: boolean): Verdict {
    const space = new IterationSpace();
    if (isMixed || group.some((op) => space.add(op) !== undefined)) return { ...this.mixed(group), isMixed: true };
    const isKernel = this.refusalOfLoops(group, space, mostBuffers) === undefined;
    return { isKernel, isMixed: false, isFinal: false };
  }

  private refusalOfLoops(group: readonly Op[], space: IterationSpace, most: number) {
    const [reads, writes] = [this.reads(group), this.writes(group)];
    const op = group.at(-1) as Op;
    const buffers = reads.filter(isBuffer).length + writes.length;
    if (buffers > most) return { op, why: kernelRefusals.manyBuffers(buffers, most) };
    const { order, missing } = loopOrder(reads, writes, group, space);
    if (missing === undefined) return undefined;
    const looped = order.map(({ extent }) => extent);
    return { op, why: kernelRefusals.noCommonSpace(looped, missing.extent) };
  }

  /** Whether one loop nest over tiles of rows computes the ops. @returns also the number of buffers, if there are too many. */
  private mixed(group: readonly Op[]): Pick<Verdict, "isKernel" | "isFinal"> & { readonly buffers?: number } {
    if (!group.some(this.isLast)) return { isKernel: false, isFinal: true };
    const found = mixedOrder(group, this.writes(group), this.isLast);
    if (found === undefined || found === "never") return { isKernel: false, isFinal: found === "never" };
    const buffers = this.buffersOf(found);
    return buffers > mostBuffers ? { isKernel: false, isFinal: false, buffers } : { isKernel: true, isFinal: false };
  }
}

/** Facts about a group that the search for a partition needs. */
export interface Verdict {
  readonly isKernel: boolean;
  /** Whether it needs a loop nest over tiles of rows. */
  readonly isMixed: boolean;
  /** Whether adding further ops, of which it reads nothing, cannot make it a kernel either. */
  readonly isFinal: boolean;
}

/** The inputs read from buffers, which excludes scalar parameters. */
const isBuffer = ({ shape, def }: Value) => shape.length > 0 || def !== undefined;

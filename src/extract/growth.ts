/** Grows the region of a norm: the ops around it that a single kernel can compute with it. */

import { bufferName } from "../../codegen/nodes.ts";
import { type Fn, isLeaf, type Op, presentOperands, usesOf, type Value } from "../ir/ir.ts";
import { firstMismatch, whyOutside } from "../ir/iteration.ts";
import { isNorm } from "../ir/op-kinds.ts";
import { ops as opTable } from "../ir/ops/index.ts";
import { isComputedFloat, printType, sameShape } from "../ir/types.ts";
import type { Dataflow, Step } from "./dataflow.ts";

/** The ops of a region, in program order, with its parameters and results. */
export interface Part {
  readonly ops: readonly Op[];
  readonly params: readonly Value[];
  readonly results: readonly Value[];
}

/** The operands with the same elements, or the same shape, as the result. */
function streamOperands(op: Op): readonly Value[] {
  if (isNorm(op) || moves(op)) return [op.operand(0)];
  if (opTable[op.name].kind !== "elementwise") return [];
  return presentOperands(op).filter(({ shape }) => sameShape(shape, op.result.shape));
}

/** Whether an op is a reshape, a transpose or another op that only moves elements. */
function moves({ name }: Op): boolean {
  const def = opTable[name];
  return def.kind === "shape" && def.move !== "repeat";
}

const isElementwise = ({ name }: Op) => opTable[name].kind === "elementwise";

export class Growth {
  private readonly places: ReadonlyMap<Op, number>;
  private readonly uses: ReturnType<typeof usesOf>;
  private readonly tensors: ReadonlyMap<Value, string>;
  private readonly flow: Dataflow;
  private readonly mostBuffers: number;
  private readonly taken = new Set<Op>();

  /** @param tensors the tensors of the model that hold values of the function. */
  constructor(fn: Fn, tensors: ReadonlyMap<Value, string>, flow: Dataflow, mostBuffers: number) {
    this.places = new Map(fn.ops.map((op, place) => [op, place]));
    this.uses = usesOf(fn);
    this.tensors = tensors;
    this.flow = flow;
    this.mostBuffers = mostBuffers;
  }

  isTaken(op: Op): boolean {
    return this.taken.has(op);
  }

  /** Makes these ops a region, and excludes them from others. */
  take({ ops }: Part): void {
    for (const op of ops) this.taken.add(op);
  }

  stepOf({ params, results }: Pick<Part, "params" | "results">): Step {
    const named = (values: readonly Value[]) => values.map((value) => this.tensorOf(value) as string);
    return { inputs: named(params), outputs: named(results) };
  }

  /**
   * The possible regions of a norm, in increasing size; or why there is none, a clause that can follow "because".
   * @param others the regions that were chosen before.
   */
  of(norm: Op, others: readonly Step[]): readonly Part[] | string {
    const fitting = (ops: ReadonlySet<Op>) => {
      const whole = this.withUnnamed(ops);
      return typeof whole === "string" ? whole : this.partOf(whole, others);
    };
    const first = fitting(new Set([norm]));
    if (typeof first === "string") return first;
    const parts = [first];
    for (let last: Part | undefined = first; last !== undefined; ) {
      const ops: ReadonlySet<Op> = new Set(last.ops);
      last = undefined;
      for (const op of this.neighbours(ops, norm)) {
        const larger = fitting(new Set([...ops, op]));
        if (typeof larger === "string" || larger.ops.length <= ops.size) continue;
        parts.push(larger);
        last = larger;
        break;
      }
    }
    return parts;
  }

  private tensorOf(value: Value): string | undefined {
    return this.tensors.get(value);
  }

  private canJoin(op: Op): boolean {
    return !isLeaf(op) && !this.taken.has(op) && whyOutside(op) === undefined;
  }

  /** Adds ops until all boundaries are tensors of the model: a node may be several ops. */
  private withUnnamed(ops: ReadonlySet<Op>): Set<Op> | string {
    const whole = new Set(ops);
    for (const op of whole) {
      for (const operand of presentOperands(op)) {
        const { def } = operand;
        if (def === undefined || isLeaf(def) || this.tensorOf(operand) !== undefined) continue;
        if (!this.canJoin(def))
          return `an operand of \`${op.name}\`, the result of \`${def.name}\`, is not a tensor of the model`;
        whole.add(def);
      }
      if (op.results.some((result) => this.tensorOf(result) !== undefined)) continue;
      for (const user of this.usersOf(op)) if (this.canJoin(user)) whole.add(user);
    }
    return whole;
  }

  private usersOf({ results }: Op): Op[] {
    return results.flatMap((result) => this.uses(result).ops);
  }

  private sorted(ops: Iterable<Op>): Op[] {
    return [...new Set(ops)].sort((a, b) => (this.places.get(a) as number) - (this.places.get(b) as number));
  }

  /** Candidates for growing a region: ops before the norm, nearest first, then ops after it. */
  private neighbours(ops: ReadonlySet<Op>, norm: Op): Op[] {
    const isOpen = (op: Op) => !ops.has(op) && this.canJoin(op);
    /** With another use, the value would have to be stored as well, in another layout. */
    const isOnlyUse = (value: Value) => this.uses(value).ops.length === 1 && !this.uses(value).returned;
    const before = new Set([norm]);
    for (const op of before) {
      for (const { def } of streamOperands(op)) if (def !== undefined && ops.has(def)) before.add(def);
    }
    const operands = [...before].flatMap((op) => streamOperands(op));
    const back = operands.flatMap(({ def }) => {
      if (def === undefined || !isOpen(def)) return [];
      return isElementwise(def) || (moves(def) && isOnlyUse(def.result)) ? [def] : [];
    });
    const after = new Set([norm]);
    const readersOf = (op: Op) => this.usersOf(op).filter((user) => streamOperands(user).some(({ def }) => def === op));
    for (const op of after) for (const user of readersOf(op)) if (ops.has(user)) after.add(user);
    const on = [...after].flatMap((op) =>
      readersOf(op).filter((user) => {
        if (!isOpen(user)) return false;
        return isElementwise(user) || isNorm(user) || (moves(user) && isOnlyUse(user.operand(0)));
      }),
    );
    return [...this.sorted(back).reverse(), ...this.sorted(on)];
  }

  /** The region of these ops, or why a kernel cannot replace them. */
  private partOf(whole: ReadonlySet<Op>, others: readonly Step[]): Part | string {
    const results = this.resultsOf(whole);
    if (results.length === 0) return "none of its results is a tensor of the model that is used";
    const live = new Set<Op>();
    const read = new Set(results);
    for (const { def } of read) {
      if (def === undefined || !whole.has(def)) continue;
      live.add(def);
      for (const operand of presentOperands(def)) read.add(operand);
    }
    const leaves = [...read].flatMap(({ def }) => (def !== undefined && isLeaf(def) ? [def] : []));
    const params = [...read].filter(({ def }) => def === undefined || !(whole.has(def) || isLeaf(def)));
    const ops = this.sorted(live);
    const part = { ops, params: this.inOrder(params, ops), results };
    return this.whyNot(part, leaves, others) ?? part;
  }

  /** Parameters in the order in which they are read. */
  private inOrder(params: readonly Value[], ops: readonly Op[]): Value[] {
    const reads = new Set(ops.flatMap(presentOperands));
    return [...reads].filter((value) => params.includes(value));
  }

  /** The results of ops that the rest of the model uses. */
  private resultsOf(ops: ReadonlySet<Op>): Value[] {
    const made = this.sorted(ops).flatMap(({ results }) =>
      results.filter((value) => this.tensorOf(value) !== undefined),
    );
    const operands = [...ops].flatMap(presentOperands).filter(({ def }) => def === undefined || !ops.has(def));
    const taken = new Set(operands.flatMap((value) => this.tensorOf(value) ?? []));
    const inside = this.flow.only(
      made.map((value) => this.tensorOf(value) as string),
      taken,
    );
    return made.filter((value) => this.flow.isTakenOutside(this.tensorOf(value) as string, inside));
  }

  private whyNot(part: Part, leaves: readonly Op[], others: readonly Step[]): string | undefined {
    const { ops, params, results } = part;
    const mismatch = firstMismatch(ops);
    if (mismatch !== undefined) return `\`${mismatch.op.name}\` is not computed with it: ${mismatch.reason}`;
    const foreign = [...params, ...results].find(({ type }) => type.opaque === true || !isComputedFloat(type.element));
    if (foreign !== undefined) {
      return `\`${foreign.name}\` is ${printType(foreign.type)}, and kernels only read and write tensors of floats`;
    }
    const extents = new Set(params.flatMap(({ shape }) => shape));
    const values = ops.flatMap((op) => op.results);
    const open = values.flatMap(({ shape }) => shape).find((dim) => typeof dim === "string" && !extents.has(dim));
    if (open !== undefined) return `none of its operands has the dimension \`${open}\``;
    const constants = new Set(leaves.filter(({ name }) => name === "global").map((op) => bufferName(op.result)));
    const count = params.length + constants.size + results.length;
    if (count > this.mostBuffers) return `it needs ${count} storage buffers, and the target has ${this.mostBuffers}`;
    if (this.flow.isCyclic(this.stepOf(part), others)) return "one of its operands depends on one of its results";
    return undefined;
  }
}

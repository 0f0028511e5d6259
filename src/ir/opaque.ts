/**
 * Ops that no kernel computes, such as products, convolutions and ops of other programs, and the buffers that they read.
 *
 * - view: a reshape that only such ops read. As the elements of a tensor are in row-major order, its buffer can be
 *   read in another shape without a copy.
 */

import { type Fn, isLeaf, type Op, presentOperands, usesOf, type Value } from "./ir.ts";
import { whyOutside } from "./iteration.ts";
import { lazily } from "./lazily.ts";
import { ops } from "./ops/index.ts";

export const isOpaque = (op: Op): boolean => whyOutside(op) !== undefined;

const isReshape = (op: Op | undefined): op is Op => {
  const def = op && ops[op.name];
  return def?.kind === "shape" && def.move === "regroup";
};

/** The value whose buffer contains the elements of this one. A scalar may not be in a buffer. */
function stored(value: Value): Value {
  const { def } = value;
  if (!isReshape(def)) return value;
  const from = stored(def.operand(0));
  return from.shape.length === 0 ? value : from;
}

/** Which buffers hold the values of a function. */
export class Memory {
  /** Reshapes that no kernel computes. */
  readonly views: ReadonlySet<Op>;

  constructor(fn: Fn) {
    // Most functions have no reshape, and need no uses.
    const uses = lazily(() => usesOf(fn));
    const views = new Set<Op>();
    const returned = new Set(fn.results.map(({ value }) => value));
    for (const op of fn.ops.toReversed()) {
      if (!isReshape(op)) continue;
      const { ops: readers } = uses()(op.result);
      const isRead = readers.every(
        (reader) => views.has(reader) || (isOpaque(reader) && stored(op.result) !== op.result),
      );
      // The result of an opaque op is written into the buffer of the function's result that is a view of it, if there is only one.
      const from = stored(op.result);
      const isMade = from.def !== undefined && isOpaque(from.def) && !returned.has(from);
      const isOnly = fn.results.filter(({ value }) => stored(value) === from).length === 1;
      if (isRead && (returned.has(op.result) ? isMade && isOnly : readers.length > 0)) views.add(op);
    }
    this.views = views;
  }

  /** The value whose buffer holds this one. */
  of(value: Value): Value {
    const { def } = value;
    return def !== undefined && this.views.has(def) ? this.of(def.operand(0)) : value;
  }

  /** The value whose buffer an opaque op reads for this operand. */
  source(value: Value): Value {
    return this.of(stored(value));
  }

  /** The operands of an op, each as the value whose buffer holds it. */
  operands(op: Op): readonly Value[] {
    const operands = presentOperands(op);
    if (isOpaque(op)) return operands.map((value) => this.source(value));
    return this.views.size === 0 ? operands : operands.map((value) => this.of(value));
  }

  /** The ops that are computed, by kernels or as opaque steps. */
  work({ ops }: Fn): Op[] {
    return ops.filter((op) => !isLeaf(op) && !this.views.has(op));
  }
}

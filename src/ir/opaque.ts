/**
 * Ops that no kernel computes, and what they read: products, convolutions, ops of other programs.
 *
 * - view: a reshape that nothing but such ops read. The elements of a tensor lie in row-major order, so that its buffer is
 *   read in another shape as it is: no kernel copies it.
 */

import { type Fn, isLeaf, type Op, presentOperands, usesOf, type Value } from "./ir.ts";
import { whyOutside } from "./iteration.ts";
import { ops } from "./ops/index.ts";

export const isOpaque = (op: Op): boolean => whyOutside(op) !== undefined;

const isReshape = (op: Op | undefined): op is Op => {
  const def = op && ops[op.name];
  return def?.kind === "shape" && def.move === "regroup";
};

/** The value whose buffer has the elements of this one. A number without dimensions may be none of a buffer. */
function stored(value: Value): Value {
  const { def } = value;
  if (!isReshape(def)) return value;
  const from = stored(def.operand(0));
  return from.shape.length === 0 ? value : from;
}

/** Which values of a function lie in memory, and who reads them there. */
export class Memory {
  /** Reshapes that no kernel computes. */
  readonly views: ReadonlySet<Op>;

  constructor(fn: Fn) {
    const uses = usesOf(fn);
    const views = new Set<Op>();
    const returned = new Set(fn.results.map(({ value }) => value));
    for (const op of fn.ops.toReversed()) {
      if (!isReshape(op)) continue;
      const { ops: readers } = uses(op.result);
      const isRead = readers.every(
        (reader) => views.has(reader) || (isOpaque(reader) && stored(op.result) !== op.result),
      );
      // What an opaque op makes is written into the buffer of the result that is it, reshaped, if there is one such result.
      const from = stored(op.result);
      const isMade = from.def !== undefined && isOpaque(from.def) && !returned.has(from);
      const isOnly = fn.results.filter(({ value }) => stored(value) === from).length === 1;
      if (isRead && (!returned.has(op.result) || (isMade && isOnly))) views.add(op);
    }
    this.views = views;
  }

  /** The value in whose buffer this one lies. */
  of(value: Value): Value {
    const { def } = value;
    return def !== undefined && this.views.has(def) ? this.of(def.operand(0)) : value;
  }

  /** The value in whose buffer an opaque op reads its operand. */
  source(value: Value): Value {
    return this.of(stored(value));
  }

  /** What an op reads, each operand by the value in whose buffer it lies. */
  operands(op: Op): Value[] {
    return presentOperands(op).map((value) => (isOpaque(op) ? this.source(value) : this.of(value)));
  }

  /** The ops that a kernel computes, or that stand for themselves. */
  work({ ops }: Fn): Op[] {
    return ops.filter((op) => !isLeaf(op) && !this.views.has(op));
  }
}

/** The order of the axes of an iteration space: that of a tensor that has them all. */

import { type Atom, leavesOf } from "./atoms.ts";
import { type Op, presentOperands, type Value } from "./ir.ts";
import type { IterationSpace } from "./iteration.ts";
import { ops } from "./ops/index.ts";

/** The loop order, and an axis that is missing from it if no tensor has all axes. */
interface LoopOrder {
  readonly order: readonly Atom[];
  readonly missing: Atom | undefined;
}

/**
 * The atoms in the order of the first parameter, else of the first result, else of the first value that has them
 * all. Axes of equal extent that never occur together are iterated as one.
 */
export function loopOrder(
  params: readonly Value[],
  returned: readonly Value[],
  live: readonly Op[],
  space: IterationSpace,
): LoopOrder {
  const inLoops = opsInLoops(returned, live);
  const reading = inLoops.filter(({ name }) => ops[name].kind !== "index");
  const reads = reading.flatMap((op) => op.operands.flatMap((value, i) => (value ? [space.readBy(op, i)] : [])));
  const given = params.map((param) => space.dimsOf(param));
  const results = returned.map((value) => space.dimsOf(value));
  const values = inLoops.flatMap((op) => op.results.map((result) => space.dimsOf(result)));
  const isRead = new Set([...reads, ...results]);
  const read = given.filter((dims) => isRead.has(dims));
  const candidates = [...new Set([...read, ...results, ...reads, ...values])].map((dims) => leavesOf(dims.flat()));

  // Other atoms are joined with one of these.
  const order = candidates.reduce((best, atoms) => (atoms.length > best.length ? atoms : best), []);
  const others = [...new Set(candidates.flat())].filter((atom) => !order.includes(atom));
  const isMissing = (atom: Atom) => !order.some((own) => own.extent === atom.extent && space.join(atom, own));
  const missing = others.filter(isMissing);
  return { order, missing: missing[0] };
}

/** The ops that are computed at the current element, not only at indices moved by other ops. */
export function opsInLoops(returned: readonly Value[], live: readonly Op[]): Op[] {
  const own = new Set(live);
  const [inLoops, moved] = [new Set<Op>(), new Set<Op>()];
  const open = returned.map((value) => ({ value, isMoved: false }));
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const op = at.value.def;
    if (op === undefined || !own.has(op)) continue;
    const { kind } = ops[op.name];
    const isMoved = at.isMoved && kind !== "reduction" && kind !== "norm";
    const seen = isMoved ? moved : inLoops;
    if (seen.has(op)) continue;
    seen.add(op);
    for (const value of presentOperands(op)) open.push({ value, isMoved: isMoved || kind === "index" });
  }
  return live.filter((op) => inLoops.has(op));
}

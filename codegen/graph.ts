/** What a kernel computes, as a graph over its iteration space. */

import { fail } from "../src/diagnostics/diagnostic.ts";
import { kernelErrors } from "../src/diagnostics/errors-kernel.ts";
import { Atom, leavesOf } from "../src/ir/atoms.ts";
import { type Fn, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { type DimAtoms, IterationSpace } from "../src/ir/iteration.ts";
import { walkedFor, walkOrder } from "../src/ir/walk-order.ts";
import type { Tile } from "../src/plan/plan.ts";
import { GraphBuilder } from "./graph-builder.ts";
import type { Node } from "./nodes.ts";

export interface Store {
  readonly name: string;
  readonly node: Node;
  readonly dims: DimAtoms;
}

/** Means that are subtracted from their rows. */
export const centeringMeans = (nodes: readonly Node[]): ReadonlySet<Node | undefined> =>
  new Set(nodes.filter(({ kind }) => kind === "centered").map(({ operands }) => operands[1]));

export interface Graph {
  readonly fn: Fn;
  /** Operands before users; only what a result needs. */
  readonly nodes: readonly Node[];
  readonly stores: readonly Store[];
  /** All atoms that are walked, in the order of the tensor that decides it. */
  readonly rows: readonly Atom[];
  readonly columns: readonly Atom[];
  /** How many there are: one more than the highest. */
  readonly levels: number;
}

/**
 * @param online whether a sum of exp(x - max(x)) is folded along with the maximum, and so no level of its own.
 * @throws TircError E0502 or E0503 where one walk does not compute it all.
 */
export function buildGraph(fn: Fn, online = false, tile?: Tile): Graph {
  const live = liveOps(fn);
  const space = new IterationSpace();
  for (const op of live) {
    const refusal = space.add(op);
    if (refusal !== undefined) fail(kernelErrors.cannotWalk(op.span, op.name, refusal));
  }
  const returned = fn.results.map(({ value }) => value);
  const walked = orderOf(fn, returned, live, space);
  const outer = tile && cut(walked, tile);
  const order = leavesOf(walked);
  const columns = new Set(leavesOf(space.columns).filter((atom) => atom !== outer));
  const builder = new GraphBuilder(space, live, columns, online);
  const { nodes, nodeOf } = builder.build(walkedFor(returned, live));
  // Of each tile there is one result.
  const dimsOf = (value: Value) => {
    const dims = space.dimsOf(value);
    return outer === undefined || leavesOf(dims.flat()).includes(outer) ? dims : [[outer], ...dims];
  };
  const stores = fn.results.map(({ name, value }) => ({ name, node: nodeOf(value), dims: dimsOf(value) }));
  return {
    fn,
    nodes,
    stores,
    rows: order.filter((atom) => !columns.has(atom)),
    columns: order.filter((atom) => columns.has(atom)),
    levels: 1 + nodes.reduce((highest, { level }) => Math.max(highest, level), 0),
  };
}

/** Cuts the axis of a tile's dimension into the tiles, which are rows, and the length of one. @returns the axis of tiles. */
function cut(walked: readonly Atom[], { dim, count, size }: Tile): Atom {
  const axis = walked.find(({ extent }) => extent === dim);
  if (axis === undefined) throw new Error(`nothing has the dimension \`${dim}\` that is cut into tiles`);
  const [outer, inner] = [new Atom(count), new Atom(size)];
  axis.parts = [outer, inner];
  return outer;
}

/** The ops that a result needs, in order. */
function liveOps(fn: Fn): Op[] {
  const needed = new Set<Value>(fn.results.map(({ value }) => value));
  const live = [...fn.ops].reverse();
  const kept: Op[] = [];
  for (const op of live) {
    if (!op.results.some((result) => needed.has(result))) continue;
    kept.push(op);
    for (const operand of presentOperands(op)) needed.add(operand);
  }
  return kept.reverse();
}

/** @throws TircError E0503 where no tensor has all axes. */
function orderOf(fn: Fn, returned: readonly Value[], live: readonly Op[], space: IterationSpace): readonly Atom[] {
  const { order, missing } = walkOrder(fn.params, returned, live, space);
  if (missing === undefined) return order;
  const walked = order.map((atom) => atom.extent).join(" x ") || "1";
  const why = `the largest walks over ${walked}, and another axis has ${missing.extent}`;
  fail(kernelErrors.noCommonSpace(fn.span, fn.name, why));
}

/** Whether the result has the columns of the walk, even if its values do not differ along them. */
export function isColumnStore({ dims, node }: Store, { columns }: Graph): boolean {
  const atoms = leavesOf(dims.flat());
  return node.isColumn || columns.some((atom) => atoms.includes(atom));
}

/** What a kernel computes, as a graph over its iteration space. */

import * as kernelMessages from "../src/diagnostics/areas/kernels.ts";
import { fail } from "../src/diagnostics/diagnostic.ts";
import { Atom, leavesOf } from "../src/ir/atoms.ts";
import { type Fn, type Op, presentOperands, type Value } from "../src/ir/ir.ts";
import { type DimAtoms, IterationSpace } from "../src/ir/iteration.ts";
import { loopOrder, opsInLoops } from "../src/ir/loop-order.ts";
import { summedAxes } from "../src/ir/mixed-order.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import type { ReductionDef } from "../src/ir/ops/def.ts";
import { ops as table } from "../src/ir/ops/index.ts";
import { type RunningReduction, runningOf } from "../src/kernel/running.ts";
import type { Tile } from "../src/plan/plan.ts";
import { GraphBuilder, type Joined } from "./graph-builder.ts";
import type { Node } from "./nodes.ts";

export interface Store {
  readonly name: string;
  readonly node: Node;
  readonly dims: DimAtoms;
}

/** A result of a sum over the rows of each tile, or of another reduction that accumulates rows one by one. */
export interface TileSum extends Store {
  /** The summed node; `node` is the sum. */
  readonly operand: Node;
  readonly running: RunningReduction;
}

/** The loops of a kernel that sums over the rows of tiles in addition to computing each row. */
export interface TiledRows {
  readonly sums: readonly TileSum[];
  /** Row axes in loop order: those before the summed ones, the summed ones, and those after them. */
  readonly before: readonly Atom[];
  /** The first of them is cut into tiles. */
  readonly summed: readonly Atom[];
  readonly behind: readonly Atom[];
  /** The axis of tiles. */
  readonly tiles: Atom;
}

/** Means that are subtracted from their rows. */
export const centeringMeans = (nodes: readonly Node[]): ReadonlySet<Node | undefined> =>
  new Set(nodes.filter(({ kind }) => kind === "centered").map(({ operands }) => operands[1]));

/** Whether there are scans in both directions, so that loops may visit the elements of a row in different orders. */
export const goesBothWays = ({ nodes }: Pick<Graph, "nodes">): boolean =>
  new Set(nodes.flatMap(({ direction }) => direction ?? [])).size > 1;

export interface Graph {
  readonly fn: Fn;
  /** The nodes that a result depends on, operands before users. */
  readonly nodes: readonly Node[];
  readonly stores: readonly Store[];
  /** The row axes in loop order, which is that of the largest tensor. */
  readonly rows: readonly Atom[];
  readonly columns: readonly Atom[];
  /** The number of stages. */
  readonly stages: number;
  /** Present if a lane iterates over the rows of a tile and sums over them. */
  readonly tiled?: TiledRows;
}

/**
 * @param joined which reductions have no stage of their own.
 * @throws TircError E0502 or E0503 if one loop nest cannot compute everything.
 */
export function buildGraph(fn: Fn, joined: Joined = {}, tile?: Tile): Graph {
  const live = liveOps(fn);
  const sums = tile === undefined ? [] : sumsOver(fn, tile);
  const looped = sums.length === 0 ? live : live.filter((op) => !sums.includes(op));
  const space = spaceOf(looped);
  // If nothing else is reduced, the rows of a tile are the columns.
  const { columns } = space;
  const isTiled = sums.length > 0 && columns.length > 0 && columns.every(({ extent }) => extent !== tile?.dim);
  return isTiled
    ? tiledGraph(fn, { space, live: looped, sums, tile: tile as Tile, joined })
    : plainGraph(fn, sums.length === 0 ? space : spaceOf(live), live, joined, tile);
}

function spaceOf(live: readonly Op[]): IterationSpace {
  const space = new IterationSpace();
  for (const op of live) {
    const refusal = space.add(op);
    if (refusal !== undefined) fail(kernelMessages.noLoops(op.span, op.name, refusal));
  }
  return space;
}

function plainGraph(fn: Fn, space: IterationSpace, live: readonly Op[], joined: Joined, tile: Tile | undefined): Graph {
  const returned = fn.results.map(({ value }) => value);
  const looped = orderOf(fn, returned, live, space);
  const outer = tile && cut(looped, tile);
  const order = leavesOf(looped);
  const columns = new Set(leavesOf(space.columns).filter((atom) => atom !== outer));
  const scanned = space.scannedColumns;
  const builder = new GraphBuilder(space, live, columns, joined);
  const { nodes, nodeOf } = builder.build(opsInLoops(returned, live));
  // Each tile has a result of its own.
  const dimsOf = (value: Value) => {
    const dims = space.dimsOf(value);
    return outer === undefined || leavesOf(dims.flat()).includes(outer) ? dims : [[outer], ...dims];
  };
  const stores = fn.results.map(({ name, value }) => ({ name, node: nodeOf(value), dims: dimsOf(value) }));
  const axes = axesOf(order, columns);
  return { fn, nodes, stores, ...axes, ...(scanned.length > 0 && { columns: scanned }), stages: stagesOf(nodes) };
}

const axesOf = (order: readonly Atom[], columns: ReadonlySet<Atom>) => ({
  rows: order.filter((atom) => !columns.has(atom)),
  columns: order.filter((atom) => columns.has(atom)),
});

const stagesOf = (nodes: readonly Node[]) => 1 + nodes.reduce((highest, { stage }) => Math.max(highest, stage), 0);

/** The reductions of the tiled dimension that are results. */
function sumsOver({ ops, results }: Fn, { dim }: Tile): Op[] {
  const returned = new Set(results.map(({ value }) => value));
  return ops.filter((op) => {
    const def = table[op.name];
    if (def.kind !== "reduction" || runningOf(def.reduction) === undefined) return false;
    if (!op.results.every((result) => returned.has(result))) return false;
    const { shape } = op.operand(0);
    return attribute.axes(op.attributes).some((axis) => shape.at(axis) === dim);
  });
}

/** The graph of a loop over rows, each of which is added to the sums of its tile. */
function tiledGraph(
  fn: Fn,
  given: {
    readonly space: IterationSpace;
    readonly live: readonly Op[];
    readonly sums: readonly Op[];
    readonly tile: Tile;
    readonly joined: Joined;
  },
): Graph {
  const { space, live, sums, tile, joined } = given;
  const own = fn.results.filter(({ value }) => !sums.some((op) => op.results.includes(value)));
  const ends = [...own.map(({ value }) => value), ...sums.map((op) => op.operand(0))];
  const order = orderOf(fn, ends, live, space);
  const columns = new Set(space.columns);
  const builder = new GraphBuilder(space, live, columns, joined);
  const { nodes, nodeOf } = builder.build(opsInLoops(ends, live));
  const axes = axesOf(order, columns);
  const { rows } = axes;
  const from = rows.findIndex(({ extent }) => extent === tile.dim);
  const axesOfSum = (op: Op) => summedAxes(op, space, rows);
  const isSummed = (atom: Atom) => sums.every((op) => axesOfSum(op).some(({ atoms }) => atoms.includes(atom)));
  const end = rows.findIndex((atom, i) => i > from && !isSummed(atom));
  const until = end < 0 ? rows.length : end;
  const tiles = new Atom(tile.count);
  const stores = own.map(({ name, value }) => ({ name, node: nodeOf(value), dims: space.dimsOf(value) }));
  const sumsOf = (op: Op): readonly TileSum[] => op.results.map((value, i) => sumOf(op, value, nodes.length + i));
  const sumOf = (op: Op, value: Value, number: number): TileSum => {
    const operand = nodeOf(op.operand(0));
    const dims = space.dimsOf(op.operand(0));
    const reduced = attribute.axes(op.attributes).map((axis) => axis + dims.length);
    const rest = dims.filter((_, axis) => !reduced.includes(axis));
    const node: Node = {
      ...{ number, kind: "single", value, op, operands: [operand], stage: operand.stage, isColumn: true },
      atoms: [tiles, ...leavesOf(rest.flat())],
    };
    const { name } = fn.results.find((result) => result.value === value) as Fn["results"][number];
    const running = runningOf((table[op.name] as ReductionDef).reduction) as RunningReduction;
    return { name, operand, node, running, dims: [[tiles], ...rest] };
  };
  return {
    ...{ fn, nodes, stores, ...axes, stages: stagesOf(nodes) },
    tiled: {
      ...{ sums: sums.flatMap(sumsOf), tiles },
      ...{ before: rows.slice(0, from), summed: rows.slice(from, until), behind: rows.slice(until) },
    },
  };
}

/**
 * Splits the axis of the tiled dimension into an axis of tiles, which is a row axis, and one within a tile. @returns the axis of
 * tiles.
 */
function cut(looped: readonly Atom[], { dim, count, size }: Tile): Atom {
  const axis = looped.find(({ extent }) => extent === dim);
  if (axis === undefined) throw new Error(`nothing has the dimension \`${dim}\` that is cut into tiles`);
  const [outer, inner] = [new Atom(count), new Atom(size)];
  axis.parts = [outer, inner];
  return outer;
}

/** The ops that a result depends on, in order. */
function liveOps(fn: Fn): Op[] {
  const needed = new Set<Value>(fn.results.map(({ value }) => value));
  const live = fn.ops.toReversed().filter((op) => {
    const isLive = op.results.some((result) => needed.has(result));
    if (isLive) for (const operand of presentOperands(op)) needed.add(operand);
    return isLive;
  });
  return live.reverse();
}

/** @throws TircError E0503 if no tensor has all axes. */
function orderOf(fn: Fn, returned: readonly Value[], live: readonly Op[], space: IterationSpace): readonly Atom[] {
  const { order, missing } = loopOrder(fn.params, returned, live, space);
  if (missing === undefined) return order;
  const looped = order.map((atom) => atom.extent).join(" x ") || "1";
  const why = `the largest has ${looped}, and another axis has ${missing.extent}`;
  fail(kernelMessages.noCommonSpace(fn.span, fn.name, why));
}

/** Whether the result has the column axes, even if its values do not vary along them. */
export function isColumnStore({ dims, node }: Store, { columns }: Graph): boolean {
  const atoms = leavesOf(dims.flat());
  return node.isColumn || columns.some((atom) => atoms.includes(atom));
}

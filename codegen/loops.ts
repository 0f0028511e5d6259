/**
 * The loops over a row's columns: one for each stage that reduces or stores something along the row. A loop recomputes the
 * values that it needs, except those that an earlier loop has cached.
 */

import * as kernelMessages from "../src/diagnostics/areas/kernels.ts";
import { fail } from "../src/diagnostics/diagnostic.ts";
import { grouped } from "../src/ir/groups.ts";
import { ops } from "../src/ir/ops/index.ts";
import { type Accumulator, operandsOf } from "./accumulators.ts";
import { computedType } from "./expression.ts";
import { type Graph, goesBothWays, isColumnStore, type Store, type TileSum } from "./graph.ts";
import type { Node } from "./nodes.ts";
import type { Schedule } from "./schedule.ts";

export interface Loop {
  readonly stage: number;
  /** The column nodes that a step computes or reads from a cache, operands first. */
  readonly nodes: readonly Node[];
  readonly stores: readonly Store[];
  /** Sums over the rows of a tile, to which the loop adds its row. */
  readonly sums: readonly TileSum[];
  /** Nodes that a later loop reads: the lane caches them. */
  readonly keeps: ReadonlySet<Node>;
  /** Nodes that are read from the caches of earlier loops. */
  readonly reads: ReadonlySet<Node>;
  /** Nodes whose cache no later loop reads. */
  readonly frees: ReadonlySet<Node>;
  /** Whether the loop counts steps, which are the indices of cached values. */
  readonly counts: boolean;
  /** Whether it runs from the end of the row to its first element. */
  readonly isReverse: boolean;
  /** Whether all lanes of a row execute each step, including those without an element, as scans exchange sums in it. */
  readonly isTogether: boolean;
}

/** If caching computes fewer than one in this many nodes, rows are cached even beyond the limits of a lane. */
const mostRepeats = 4;
/** The most nodes in all loops of a kernel: no driver would compile more. */
const mostNodes = 100_000;

/**
 * The loops by stage; `undefined` for a stage that does nothing along the row.
 * @throws TircError E0506 if the kernel would be too large because its reductions recompute their rows.
 */
export function planLoops(graph: Graph, schedule: Schedule, cache: Cache): (Loop | undefined)[] {
  const { width, steps, mostRowsPerLane } = schedule;
  // In the other direction, an element belongs to another lane, which cannot read this lane's cache.
  const isOneWay = !goesBothWays(graph);
  const cached = plan(graph, (node) => isOneWay && (!cache.isMemory || isExpensive(node)));
  const arrays = countArrays(cached) * mostRowsPerLane;
  const fits = steps !== undefined && arrays * steps * width <= cache.elements && arrays <= cache.arrays;
  if (fits) return cached;
  const recomputed = plan(graph, () => false);
  const [most, least] = [countNodes(recomputed), countNodes(cached)];
  if (most <= mostRepeats * least) return recomputed;
  if (steps !== undefined) return cached;
  if (most > mostNodes) fail(kernelMessages.tooLarge(graph.fn.span, graph.fn.name, cached.length, most));
  return recomputed;
}

const inOrder = (a: Node, b: Node) => a.number - b.number;

const countNodes = (loops: readonly (Loop | undefined)[]) =>
  loops.reduce((sum, loop) => sum + (loop?.nodes.length ?? 0), 0);

/** The number of arrays that a lane needs. An array is reused from the last loop that reads it on. */
function countArrays(loops: readonly (Loop | undefined)[]): number {
  const typeOf = ({ value }: Node) => computedType(value.element);
  const spare = new Map<string, number>();
  let count = 0;
  for (const loop of loops) {
    for (const node of loop?.frees ?? []) spare.set(typeOf(node), (spare.get(typeOf(node)) ?? 0) + 1);
    for (const node of loop?.keeps ?? []) {
      const free = spare.get(typeOf(node)) ?? 0;
      if (free > 0) spare.set(typeOf(node), free - 1);
      else count++;
    }
  }
  return count;
}

/** How much of its rows a lane can cache between loops. */
interface Cache {
  /** The number of elements. */
  readonly elements: number;
  /** The number of arrays, one for each node and row, that the driver's compiler handles. */
  readonly arrays: number;
  /** Whether caching a value and reading it back costs as much as two loads, as on a processor. */
  readonly isMemory: boolean;
}

/** Whether recomputing the node costs more than caching it: it needs several loads, or an op of high cost. */
function isExpensive(node: Node): boolean {
  let loads = 0;
  const open = [node];
  const seen = new Set(open);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at.kind === "load") loads++;
    if (loads > 2 || at.kind === "scan" || costOf(at) === "high") return true;
    for (const operand of at.operands) {
      if (!operand.isColumn || seen.has(operand)) continue;
      seen.add(operand);
      open.push(operand);
    }
  }
  return false;
}

/** The cost of an elementwise node. */
function costOf({ op, kind }: Node) {
  const def = kind === "elementwise" && op !== undefined ? ops[op.name] : undefined;
  return def?.kind === "elementwise" ? def.cost : undefined;
}

function plan(graph: Graph, keeps: (node: Node) => boolean): (Loop | undefined)[] {
  const rowAtoms = new Set(graph.rows);
  const computedIn = new Map<Node, number>();
  const keptBy = new Map<number, Set<Node>>();
  const lastRead = new Map<Node, number>();
  const reduced = grouped(
    graph.nodes.filter((node) => node.kind === "reduction"),
    (node) => node.stage - 1,
  );
  const stored = grouped(
    graph.stores.filter((store) => isColumnStore(store, graph)),
    ({ node }) => node.stage,
  );

  // A sum over rows is computed in the first loop at or after the stage of its elements.
  const looped = new Set([...reduced.keys(), ...stored.keys()]);
  const summed = grouped(graph.tiled?.sums ?? [], ({ operand: { stage } }) => {
    const later = [...looped].filter((one) => one >= stage);
    return later.length > 0 ? Math.min(...later) : stage;
  });

  const needs = (stage: number) => {
    const [reductions, stores] = [reduced.get(stage) ?? [], stored.get(stage) ?? []];
    const sums = summed.get(stage) ?? [];
    if (reductions.length + stores.length + sums.length === 0) return undefined;
    const open = [
      ...reductions.flatMap((node) => node.operands),
      ...[...stores.map(({ node }) => node), ...sums.map(({ operand }) => operand)],
    ];
    const [needed, reads] = [new Set(open), new Set<Node>()];
    for (const node of needed) {
      if (!node.isColumn) {
        needed.delete(node);
        continue;
      }
      const before = computedIn.get(node);
      // Values that are the same in every row are cheap to load again.
      if (before !== undefined && keeps(node) && node.atoms.some((atom) => rowAtoms.has(atom))) {
        reads.add(node);
        keptBy.get(before)?.add(node);
        lastRead.set(node, stage);
        continue;
      }
      computedIn.set(node, stage);
      for (const operand of node.operands) needed.add(operand);
    }
    const nodes = [...needed].sort(inOrder);
    const kept = new Set<Node>();
    keptBy.set(stage, kept);
    return { stage, nodes, stores, sums, keeps: kept, reads };
  };
  const loops = Array.from({ length: graph.stages }, (_, stage) => needs(stage));
  const freed = grouped([...lastRead.keys()], (node) => lastRead.get(node) as number);
  const scans = graph.nodes.filter(({ kind }) => kind === "scan");
  return loops.map(
    (loop) =>
      loop && {
        ...loop,
        frees: new Set(freed.get(loop.stage)),
        counts: loop.keeps.size + loop.reads.size + loop.sums.length > 0,
        ...directionOf(loop, scans),
      },
  );
}

/** The scans that the loop computes rather than reads from a cache. */
export const scansOf = ({ nodes, reads }: Pick<Loop, "nodes" | "reads">): readonly Node[] =>
  nodes.filter((node) => node.kind === "scan" && !reads.has(node));

/**
 * The direction of a loop: that of its scans, or else of the kernel's. A lane then processes the same elements in every loop, and
 * accumulates them in the same order, whether it caches any or not.
 * @param scans of the kernel.
 */
function directionOf(loop: Pick<Loop, "nodes" | "reads">, scans: readonly Node[]) {
  const [own = goesBothWays({ nodes: scans }) ? undefined : scans[0]] = scans.length === 0 ? [] : scansOf(loop);
  return { isReverse: own?.direction === "reverse", isTogether: scans.length > 0 };
}

/**
 * The nodes from which operands of a loop's accumulators are computed outside of its steps: from loads, or from the caches of
 * earlier loops if that takes far fewer nodes.
 */
export function elementNodes(loop: Loop, accumulators: readonly Accumulator[]) {
  const operands = accumulators.flatMap(operandsOf);
  const recomputed = columnNodes(
    operands,
    () => false,
    loop.reads.size === 0 ? Infinity : loop.nodes.length + fewNodes,
  );
  return {
    isRecomputed: recomputed !== undefined,
    nodes: recomputed ?? columnNodes(operands, (node) => loop.reads.has(node)) ?? [],
  };
}

/** The column nodes that these depend on, operands first; `undefined` if they are more than `most`. */
export function columnNodes(from: readonly Node[], isCached: (node: Node) => boolean = () => false, most = Infinity) {
  const needed = new Set(from.filter(({ isColumn }) => isColumn));
  for (const node of needed) {
    if (needed.size > most) return undefined;
    if (!isCached(node)) for (const operand of node.operands) if (operand.isColumn) needed.add(operand);
  }
  return [...needed].sort(inOrder);
}

/** The most nodes that are computed in addition to a loop's own. */
const fewNodes = 32;

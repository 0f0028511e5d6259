/**
 * The loops over a row's columns: one a stage that reduces or writes something along the row. A loop computes what it
 * needs anew, except what an earlier loop has computed and the lane has kept.
 */

import * as kernelMessages from "../src/diagnostics/areas/kernels.ts";
import { fail } from "../src/diagnostics/diagnostic.ts";
import { ops } from "../src/ir/ops/index.ts";
import { type Accumulator, operandsOf } from "./accumulators.ts";
import { computedType } from "./expression.ts";
import { type Graph, isColumnStore, type Store, type TileSum } from "./graph.ts";
import type { Node } from "./nodes.ts";
import type { Schedule } from "./schedule.ts";

export interface Loop {
  readonly stage: number;
  /** Column nodes to have in a step, operands first. */
  readonly nodes: readonly Node[];
  readonly stores: readonly Store[];
  /** Sums of the tile that its rows are added to. */
  readonly sums: readonly TileSum[];
  /** Nodes that a later loop reads again: the lane keeps them. */
  readonly keeps: ReadonlySet<Node>;
  /** Nodes that an earlier loop has kept. */
  readonly reads: ReadonlySet<Node>;
  /** Those that no later loop reads. */
  readonly frees: ReadonlySet<Node>;
  /** Whether the loop counts steps, by which kept values are numbered. */
  readonly counts: boolean;
}

/** More than this often computed anew, a row's values are kept even where a lane has no room for them. */
const mostRepeats = 4;
/** Nodes in all loops of a kernel: beyond, no driver would compile it. */
const mostNodes = 100_000;

/**
 * By stage; `undefined` where a stage has nothing to do along the row.
 * @throws TircError E0506 where the kernel would be too large, for its reductions compute their rows anew.
 */
export function planLoops(graph: Graph, schedule: Schedule, cache: Cache): (Loop | undefined)[] {
  const { width, steps, mostRowsPerLane } = schedule;
  const kept = plan(graph, (node) => !cache.isMemory || isDear(node));
  const arrays = countArrays(kept) * mostRowsPerLane;
  const fits = steps !== undefined && arrays * steps * width <= cache.elements && arrays <= cache.arrays;
  if (fits) return kept;
  const anew = plan(graph, () => false);
  const [most, least] = [countNodes(anew), countNodes(kept)];
  if (most <= mostRepeats * least) return anew;
  if (steps !== undefined) return kept;
  if (most > mostNodes) fail(kernelMessages.tooLarge(graph.fn.span, graph.fn.name, kept.length, most));
  return anew;
}

const inOrder = (a: Node, b: Node) => a.number - b.number;

const countNodes = (loops: readonly (Loop | undefined)[]) =>
  loops.reduce((sum, loop) => sum + (loop?.nodes.length ?? 0), 0);

/** Arrays that a lane needs, where one that a loop is the last to read holds what that loop keeps, or a later one. */
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

/** What a lane can keep between two reads of a row. */
interface Cache {
  /** In elements of a row. */
  readonly elements: number;
  /** Arrays, one for each node and row, that its driver's compiler bears. */
  readonly arrays: number;
  /** Whether keeping a value and reading it again costs as much as two loads, as on a processor. */
  readonly isMemory: boolean;
}

/** Whether computing the node again costs more than keeping it: several loads, or an op of a high cost. */
function isDear(node: Node): boolean {
  let loads = 0;
  const open = [node];
  const seen = new Set(open);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at.kind === "load") loads++;
    if (loads > 2 || costOf(at) === "high") return true;
    for (const operand of at.operands) {
      if (!operand.isColumn || seen.has(operand)) continue;
      seen.add(operand);
      open.push(operand);
    }
  }
  return false;
}

/** Of an elementwise node. */
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

  // A sum is computed in the first loop after the stage of its elements.
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
      // What is the same in every row is small, and read again.
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
  return loops.map(
    (loop) =>
      loop && {
        ...loop,
        frees: new Set(freed.get(loop.stage)),
        counts: loop.keeps.size + loop.reads.size + loop.sums.length > 0,
      },
  );
}

/**
 * What elements of a loop are computed from, where they are computed once more than in its steps: anew, or from what an
 * earlier loop has kept where that is far less.
 */
export function elementNodes(loop: Loop, accumulators: readonly Accumulator[]) {
  const operands = accumulators.flatMap(operandsOf);
  const anew = columnNodes(operands, () => false, loop.reads.size === 0 ? Infinity : loop.nodes.length + fewNodes);
  return { isAnew: anew !== undefined, nodes: anew ?? columnNodes(operands, (node) => loop.reads.has(node)) ?? [] };
}

/** Nodes along the row that these are computed from, operands first; nothing where they are more than `most`. */
export function columnNodes(from: readonly Node[], isKept: (node: Node) => boolean = () => false, most = Infinity) {
  const needed = new Set(from.filter(({ isColumn }) => isColumn));
  for (const node of needed) {
    if (needed.size > most) return undefined;
    if (!isKept(node)) for (const operand of node.operands) if (operand.isColumn) needed.add(operand);
  }
  return [...needed].sort(inOrder);
}

/** So many nodes more than its own. */
const fewNodes = 32;

export function grouped<T, K>(list: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of list) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

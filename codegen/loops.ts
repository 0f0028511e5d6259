/**
 * The loops over a row's columns: one a level that folds or writes something along the row. A loop computes what it
 * needs anew, except what an earlier loop has computed and the lane has kept.
 */

import { type Graph, isColumnStore, type Node, type Store } from "./graph.ts";
import type { Schedule } from "./schedule.ts";

export interface Loop {
  readonly level: number;
  /** Column nodes to have in a step, operands first. */
  readonly nodes: readonly Node[];
  readonly stores: readonly Store[];
  /** Nodes that a later loop reads again: the lane keeps them. */
  readonly keeps: ReadonlySet<Node>;
  /** Nodes that an earlier loop has kept. */
  readonly reads: ReadonlySet<Node>;
  /** Whether the loop counts steps, by which kept values are numbered. */
  readonly counts: boolean;
}

/** By level; `undefined` where a level has nothing to do along the row. */
export function planLoops(graph: Graph, schedule: Schedule, cache: Cache): (Loop | undefined)[] {
  const { width, steps, rowsPerLane } = schedule;
  const kept = plan(graph, (node) => !cache.isMemory || isDear(node));
  const count = new Set(kept.flatMap((loop) => [...(loop?.keeps ?? [])])).size;
  const fits = steps !== undefined && count * steps * width * rowsPerLane <= cache.elements;
  return fits ? kept : plan(graph, () => false);
}

/** What a lane can keep between two reads of a row. */
export interface Cache {
  /** In elements of a row. */
  readonly elements: number;
  /** Whether keeping a value and reading it again costs as much as two loads, as on a processor. */
  readonly isMemory: boolean;
}

/** Ops that cost about as much as the arithmetic around them. */
const cheap: ReadonlySet<string> = new Set([
  ...["neg", "abs", "sign", "relu", "add", "sub", "mul", "minimum", "maximum", "fma", "clamp", "where", "cast"],
  ...["eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not"],
]);

/** Whether computing the node again costs more than keeping it: several loads, or an op that is not cheap. */
function isDear(node: Node): boolean {
  let loads = 0;
  const open = [node];
  const seen = new Set(open);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at.kind === "load") loads++;
    if (loads > 2 || (at.op !== undefined && at.kind === "elementwise" && !cheap.has(at.op.name))) return true;
    for (const operand of at.operands) {
      if (!operand.isColumn || seen.has(operand)) continue;
      seen.add(operand);
      open.push(operand);
    }
  }
  return false;
}

function plan(graph: Graph, keeps: (node: Node) => boolean): (Loop | undefined)[] {
  const rowAtoms = new Set(graph.rows);
  const computedIn = new Map<Node, number>();
  const keptBy = new Map<number, Set<Node>>();
  const loops: (Loop | undefined)[] = [];
  const levels = Math.max(0, ...graph.nodes.map((node) => node.level));
  for (let level = 0; level <= levels; level++) {
    const folded = graph.nodes.filter((node) => node.kind === "reduction" && node.level === level + 1);
    const stores = graph.stores.filter((store) => store.node.level === level && isColumnStore(store, graph));
    if (folded.length + stores.length === 0) {
      loops.push(undefined);
      continue;
    }
    const needed = new Set([...folded.map((node) => node.operands[0] as Node), ...stores.map((store) => store.node)]);
    const nodes: Node[] = [];
    const reads = new Set<Node>();
    for (const node of [...graph.nodes].reverse()) {
      if (!needed.has(node) || !node.isColumn) continue;
      nodes.push(node);
      const before = computedIn.get(node);
      // What is the same in every row is small, and read again.
      if (before !== undefined && keeps(node) && node.atoms.some((atom) => rowAtoms.has(atom))) {
        reads.add(node);
        keptBy.get(before)?.add(node);
        continue;
      }
      computedIn.set(node, level);
      for (const operand of node.operands) needed.add(operand);
    }
    const kept = new Set<Node>();
    keptBy.set(level, kept);
    loops.push({ level, nodes: nodes.reverse(), stores, keeps: kept, reads, counts: true });
  }
  return loops.map((loop) => loop && { ...loop, counts: loop.keeps.size + loop.reads.size > 0 });
}

/**
 * Which results may overwrite which inputs. A result may share memory with an input if every element is last read by the
 * invocation that writes it, before it writes it:
 *
 * - the result and the input have the same layout, along all rows, and along all columns if either has columns;
 * - no loop after the one that writes the result reads the input;
 * - the loop that writes it does not reduce as well: a reduction samples other elements of the row first (accumulate.ts);
 *   nor does it scan: lanes beyond the end of the row read its last element;
 * - a value per row is read and written with a reduction in between, whose barrier or subgroup operation orders the lane
 *   that writes after those that read.
 */

import { leavesOf } from "../src/ir/atoms.ts";
import { grouped } from "../src/ir/groups.ts";
import type { DimAtoms } from "../src/ir/iteration.ts";
import { arrayElement } from "./buffers.ts";
import { isColumnStore, type Store } from "./graph.ts";
import type { Loop } from "./loops.ts";
import { bufferName, type Node } from "./nodes.ts";
import type { BodyContext } from "./place.ts";

/** For each result, the names of the inputs that it may overwrite. */
export function aliasesOf(
  { graph, schedule, bufferOf }: BodyContext,
  loops: readonly (Loop | undefined)[],
): ReadonlyMap<string, readonly string[]> {
  const loads = grouped(
    graph.nodes.filter(({ kind }) => kind === "load"),
    ({ value }) => bufferName(value),
  );
  const reduced = new Set([
    ...graph.nodes.filter(({ kind }) => kind === "reduction").map(({ stage }) => stage - 1),
    ...loops.flatMap((loop) => (loop?.isTogether ? [loop.stage] : [])),
  ]);
  const lastRead = (node: Node) =>
    Math.max(
      node.stage,
      ...loops.flatMap((loop) => (loop?.nodes.includes(node) && !loop.reads.has(node) ? [loop.stage] : [])),
    );

  const mayHold = (store: Store, name: string, nodes: readonly Node[]) => {
    const [input, result] = [bufferOf(name, "read"), bufferOf(store.name, "read_write")];
    if (input.storage === "uniform" || arrayElement(input) !== arrayElement(result)) return false;
    if (input.element !== result.element) return false;
    const isColumn = isColumnStore(store, graph);
    const all = [...graph.rows, ...(isColumn ? graph.columns : [])];
    const atoms = leavesOf(store.dims.flat());
    if (!all.every((atom) => atoms.includes(atom))) return false;
    const writtenAt = store.node.stage;
    const last = (isColumn ? !reduced.has(writtenAt) : schedule.lanes === 1) ? writtenAt : writtenAt - 1;
    return nodes.every(
      (node) => node.moves === undefined && hasLayout(node.dims ?? [], atoms) && lastRead(node) <= last,
    );
  };

  return new Map(
    graph.stores.flatMap((store) => {
      const names = [...loads].filter(([name, nodes]) => mayHold(store, name, nodes)).map(([name]) => name);
      return names.length > 0 ? [[store.name, names] as const] : [];
    }),
  );
}

function hasLayout(dims: DimAtoms, atoms: readonly unknown[]): boolean {
  const own = leavesOf(dims.flat());
  return own.length === atoms.length && own.every((atom, i) => atom === atoms[i]);
}

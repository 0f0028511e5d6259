/**
 * A kernel's graph for any number of rows, for which its schedules are estimated: a row then has the same schedule in every batch.
 */

import { Atom } from "../src/ir/atoms.ts";
import type { DimAtoms } from "../src/ir/iteration.ts";
import type { Graph, Store } from "./graph.ts";
import type { Node } from "./nodes.ts";

/** The symbolic extent of an axis of rows. */
export const anyRows = (axis: number) => `rows ${axis}`;

/**
 * Makes the extents of axes of rows symbolic, and so the strides of buffers across them. If there is no such axis, dimensions of 1
 * may be rows of another call: the first of a tensor becomes one. A vectorized axis keeps its extent.
 * @param graph is changed, and may be used for nothing else.
 */
export function forAnyRows(graph: Graph): Graph {
  const { rows, columns } = graph;
  const isFlat = columns.length === 0;
  for (const [i, atom] of (isFlat ? rows.slice(0, -1) : rows).entries()) atom.extent = anyRows(i);
  return rows.length > 0 || isFlat ? graph : withRows(graph, new Atom(anyRows(0)));
}

type Changed<T> = { -readonly [Key in keyof T]: T[Key] };

/** The graph with an axis of rows where it has none. Its nodes are changed. */
function withRows(graph: Graph, row: Atom): Graph {
  for (const node of graph.nodes as readonly Changed<Node>[]) {
    const dims = node.dims && withRow(node.dims, row);
    const varies = dims !== node.dims || node.operands.some(({ atoms }) => atoms.includes(row));
    if (dims !== undefined) node.dims = dims;
    if (varies) node.atoms = [row, ...node.atoms];
  }
  const stores = graph.stores.map((store): Store => ({ ...store, dims: withRow(store.dims, row) }));
  return { ...graph, stores, rows: [row] };
}

function withRow(dims: DimAtoms, row: Atom): DimAtoms {
  const at = dims.findIndex((atoms) => atoms.length === 0);
  return at < 0 ? dims : dims.with(at, [row]);
}

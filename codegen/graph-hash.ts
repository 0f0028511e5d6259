/** A hash of what a kernel computes, independent of its schedule and of the names of its function and values. */

import { Atom, leavesOf } from "../src/ir/atoms.ts";
import { getOrInsert } from "../src/ir/groups.ts";
import type { Graph } from "./graph.ts";
import type { Node } from "./nodes.ts";

/**
 * Sixteen hexadecimal digits. The length of a row counts. Axes of rows do not: a row has the same schedule in any batch, a
 * single row included.
 */
export function hashOf(graph: Graph): string {
  return fnv1a(textOf(graph));
}

/** The graph as text, without names and source spans: nodes, atoms and dimensions are numbered. */
function textOf({ nodes, stores, rows, columns, tiled }: Graph): string {
  const numbers = new Map<unknown, number>([...nodes, ...columns].map((one, i) => [one, i]));
  const isRow = new Set<unknown>(rows);
  const dims = new Map<string, number>();
  const dim = (name: string) => `d${getOrInsert(dims, name, () => dims.size)}`;
  const leavesIn = (value: unknown) =>
    leavesOf((value as readonly (Atom | readonly Atom[])[] | undefined)?.flat() ?? [])
      .filter((atom) => !isRow.has(atom))
      .map((atom) => numbers.get(atom) ?? atom.extent);
  const numbered = (key: string, value: unknown): unknown => {
    if (value instanceof Atom) return leavesIn([value]);
    // Lists of axes become one list, as those of rows are left out.
    if (key === "atoms" || key === "dims" || key === "places") return leavesIn(value);
    if (value instanceof Map) return [...value];
    if (key === "names") return (value as readonly string[]).map(dim);
    return numbers.has(value) ? `n${numbers.get(value)}` : value;
  };
  const described = ({ kind, value, op, operands, atoms, isColumn, stage, dims, moves, place, parts }: Node) => {
    // The origin of a module's tensor does not affect the kernel.
    const attributes = kind === "load" ? undefined : op?.attributes;
    return {
      kind,
      op: op?.name,
      attributes,
      element: value.element,
      operands,
      atoms,
      isColumn,
      stage,
      dims,
      moves,
      place,
      parts,
    };
  };
  const extents = columns.map(({ extent }) => (typeof extent === "string" ? dim(extent) : extent));
  const results = stores.map(({ node, dims: places }) => ({ node, element: node.value.element, places }));
  // Sums over tiles of rows are not nodes of the graph: they are described by their operands.
  const reduced = (tiled?.sums ?? []).map(({ node: { op, value }, operand, dims: places }) => ({
    ...{ op: op?.name, node: operand, element: value.element, places },
  }));
  // Each node is described once. Elsewhere its number stands for it.
  return JSON.stringify(
    [extents, nodes.map((node) => JSON.stringify(described(node), numbered)), results, ...reduced],
    numbered,
  );
}

/** The 64-bit hash of Fowler, Noll and Vo. */
function fnv1a(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

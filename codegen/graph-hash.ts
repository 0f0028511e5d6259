/** A name for what a kernel computes, however it is scheduled, whatever its function and its values are called. */

import { Atom, leavesOf } from "../src/ir/atoms.ts";
import type { Graph } from "./graph.ts";
import type { Node } from "./nodes.ts";

/**
 * Sixteen hexadecimal digits. Axes of rows are left out, as a row has the same schedule in whatever batch it is, of a single
 * row too; how long a row is counts.
 */
export function hashOf(graph: Graph): string {
  return fnv1a(textOf(graph));
}

/** All of the graph but the names and the places in the program; nodes, atoms and dimensions are numbered. */
function textOf({ nodes, stores, rows, columns, tiled }: Graph): string {
  const numbers = new Map<unknown, number>([...nodes, ...columns].map((one, i) => [one, i]));
  const isRow = new Set<unknown>(rows);
  const dims = new Map<string, number>();
  const dim = (name: string) => {
    const number = dims.get(name) ?? dims.size;
    dims.set(name, number);
    return `d${number}`;
  };
  const leavesIn = (value: unknown) =>
    leavesOf((value as readonly (Atom | readonly Atom[])[] | undefined)?.flat() ?? [])
      .filter((atom) => !isRow.has(atom))
      .map((atom) => numbers.get(atom) ?? atom.extent);
  const numbered = (key: string, value: unknown): unknown => {
    if (value instanceof Atom) return leavesIn([value]);
    // What is left of a list of axes is one list.
    if (key === "atoms" || key === "dims" || key === "places") return leavesIn(value);
    if (value instanceof Map) return [...value];
    if (key === "names") return (value as readonly string[]).map(dim);
    return numbers.has(value) ? `n${numbers.get(value)}` : value;
  };
  const described = ({ kind, value, op, operands, atoms, isColumn, stage, dims, moves, place, parts }: Node) => {
    // Where a tensor of the module comes from is nothing to a kernel.
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
  // What tiles of rows are reduced to is no node: it is known by what is reduced.
  const reduced = (tiled?.sums ?? []).map(({ node: { op, value }, operand, dims: places }) => ({
    ...{ op: op?.name, node: operand, element: value.element, places },
  }));
  // Each node is described once, and is its number elsewhere.
  return JSON.stringify(
    [extents, nodes.map((node) => JSON.stringify(described(node), numbered)), results, ...reduced],
    numbered,
  );
}

/** The hash of Fowler, Noll and Vo, in 64 bits. */
function fnv1a(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

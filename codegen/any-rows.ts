/**
 * A kernel's graph for any number of rows, for which its schedules are estimated: a row then has the same schedule in every batch.
 */

import { Atom, leavesOf } from "../src/ir/atoms.ts";
import type { DimAtoms } from "../src/ir/iteration.ts";
import type { Graph, Store } from "./graph.ts";
import type { Along, Node } from "./nodes.ts";

/** The symbolic extent of an axis of rows. */
export const anyRows = (axis: number) => `rows ${axis}`;

/**
 * The graph with symbolic extents of its axes of rows, and so symbolic strides of buffers across them. If there is no such axis,
 * dimensions of 1 may be rows of another call: the first of each tensor becomes one. A vectorized axis keeps its extent.
 */
export function forAnyRows(graph: Graph): Graph {
  const { rows, columns } = graph;
  const isFlat = columns.length === 0;
  const known = isFlat ? rows.slice(0, -1) : rows;
  const symbolic = new Map(known.map((atom, i) => [atom, new Atom(anyRows(i))] as const));
  return new Copier(symbolic, rows.length > 0 || isFlat ? undefined : new Atom(anyRows(0))).graph(graph);
}

/** Copies a graph with other axes of rows. */
class Copier {
  private readonly symbolic: ReadonlyMap<Atom, Atom>;
  /** The axis of rows of a graph that has none. */
  private readonly added: Atom | undefined;
  private readonly nodes = new Map<Node, Node>();

  constructor(symbolic: ReadonlyMap<Atom, Atom>, added: Atom | undefined) {
    this.symbolic = symbolic;
    this.added = added;
  }

  graph(graph: Graph): Graph {
    for (const node of graph.nodes) this.nodes.set(node, this.node(node));
    const store = ({ name, node, dims }: Store) => ({ name, node: this.copyOf(node), dims: this.dims(dims) });
    const rows = this.added ? [this.added] : graph.rows.map((atom) => this.atom(atom));
    return { ...graph, nodes: [...this.nodes.values()], stores: graph.stores.map(store), rows };
  }

  private atom(atom: Atom): Atom {
    return this.symbolic.get(atom) ?? atom;
  }

  private copyOf(node: Node): Node {
    return this.nodes.get(node) as Node;
  }

  private node(node: Node): Node {
    const { added } = this;
    const operands = node.operands.map((operand) => this.copyOf(operand));
    const dims = node.dims && this.dims(node.dims);
    const sources = [...(dims ?? []), ...operands.map((operand) => operand.atoms)];
    const varies = added !== undefined && sources.some((atoms) => atoms.includes(added));
    return {
      ...node,
      ...{ operands, atoms: [...(varies ? [added] : []), ...node.atoms.map((atom) => this.atom(atom))] },
      ...(dims && { dims }),
      ...(node.moves && { moves: new Map([...node.moves].map(([atom, at]) => [this.atom(atom), this.place(at)])) }),
      ...(node.place && { place: this.place(node.place) }),
    };
  }

  private dims(dims: DimAtoms): DimAtoms {
    const own = dims.map((atoms) => leavesOf(atoms).map((atom) => this.atom(atom)));
    const first = own.findIndex((atoms) => atoms.length === 0);
    return this.added === undefined || first < 0 ? own : own.with(first, [this.added]);
  }

  private place(place: Along): Along {
    const moved = <T extends { readonly of: Along }>(part: T): T => ({ ...part, of: this.place(part.of) });
    switch (place.kind) {
      case "atom":
        return { ...place, atom: this.atom(place.atom) };
      case "value":
        return { ...place, node: this.copyOf(place.node) };
      case "count":
        return place;
      case "sum":
        return { ...place, terms: place.terms.map(moved) };
      case "linear":
        return { ...place, parts: place.parts.map(moved) };
      default:
        return moved(place);
    }
  }
}

/**
 * What a kernel computes, as a graph over its iteration space.
 *
 * - node: a load, a constant, an elementwise op or a reduction. Reshapes, transposes and broadcasts are no nodes: they
 *   only say where an element lies. `centered` is x - mean(x), which is computed as one thing; `single` is a reduction
 *   of one element.
 * - level: how many reductions in sequence stand before a node. A reduction's operand has level p if the p-th read of
 *   the row computes it; its result has level p + 1.
 *   A sum of exp(x - max(x)) may be folded online, along with the maximum: its operands are then x and the maximum.
 * - column node: one that differs along the row; the others are computed once a row.
 */

import { fail, type Span } from "../src/diagnostics/diagnostic.ts";
import { kernelErrors } from "../src/diagnostics/errors-kernel.ts";
import { Atom, leavesOf } from "../src/ir/atoms.ts";
import { type Fn, type Op, presentOperands, reductionResultOf, type Value } from "../src/ir/ir.ts";
import { type DimAtoms, IterationSpace } from "../src/ir/iteration.ts";
import { attribute, type ReductionDef, type ReductionResult } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { walkOrder } from "../src/ir/walk-order.ts";
import type { Tile } from "../src/plan/plan.ts";

export interface Node {
  readonly kind: "load" | "constant" | "elementwise" | "reduction" | "centered" | "single";
  /** What it computes; its element type and a hint for its name. */
  readonly value: Value;
  readonly op: Op | undefined;
  readonly operands: readonly Node[];
  /** The axes along which it differs. */
  readonly atoms: readonly Atom[];
  readonly isColumn: boolean;
  readonly level: number;
  /** Of a load: how the parameter's buffer lies in the space. */
  readonly dims?: DimAtoms;
}

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
  const walked = orderOf(fn, live, space);
  const outer = tile && cut(walked, tile);
  const order = leavesOf(walked);
  const columns = new Set(leavesOf(space.columns).filter((atom) => atom !== outer));
  const { nodes, nodeOf } = new GraphBuilder(space, columns, online).build(live);
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
function orderOf(fn: Fn, live: readonly Op[], space: IterationSpace): readonly Atom[] {
  const returned = fn.results.map(({ value }) => value);
  const { order, missing } = walkOrder(fn.params, returned, live, space);
  if (missing === undefined) return order;
  const walked = order.map((atom) => atom.extent).join(" x ") || "1";
  const why = `the largest walks over ${walked}, and another axis has ${missing.extent}`;
  fail(kernelErrors.noCommonSpace(fn.span, fn.name, why));
}

class GraphBuilder {
  private readonly nodes: Node[] = [];
  private readonly byValue = new Map<Value, Node>();
  private readonly loads = new Map<DimAtoms, Map<Value, Node>>();
  private readonly space: IterationSpace;
  private readonly columns: ReadonlySet<Atom>;
  private readonly online: boolean;

  constructor(space: IterationSpace, columns: ReadonlySet<Atom>, online: boolean) {
    this.space = space;
    this.columns = columns;
    this.online = online;
  }

  build(live: readonly Op[]) {
    for (const op of live) this.addOp(op);
    return {
      nodes: this.nodes,
      nodeOf: (value: Value) => this.byValue.get(value) ?? this.load(value, this.space.dimsOf(value)),
    };
  }

  private add(init: Omit<Node, "isColumn" | "level"> & { level?: number }): Node {
    const level = init.level ?? Math.max(0, ...init.operands.map((node) => node.level));
    const node: Node = { ...init, level, isColumn: init.atoms.some((atom) => this.columns.has(atom)) };
    this.nodes.push(node);
    return node;
  }

  private load(value: Value, dims: DimAtoms): Node {
    const loads = this.loads.get(dims) ?? new Map<Value, Node>();
    this.loads.set(dims, loads);
    const found = loads.get(value);
    if (found !== undefined) return found;
    const node = this.add({ kind: "load", value, op: undefined, operands: [], atoms: leavesOf(dims.flat()), dims });
    loads.set(value, node);
    return node;
  }

  private operand(op: Op, index: number): Node {
    return this.byValue.get(op.operand(index)) ?? this.load(op.operand(index), this.space.readBy(op, index));
  }

  private addOp(op: Op): void {
    // A tensor of the module is loaded where it is read.
    if (op.name === "global") return;
    const def = ops[op.name];
    const operands = op.operands.map((_, i) => this.operand(op, i));
    const [x] = operands;
    if (def.kind === "shape") this.byValue.set(op.result, x as Node);
    else if (def.kind === "reduction") this.addReduction(op, x as Node);
    else {
      const kind = def.kind === "constant" ? "constant" : isCentering(op, operands) ? "centered" : "elementwise";
      const atoms = [...new Set(operands.flatMap((node) => node.atoms))];
      this.byValue.set(op.result, this.add({ kind, value: op.result, op, operands, atoms }));
    }
  }

  private addReduction(op: Op, x: Node): void {
    const dims = this.space.readBy(op, 0);
    const folds = attribute.axes(op.attributes).some((axis) => (dims.at(axis) as readonly Atom[]).length > 0);
    for (const value of op.results) {
      const node = folds ? this.folding(op, value, x) : this.single(op, value, x);
      this.byValue.set(value, node);
    }
  }

  private folding(op: Op, value: Value, x: Node): Node {
    const atoms = x.atoms.filter((atom) => !this.columns.has(atom));
    const shifted = this.online ? sumOfExps(op, x) : undefined;
    const operands = shifted?.operands ?? [x];
    return this.add({ kind: "reduction", value, op, operands, atoms, level: (operands[0] as Node).level + 1 });
  }

  /** Of one element most reductions are that element. */
  private single(op: Op, value: Value, x: Node): Node {
    return ofOne(op, value) === undefined ? x : this.add({ kind: "single", value, op, operands: [x], atoms: x.atoms });
  }
}

/** The name by which a load's buffer is known: of a parameter or of a `const`. */
export function bufferName({ def, name }: Value): string {
  return (def?.name === "global" ? def.attributes.name : name) as string;
}

/** The op that computes the node, or the parameter that it loads. */
export const spanOf = ({ op, value }: Node): Span => op?.span ?? value.span;

/** How a reduction's result follows from the only element of a row, where it is not that element. */
export function ofOne(op: Op, value: Value) {
  const { reduction } = ops[op.name] as ReductionDef;
  return reduction.ofOne?.[reductionResultOf(value) as ReductionResult];
}

/** x - mean(x). */
function isCentering(op: Op, [x, mean]: readonly Node[]): boolean {
  return op.name === "sub" && mean?.kind === "reduction" && mean.operands[0] === x && isMean(mean);
}

/** Of sum(exp(x - max(x))), the difference; `x` is the sum's operand. */
export function sumOfExps(op: Op | undefined, x: Node): Node | undefined {
  const difference = op?.name === "sum" && x.op?.name === "exp" ? x.operands[0] : undefined;
  const [from, max] = difference?.op?.name === "sub" ? difference.operands : [];
  const isFolded = max?.kind === "reduction" && max.op?.name === "max" && max.operands[0] === from;
  return isFolded && from?.isColumn ? difference : undefined;
}

/** Whether the node is such a sum, folded along with the maximum. */
export const isOnline = ({ kind, operands }: Node) => kind === "reduction" && operands.length === 2;

/** Whether the node is a mean along the row. */
export const isMean = ({ value }: Node): boolean => reductionResultOf(value) === "mean";

/** Whether the node is a variance along the row. */
export const isVariance = ({ value }: Node): boolean => reductionResultOf(value) === "variance";

/** Whether the result has the columns of the walk, even if its values do not differ along them. */
export function isColumnStore({ dims, node }: Store, { columns }: Graph): boolean {
  const atoms = leavesOf(dims.flat());
  return node.isColumn || columns.some((atom) => atoms.includes(atom));
}

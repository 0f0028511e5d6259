/**
 * Builds the nodes of a graph. Most ops are computed once, at the current element. If an op moves elements, as a slice does,
 * its operand is built again at the moved index along that axis, down to the loads. Only nodes that depend on the index are
 * built again; reductions never are.
 */

import * as kernelMessages from "../src/diagnostics/areas/kernels.ts";
import { fail } from "../src/diagnostics/diagnostic.ts";
import { type Atom, leavesOf } from "../src/ir/atoms.ts";
import { getOrInsert } from "../src/ir/groups.ts";
import type { Op, Value } from "../src/ir/ir.ts";
import { type DimAtoms, type IterationSpace, mapOf } from "../src/ir/iteration.ts";
import { type Direction, type Scan, scanOf } from "../src/ir/op-kinds.ts";
import { attribute } from "../src/ir/ops/attributes.ts";
import type { IndexDef, IndexMap, ReductionDef, Segment } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import { extentOf, times } from "./extent.ts";
import type { Along, Moves } from "./nodes.ts";
import { isMean, type Node, ofOne, type Part, sumOfExps } from "./nodes.ts";
import {
  affine,
  atomsAt,
  keyOfMoves,
  linearPlace,
  noMoves,
  placeIn,
  restricted,
  sourcesOf,
  within,
} from "./place-along.ts";

/** Which reductions are computed along with those that they depend on. */
export interface Joined {
  /** A sum of exp(x - max(x)) with the maximum. */
  readonly exponentials?: boolean;
  /** A covariance with the means. */
  readonly covariances?: boolean;
}

/** Bounds the nodes at moved indices: an op is built again for each index at which it is read, and nested moves multiply. */
const mostMoved = 2000;

export class GraphBuilder {
  private readonly nodes: Node[] = [];
  /** Nodes at the current element, which are most. */
  private readonly unmoved = new Map<Value, Node>();
  /** Nodes at moved indices, by value and moves. */
  private readonly moved = new Map<Value, Map<string, Node>>();
  private readonly loads = new Map<DimAtoms, Map<Value, Map<string, Node>>>();
  private readonly order: ReadonlyMap<Op, number>;
  private readonly space: IterationSpace;
  private readonly columns: ReadonlySet<Atom>;
  private readonly joined: Joined;
  /** Reductions that are subtracted from their own operand. */
  private readonly centering: ReadonlySet<Value>;
  /** Whether there are scans from both ends of the row. */
  private readonly goesBothWays: boolean;
  /** The number of ops that were built at other indices than the current element's. */
  private movedOps = 0;

  /** @param live all ops that a result depends on, in order. */
  constructor(space: IterationSpace, live: readonly Op[], columns: ReadonlySet<Atom>, joined: Joined) {
    this.order = new Map(live.map((op, i) => [op, i]));
    this.space = space;
    this.columns = columns;
    this.joined = joined;
    this.goesBothWays = new Set(live.flatMap((op) => scanOf(op)?.direction ?? [])).size > 1;
    this.centering = new Set(live.flatMap((op) => subtracted(op) ?? []));
  }

  /** @param inLoops ops that are computed at the current element. */
  build(inLoops: readonly Op[]) {
    for (const op of inLoops) this.addOp(op, noMoves);
    return {
      nodes: this.nodes,
      nodeOf: (value: Value) => this.built(value, noMoves) ?? this.load(value, this.space.dimsOf(value), noMoves),
    };
  }

  private add(init: Omit<Node, "number" | "isColumn" | "stage"> & { stage?: number }): Node {
    const direction =
      init.kind === "reduction" ? undefined : (init.direction ?? init.operands.find((one) => one.direction)?.direction);
    const node: Node = {
      ...init,
      number: this.nodes.length,
      stage: this.stageOf(init, direction),
      ...(direction && { direction }),
      isColumn: init.atoms.some((atom) => this.columns.has(atom)),
    };
    this.nodes.push(node);
    return node;
  }

  /** A loop has one direction: if there are scans in both, reverse ones are in odd stages. */
  private stageOf(
    init: Pick<Node, "operands"> & { readonly stage?: number },
    direction: Direction | undefined,
  ): number {
    const stage = init.stage ?? Math.max(0, ...init.operands.map((node) => node.stage));
    if (!this.goesBothWays || direction === undefined) return stage;
    return stage + Number(stage % 2 !== Number(direction === "reverse"));
  }

  private built(value: Value, moves: Moves): Node | undefined {
    const own = moves.size === 0 || value.def === undefined ? noMoves : restricted(moves, this.space.dimsOf(value));
    return own.size === 0 ? this.unmoved.get(value) : this.moved.get(value)?.get(keyOfMoves(own));
  }

  private bind(value: Value, moves: Moves, node: Node): void {
    if (moves.size === 0) this.unmoved.set(value, node);
    else getOrInsert(this.moved, value, () => new Map<string, Node>()).set(keyOfMoves(moves), node);
  }

  private load(value: Value, dims: DimAtoms, around: Moves): Node {
    const moves = restricted(around, dims);
    const byValue = getOrInsert(this.loads, dims, () => new Map<Value, Map<string, Node>>());
    const loads = getOrInsert(byValue, value, () => new Map<string, Node>());
    const key = keyOfMoves(moves);
    const found = loads.get(key);
    if (found !== undefined) return found;
    const sources = [...moves.values()].map(sourcesOf);
    const own = leavesOf(dims.flat()).filter((atom) => !moves.has(atom));
    const node = this.add({
      ...{ kind: "load", value, op: undefined, dims },
      operands: sources.flatMap(({ nodes }) => nodes),
      atoms: [...new Set([...own, ...sources.flatMap(({ atoms }) => atoms)])],
      ...(moves.size > 0 && { moves }),
    });
    loads.set(key, node);
    return node;
  }

  private operand(op: Op, index: number, moves: Moves): Node {
    const value = op.operand(index);
    if (value.def === undefined || value.def.name === "global")
      return this.load(value, this.space.readBy(op, index), moves);
    return this.built(value, moves) ?? this.compute(value, moves);
  }

  /** The value at a moved index: builds the ops that it depends on, in order. */
  private compute(value: Value, moves: Moves): Node {
    const cone = new Set<Op>([value.def as Op]);
    for (const op of cone) {
      if (op.name === "global" || ops[op.name].kind === "index" || this.isReducing(op)) continue;
      for (const { def } of op.operands as Value[]) if (def !== undefined) cone.add(def);
    }
    const order = [...cone].sort((a, b) => (this.order.get(a) as number) - (this.order.get(b) as number));
    for (const op of order) {
      const isNew = op.name !== "global" && op.results.some((result) => this.built(result, moves) === undefined);
      if (isNew) this.addOp(op, moves);
    }
    return this.built(value, moves) as Node;
  }

  private addOp(op: Op, around: Moves): void {
    // A tensor of the module is loaded by its readers.
    if (op.name === "global") return;
    const def = ops[op.name];
    const moves = around.size === 0 ? around : restricted(around, this.space.dimsOf(op.result));
    if (moves.size > 0 && ++this.movedOps > mostMoved) fail(kernelMessages.tooManyPlaces(op.span, op.name, mostMoved));
    if (def.kind === "index") {
      this.bind(op.result, moves, this.indexed(op, def, moves));
      return;
    }
    if (def.kind === "reduction" && this.isReducing(op)) {
      const x = this.operand(op, 0, noMoves);
      for (const value of op.results) this.bind(value, noMoves, this.reducing(op, value, x));
      return;
    }
    const operands = op.operands.map((_, i) => this.operand(op, i, moves));
    const [x] = operands as [Node];
    const scan = scanOf(op);
    if (scan !== undefined) {
      this.bind(op.result, moves, this.scanning(op, scan, x));
      return;
    }
    if (def.kind === "shape") this.bind(op.result, moves, x);
    else if (def.kind === "reduction") {
      for (const value of op.results) this.bind(value, moves, this.single(op, value, x));
    } else {
      const kind = def.kind === "constant" ? "constant" : isCentering(op, operands) ? "centered" : "elementwise";
      this.bind(op.result, moves, this.add({ kind, value: op.result, op, operands, atoms: atomsOf(operands) }));
    }
  }

  /** Whether the op is a reduction of more than one element. */
  private isReducing(op: Op): boolean {
    if (ops[op.name].kind !== "reduction") return false;
    const dims = this.space.readBy(op, 0);
    return attribute.axes(op.attributes).some((axis) => (dims.at(axis) as readonly Atom[]).length > 0);
  }

  private reducing(op: Op, value: Value, x: Node): Node {
    const atoms = x.atoms.filter((atom) => !this.columns.has(atom));
    const shifted = this.joined.exponentials ? sumOfExps(op, x) : undefined;
    const pair = this.joined.covariances ? this.covarianceOf(op, x) : undefined;
    const operands = shifted?.operands ?? pair ?? [x];
    const { reduction } = ops[op.name] as ReductionDef;
    const read = pair ?? [operands[0] as Node];
    return this.add({
      ...{ kind: "reduction", value, op, operands, atoms, stage: Math.max(...read.map(({ stage }) => stage)) + 1 },
      ...(reduction.places && { place: this.placeInRow(op) }),
    });
  }

  /** A scan; of a single element it is that element, or 0. */
  private scanning(op: Op, { axis, direction, isExclusive }: Scan, x: Node): Node {
    const own = leavesOf(this.space.readBy(op, 0).at(axis) as readonly Atom[]);
    const init = { value: op.result, op, operands: [x] };
    if (own.length === 0) return isExclusive ? this.add({ ...init, kind: "single", atoms: x.atoms }) : x;
    return this.add({ ...init, kind: "scan", direction, atoms: [...new Set([...x.atoms, ...own])] });
  }

  /** The position of an element in its row, or in its tile in a kernel over tiles of the row. */
  private placeInRow(op: Op): Along {
    const atoms = leavesOf(this.rowOf(op)).filter((atom) => this.columns.has(atom));
    const isKnown = atoms.slice(1).every(({ extent }) => typeof extent === "number");
    return isKnown ? placeIn(atoms, noMoves) : linearPlace([atoms], noMoves);
  }

  /** The axes that the op reduces. */
  private rowOf(op: Op): readonly Atom[] {
    const dims = this.space.readBy(op, 0);
    return attribute.axes(op.attributes).flatMap((axis) => dims.at(axis) as readonly Atom[]);
  }

  /** x and y of sum((x - mean(x)) * y), if both are computed before the mean. y may be centered too, which changes nothing. */
  private covarianceOf(op: Op, product: Node): readonly [Node, Node] | undefined {
    if (product.op?.name !== "mul" || product.kind !== "elementwise" || !["sum", "mean"].includes(op.name))
      return undefined;
    // A result that is subtracted from its own operand needs a shift of its own.
    if (this.centering.has(op.result)) return undefined;
    const [a, b] = product.operands as readonly [Node, Node];
    const of = this.uncentered(a, op) ?? this.uncentered(b, op);
    if (of === undefined || a === b) return undefined;
    const other = of.from === a ? b : a;
    const y = this.uncentered(other, op)?.x ?? other;
    return y.isColumn && Math.max(of.x.stage, y.stage) < product.stage ? [of.x, y] : undefined;
  }

  /** x of x - mean(x), if the mean is along the row that `op` reduces. */
  private uncentered(from: Node, op: Op): { readonly from: Node; readonly x: Node } | undefined {
    const [x, mean] = from.kind === "centered" ? (from.operands as readonly [Node, Node]) : [];
    if (x === undefined || mean?.operands[0] !== x) return undefined;
    const [row, own] = [leavesOf(this.rowOf(op)), leavesOf(this.rowOf(mean.op as Op))];
    return row.length === own.length && row.every((atom) => own.includes(atom)) ? { from, x } : undefined;
  }

  /** A reduction of one element: for most, the element itself. */
  private single(op: Op, value: Value, x: Node): Node {
    return ofOne(op, value) === undefined ? x : this.add({ kind: "single", value, op, operands: [x], atoms: x.atoms });
  }

  private indexed(op: Op, def: IndexDef, moves: Moves): Node {
    const map = mapOf(op, def);
    if (map.kind === "lookup") return this.lookup(op, map, moves);
    if (map.kind === "count") {
      const place: Along = { kind: "count", extent: times(...attribute.shape(op.attributes, "shape").map(extentOf)) };
      return this.add({ kind: "position", value: op.result, op, ...ofPlace(place), place });
    }
    const dims = this.space.dimsOf(op.result);
    const axis = attribute.axis(op.attributes);
    const isLinear = map.kind === "position" && map.isLinear;
    const place = isLinear ? linearPlace(dims, moves) : placeIn(dims.at(axis) as readonly Atom[], moves);
    if (map.kind === "position") {
      return this.add({ kind: "position", value: op.result, op, ...ofPlace(place), place });
    }
    return this.segments(
      op,
      map.segments.filter(({ extent }) => extent !== 0),
      { axis, place, moves, fill: map.fill },
    );
  }

  private lookup(op: Op, map: IndexMap & { kind: "lookup" }, moves: Moves): Node {
    const axis = map.axes.indexOf(undefined);
    const node = this.operand(op, map.index, moves);
    const extent = extentOf(op.operand(map.operand).shape[axis] as string | number);
    const atoms = this.space.readBy(op, map.operand)[axis] as readonly Atom[];
    const place: Along = { kind: "value", node, extent };
    return this.operand(op, map.operand, new Map([...moves, ...atomsAt(atoms, place)]));
  }

  /** The element at a position of an axis that consists of segments. */
  private segments(
    op: Op,
    segments: readonly Segment[],
    at: { readonly axis: number; readonly place: Along; readonly moves: Moves; readonly fill: number | undefined },
  ): Node {
    const { axis, place, moves } = at;
    const [only] = segments;
    if (segments.length === 1 && only?.operand !== undefined) {
      return this.movedOperand(op, only.operand, axis, alongSegment(only, place), moves);
    }
    const operands: Node[] = [];
    let end = 0;
    const parts = segments.map((segment): Part => {
      const from = end;
      end += segment.extent as number;
      if (segment.operand === undefined) return { end, fill: at.fill as number };
      const inside = within(affine(place, 1, -from), extentOf(segment.extent));
      operands.push(this.movedOperand(op, segment.operand, axis, alongSegment(segment, inside), moves));
      return { end, operand: operands.length - 1 };
    });
    const { operands: nodes, atoms } = ofPlace(place);
    return this.add({
      ...{ kind: "choice", value: op.result, op, place, parts },
      operands: [...operands, ...nodes],
      atoms: [...new Set([...operands.flatMap((node) => node.atoms), ...atoms])],
    });
  }

  /** An operand at another position of an axis. */
  private movedOperand(op: Op, operand: number, axis: number, place: Along, moves: Moves): Node {
    const atoms = this.space.readBy(op, operand).at(axis) as readonly Atom[];
    return this.operand(op, operand, new Map([...moves, ...atomsAt(atoms, place)]));
  }
}

/** The atoms of all nodes. Most nodes have those of their first operand, and then share its list. */
function atomsOf([first, ...others]: readonly Node[]): readonly Atom[] {
  const own = first?.atoms ?? [];
  const more = others.flatMap(({ atoms }) => (atoms === own ? [] : atoms.filter((atom) => !own.includes(atom))));
  return more.length === 0 ? own : [...new Set([...own, ...more])];
}

const ofPlace = (place: Along) => {
  const { atoms, nodes } = sourcesOf(place);
  return { operands: [...new Set(nodes)], atoms: [...new Set(atoms)] };
};

/** The position in an operand of the element at this position of a segment. */
function alongSegment({ extent, start = 0, step = 1 }: Segment, place: Along): Along {
  return start === "last" ? { kind: "reverse", of: place, extent: extentOf(extent) } : affine(place, step, start);
}

/** Whether the op is x - mean(x). The x may be at another position of the row. */
function isCentering(op: Op, [, mean]: readonly Node[]): boolean {
  return op.name === "sub" && mean?.kind === "reduction" && mean.op?.operand(0) === op.operands[0] && isMean(mean);
}

/** y of x - y, if y is a reduction of x. */
function subtracted({ name, operands: [x, from] }: Op): Value | undefined {
  let value = from;
  while (value?.def && ops[value.def.name].kind === "shape") value = value.def.operand(0);
  return name === "sub" && value?.def?.operands[0] === x ? value : undefined;
}

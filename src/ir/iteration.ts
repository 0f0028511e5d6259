/**
 * The iteration space of a group of ops: whether one loop nest over rows and columns can compute them all, and how each value
 * is indexed in it.
 *
 * - rows and columns: the atoms that no reduction reduces, and those that every reduction reduces.
 *
 * A group has one iteration space if its elementwise ops can iterate over their operands together and its reductions reduce the
 * same columns. Reshapes and transposes only change how dimensions consist of atoms, and are free. If an op moves
 * elements along an axis, as a slice does, the result has a new axis there. The operand's axis is not iterated: the operand is
 * computed at another position along it.
 */

import { kernelRefusals, type Reducer, type Refusal } from "../diagnostics/refusals.ts";
import { type Atom, type Atoms, AtomTable, leavesOf } from "./atoms.ts";
import { isLeaf, type Op, presentOperands, type Value } from "./ir.ts";
import { type Direction, type Scan, scanOf } from "./op-kinds.ts";
import { attribute } from "./ops/attributes.ts";
import type { IndexDef, IndexMap, NormDef, ShapeDef } from "./ops/def.ts";
import { ops } from "./ops/index.ts";
import { type Dim, printShape, type Shape } from "./types.ts";

/** One list of atoms for each dimension. */
export type DimAtoms = readonly Atoms[];

/** Thrown if an op does not fit the iteration space. It is not an Error, whose stack would cost more than the attempt. */
class Mismatch {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    this.refusal = refusal;
  }
}

function check(problem: string | undefined, because = ""): void {
  if (problem !== undefined) throw new Mismatch({ reason: because + problem });
}

export class IterationSpace {
  private readonly table = new AtomTable();
  private readonly results = new Map<Value, DimAtoms>();
  /** Values that no op of the space defines. */
  private readonly inputs = new Map<Value, DimAtoms>();
  /** Reads of inputs with dimensions of their own, for example of a tensor and its transpose. */
  private readonly reads = new Map<Op, readonly (DimAtoms | undefined)[]>();
  /** Axes along which a value depends on reductions of rows, so that it can be computed at the current row only. */
  private readonly bound = new Map<Value, Atoms>();
  /** The direction of the scans on which a value depends without a reduction in between. */
  private readonly directions = new Map<Value, Direction>();
  /** The atoms along which scans run, in order. */
  private scanned: Atoms = [];
  private reduced: Atoms | undefined;
  /** The first reduction or scan, which determines the columns, and its axes in words. */
  private reducer: Reducer | undefined;

  /**
   * Adds an op, or returns why it cannot and stays unchanged. Values that no op of the space defines, and constants, are inputs.
   */
  add(op: Op): Refusal | undefined {
    if (isLeaf(op)) return undefined;
    const canonical = this.attempt(op, false);
    if (canonical === undefined) return undefined;
    const readsInput = presentOperands(op).some((value) => !this.results.has(value));
    return readsInput && this.attempt(op, true) === undefined ? undefined : canonical;
  }

  /** What `work` returns. The ops that it adds are removed afterwards. */
  tentatively<T>(work: () => T): T {
    return this.table.undone(work);
  }

  /** The column atoms. */
  get columns(): Atom[] {
    return leavesOf(this.reduced ?? []);
  }

  /** The atoms of a value's dimensions. An input that no op has read yet gets new atoms. */
  dimsOf(value: Value): DimAtoms {
    const known = this.results.get(value) ?? this.inputs.get(value);
    if (known !== undefined) return known;
    const dims = this.freshDims(value);
    this.inputs.set(value, dims);
    this.table.record(() => this.inputs.delete(value));
    return dims;
  }

  private freshDims(value: Value): DimAtoms {
    const dims = value.shape.map((dim) => this.table.fresh(dim));
    check(this.table.keepApart(dims.flat()));
    return dims;
  }

  /** The atoms of the dimensions with which `op` reads an operand. */
  readBy(op: Op, operand: number): DimAtoms {
    return this.reads.get(op)?.[operand] ?? this.dimsOf(op.operand(operand));
  }

  /** Merges two atoms of the same extent, if no value has both. */
  join(a: Atom, b: Atom): boolean {
    return this.table.try(() => this.table.unify([a], [b])) === undefined;
  }

  private attempt(op: Op, freshInputs: boolean): Refusal | undefined {
    return this.table.try(() => {
      try {
        const isFresh = (value: Value) => freshInputs && !this.results.has(value);
        const reads = op.operands.map(
          (value) => value && (isFresh(value) ? this.freshDims(value) : this.dimsOf(value)),
        );
        // A buffer has no shape of its own: an input can be read in the shape of the result.
        const isView = isRegrouping(op) && isFresh(op.operand(0));
        if (isView) reads[0] = this.freshDims(op.result);
        if (freshInputs) {
          this.reads.set(op, reads);
          this.table.record(() => this.reads.delete(op));
        }
        const results = isView ? (reads as DimAtoms[]) : this.resultDims(op, reads as DimAtoms[]);
        const direction = this.directionOf(op);
        for (const [i, result] of op.results.entries()) {
          const dims = results[i] as DimAtoms;
          if (dims !== reads[0]) check(this.table.keepApart(dims.flat()));
          this.results.set(result, dims);
          this.bound.set(result, this.boundBy(op, dims));
          if (direction !== undefined) this.directions.set(result, direction);
          this.table.record(() => {
            this.results.delete(result);
            this.bound.delete(result);
            this.directions.delete(result);
          });
        }
        return undefined;
      } catch (caught) {
        if (caught instanceof Mismatch) return caught.refusal;
        throw caught;
      }
    });
  }

  private resultDims(op: Op, reads: readonly DimAtoms[]): readonly DimAtoms[] {
    const def = ops[op.name];
    const x = reads[0] as DimAtoms;
    switch (def.kind) {
      case "constant":
      case "global":
        return [[]];
      case "elementwise":
        return [this.together(reads.filter((dims) => dims !== undefined))];
      case "reduction":
        return this.reduction(op, x);
      case "norm":
        return [this.norm(op, def, reads)];
      case "shape":
        return [this.shape(op, def, x)];
      case "index":
        return [this.index(op, mapOf(op, def), reads)];
      case "linear":
      case "extern":
        if (def.outside !== undefined) throw new Mismatch({ reason: def.outside.because });
        return [this.scan(op, x)];
      case "composite":
        throw new Mismatch({ reason: "the parser expands it into other ops" });
      default:
        return def satisfies never;
    }
  }

  /** NumPy's broadcast: aligned dimensions are unified. */
  private together(operands: readonly DimAtoms[]): DimAtoms {
    const rank = Math.max(0, ...operands.map((dims) => dims.length));
    return Array.from({ length: rank }, (_, i) => {
      const present = operands.flatMap((dims) => {
        const atoms = dims[dims.length - rank + i];
        return atoms === undefined || atoms.length === 0 ? [] : [atoms];
      });
      const [first = [], ...rest] = present;
      for (const atoms of rest) check(this.table.unify(first, atoms), "its operands are read in different orders: ");
      return first;
    });
  }

  private reduction(op: Op, x: DimAtoms): readonly DimAtoms[] {
    const axes = attribute.axes(op.attributes).map((axis) => axis + x.length);
    this.reduce(op, x, op.operand(0).shape, attribute.axes(op.attributes));
    const keepdims = attribute.flag(op.attributes, "keepdims");
    const kept = keepdims
      ? x.map((atoms, axis) => (axes.includes(axis) ? [] : atoms))
      : x.filter((_, axis) => !axes.includes(axis));
    return op.results.map(() => kept);
  }

  /** Unifies these axes of a value with the columns. */
  private reduce(op: Op, dims: DimAtoms, shape: Shape, axes: readonly number[]): void {
    const atoms = leavesOf(axes.flatMap((axis) => dims.at(axis) as Atoms));
    if (atoms.length === 0) return;
    const columns = new Set(this.columns);
    if (atoms.length === columns.size && atoms.every((atom) => columns.has(atom))) return;
    const words = () => `axes [${axes.join(", ")}] of ${printShape(shape)}`;
    const verb = scanOf(op) === undefined ? "reduces" : "scans";
    if (this.reduced !== undefined) {
      if (this.table.unify(this.reduced, atoms) === undefined) return;
      throw new Mismatch(kernelRefusals.otherAxes(words(), verb, this.reducer as Reducer));
    }
    this.reduced = atoms;
    this.reducer = { name: op.name, verb, span: op.span, axes: words() };
    this.table.record(() => {
      this.reduced = undefined;
      this.reducer = undefined;
    });
  }

  /** Unifies the axis of a scan with the columns. A sum is available only when the loop reaches its element. */
  private scan(op: Op, x: DimAtoms): DimAtoms {
    const { axis } = scanOf(op) as Scan;
    const along = x.at(axis) as Atoms;
    this.reduce(op, x, op.operand(0).shape, [axis]);
    const [before, own] = [leavesOf(this.scanned), leavesOf(along)];
    if (own.length === 0) return x;
    if (before.length === 0) {
      this.scanned = along;
      this.table.record(() => {
        this.scanned = [];
      });
    } else if (own.some((atom, i) => atom !== before[i])) throw new Mismatch(kernelRefusals.otherScan(op.name));
    return x;
  }

  /** The column atoms in the order of scans along them; empty if there are no scans. */
  get scannedColumns(): readonly Atom[] {
    return leavesOf(this.scanned);
  }

  private directionOf(op: Op): Direction | undefined {
    if (ops[op.name].kind === "reduction") return undefined;
    const own = scanOf(op)?.direction;
    const given = op.operands.map((value) => value && this.directions.get(value));
    const found = new Set([own, ...given].filter((one) => one !== undefined));
    if (found.size > 1) throw new Mismatch(kernelRefusals.bothWays(op.name));
    return [...found][0];
  }

  private boundBy(op: Op, dims: DimAtoms): Atoms {
    const { kind } = ops[op.name];
    const isScan = scanOf(op) !== undefined;
    const isReduced = kind === "reduction" || kind === "norm" || isScan;
    const columns = isReduced && !isScan ? this.columns : [];
    const own = isReduced ? leavesOf(dims.flat()).filter((atom) => !columns.includes(atom)) : [];
    const given = op.operands.flatMap((value) => (value && this.bound.get(value)) ?? []);
    return own.length + given.length === 0 ? given : [...new Set(leavesOf([...own, ...given]))];
  }

  /** Unifies the axes of the result with those of the operands, except for the one along which elements are moved. */
  private index(op: Op, map: IndexMap, reads: readonly (DimAtoms | undefined)[]): DimAtoms {
    const { shape } = op.result;
    const isLinear = map.kind === "position" && map.isLinear;
    const along =
      map.kind === "lookup" || map.kind === "count" || isLinear
        ? undefined
        : attribute.axis(op.attributes) + shape.length;
    const under = shape.map((): Atoms[] => []);
    for (const [operand, dims] of reads.entries()) {
      for (const [axis, atoms] of (dims ?? []).entries()) {
        const at = axisInResult(map, operand, axis);
        if (at !== undefined && at !== along) under[at]?.push(atoms);
        else this.refuseBound(op, operand, axis, atoms);
      }
    }
    return under.map((all, axis) => {
      const [first, ...rest] = all.filter((atoms) => atoms.length > 0);
      for (const atoms of rest) {
        check(this.table.unify(first as Atoms, atoms), "its operands are read in different orders: ");
      }
      return first ?? this.table.fresh(shape[axis] as Dim);
    });
  }

  private refuseBound(op: Op, operand: number, axis: number, atoms: Atoms): void {
    const value = op.operand(operand);
    const bound = new Set(leavesOf(this.bound.get(value) ?? []));
    if (!leavesOf(atoms).some((atom) => bound.has(atom))) return;
    throw new Mismatch(kernelRefusals.movesRows(op.name, axis - value.shape.length));
  }

  private norm(op: Op, def: NormDef, reads: readonly DimAtoms[]): DimAtoms {
    const x = reads[0] as DimAtoms;
    const { view, axes, affineView } = def.view(op.operand(0).shape, op.attributes);
    const viewed = this.reshaped(x, view);
    this.reduce(op, viewed, view, axes);
    for (const affine of reads.slice(1)) {
      if (affine !== undefined) this.together([viewed, this.reshaped(affine, affineView)]);
    }
    return x;
  }

  private reshaped(dims: DimAtoms, shape: Shape): DimAtoms {
    const result = this.table.distribute(dims.flat(), shape);
    if (typeof result === "string") throw new Mismatch({ reason: result });
    return result;
  }

  private shape(op: Op, { move }: ShapeDef, x: DimAtoms): DimAtoms {
    switch (move) {
      case "permute":
        return attribute.permutation(op.attributes).map((axis) => x.at(axis) as Atoms);
      case "regroup":
        return this.reshaped(x, op.result.shape);
      case "repeat": {
        const wanted = op.result.shape.map((dim) => this.table.fresh(dim));
        return wanted.map((fresh, axis) => {
          const own = x[axis - wanted.length + x.length];
          return own === undefined || own.length === 0 ? fresh : own;
        });
      }
      default:
        return move satisfies never;
    }
  }
}

/** The index map of an op. */
export function mapOf(op: Op, def: IndexDef): IndexMap {
  return def.map(
    op.operands.map((operand) => operand?.shape),
    op.attributes,
  );
}

/** The axis of the result that corresponds to an operand's axis; none for the axis of a lookup. */
function axisInResult(map: IndexMap, operand: number, axis: number): number | undefined {
  if (map.kind !== "lookup") return axis;
  return (operand === map.index ? map.indexAxes : map.axes)[axis];
}

function isRegrouping(op: Op): boolean {
  const def = ops[op.name];
  return def.kind === "shape" && def.move === "regroup";
}

/** Why no loop nest can compute the op; `undefined` if one can. */
export function whyOutside(op: Op): string | undefined {
  const def = ops[op.name];
  return "outside" in def ? def.outside?.because : undefined;
}

/** The first op that cannot share an iteration space with the ops before it, and the reason. */
export function firstMismatch(list: readonly Op[]): (Refusal & { op: Op }) | undefined {
  const space = new IterationSpace();
  for (const op of list) {
    const refusal = space.add(op);
    if (refusal !== undefined) return { op, ...refusal };
  }
  return undefined;
}

/**
 * The nodes of a graph.
 *
 * - node: a load, a constant, an elementwise op, a scan or a reduction. Reshapes, transposes and broadcasts are not nodes, as they
 *   only affect indices. `centered` is x - mean(x), computed as one operation; `single` is a reduction of one element;
 *   `position` is the current index along an axis; `choice` selects among several parts.
 * - stage: the number of reductions in sequence that a node depends on. A reduction's operand has stage p if the loop of
 *   stage p computes it; its result has stage p + 1.
 *   A scan has the stage of its operand, as the same loop accumulates it.
 *   A sum of exp(x - max(x)) may be computed online, along with the maximum: its operands are then x and the maximum.
 *   A sum of (x - mean(x)) * y is a covariance, which is reduced along with the means: its operands are then x and y.
 * - column node: a node that varies along the row. The others are computed once per row.
 */

import type { Span } from "../src/diagnostics/diagnostic.ts";
import type { Atom } from "../src/ir/atoms.ts";
import type { Op, Value } from "../src/ir/ir.ts";
import type { DimAtoms } from "../src/ir/iteration.ts";
import { type Direction, reductionResultOf } from "../src/ir/op-kinds.ts";
import type { ReductionDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { ReductionResult } from "../src/kernel/reduction.ts";
import type { Extent } from "./extent.ts";

export interface Node {
  /** The index in the graph's list of nodes, in which operands come before users. */
  readonly number: number;
  readonly kind:
    | "load"
    | "constant"
    | "elementwise"
    | "reduction"
    | "scan"
    | "centered"
    | "single"
    | "position"
    | "choice";
  /** The value that it computes, which gives its element type and a hint for its name. */
  readonly value: Value;
  readonly op: Op | undefined;
  readonly operands: readonly Node[];
  /** The axes along which it varies. */
  readonly atoms: readonly Atom[];
  readonly isColumn: boolean;
  readonly stage: number;
  /** The direction of the loop that computes a scan, or a node that depends on one without a reduction in between. */
  readonly direction?: Direction;
  /** For a load: the atoms of the buffer's dimensions. */
  readonly dims?: DimAtoms;
  /** For a load: axes of the buffer outside the iteration space, and the indices along them. */
  readonly moves?: Moves;
  /** For a position and a choice, and for a reduction that uses the positions of elements in their row. */
  readonly place?: Along;
  /** For a choice. */
  readonly parts?: readonly Part[];
}

/** A position along an axis, as an unsigned number: differences wrap, and `within` clamps them. */
export type Along =
  | { readonly kind: "atom"; readonly atom: Atom }
  /** An element of a tensor, clamped to the extent. */
  | { readonly kind: "value"; readonly node: Node; readonly extent: Extent }
  | { readonly kind: "sum"; readonly terms: readonly Term[]; readonly offset: number }
  /** Clamped to the last element. */
  | { readonly kind: "within"; readonly of: Along; readonly extent: Extent }
  /** Counted back from the last element. */
  | { readonly kind: "reverse"; readonly of: Along; readonly extent: Extent }
  | { readonly kind: "quotient" | "remainder"; readonly of: Along; readonly by: number }
  /** The extent itself, not a position. */
  | { readonly kind: "count"; readonly extent: Extent }
  /** The index of an element in row-major order of several axes. */
  | { readonly kind: "linear"; readonly parts: readonly { readonly of: Along; readonly extent: Extent }[] };

/** A multiple of a position. */
export interface Term {
  readonly of: Along;
  readonly factor: number;
}

/** Atoms outside the iteration space, and the indices along them. */
export type Moves = ReadonlyMap<Atom, Along>;

/** What a choice selects from the previous part's end up to `end`: an operand, by its index, or a number. */
export interface Part {
  readonly end: number;
  readonly operand?: number;
  readonly fill?: number;
}

/** The name of a load's buffer: that of a parameter or of a `const`. */
export function bufferName({ def, name }: Value): string {
  return (def?.name === "global" ? def.attributes.name : name) as string;
}

/** The span of the op that computes the node, or of the parameter that it loads. */
export const spanOf = ({ op, value }: Node): Span => op?.span ?? value.span;

/** Computes a reduction's result from the only element of a row; `undefined` if it is that element. */
export function ofOne(op: Op, value: Value) {
  const { reduction } = ops[op.name] as ReductionDef;
  return reduction.ofOne?.[reductionResultOf(value) as ReductionResult];
}

/** The difference in sum(exp(x - max(x))), if the op is one. @param x the sum's operand. */
export function sumOfExps(op: Op | undefined, x: Node): Node | undefined {
  const difference = op?.name === "sum" && x.op?.name === "exp" ? x.operands[0] : undefined;
  const [from, max] = difference?.op?.name === "sub" ? difference.operands : [];
  const isAccumulated = max?.kind === "reduction" && max.op?.name === "max" && max.operands[0] === from;
  return isAccumulated && from?.isColumn ? difference : undefined;
}

/** Whether the node is such a sum, computed along with the maximum. */
export const isOnline = ({ kind, operands: [, max] }: Node) => kind === "reduction" && max?.isColumn === false;

/** Whether the node is a covariance of two operands, or their co-moment. */
export const isCovariance = ({ kind, operands: [, y] }: Node) => kind === "reduction" && y?.isColumn === true;

/** Whether the node is a mean along the row. */
export const isMean = ({ value }: Node): boolean => reductionResultOf(value) === "mean";

/** Whether the node is a variance along the row, or its root. */
export const isVariance = ({ value }: Node): boolean =>
  ["variance", "deviation"].includes(reductionResultOf(value) ?? "");

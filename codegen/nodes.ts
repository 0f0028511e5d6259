/**
 * Nodes of a graph, and what they are.
 *
 * - node: a load, a constant, an elementwise op or a reduction. Reshapes, transposes and broadcasts are no nodes: they
 *   only say where an element lies. `centered` is x - mean(x), which is computed as one thing; `single` is a reduction
 *   of one element. `position` is the current index along an axis, `choice` selects among several parts.
 * - stage: how many reductions in sequence stand before a node. A reduction's operand has stage p if the p-th read of
 *   the row computes it; its result has stage p + 1.
 *   A sum of exp(x - max(x)) may be computed online, along with the maximum: its operands are then x and the maximum.
 *   A sum of (x - mean(x)) * y is a covariance, which is reduced along with the means: its operands are then x and y.
 * - column node: one that differs along the row; the others are computed once a row.
 */

import type { Span } from "../src/diagnostics/diagnostic.ts";
import type { Atom } from "../src/ir/atoms.ts";
import type { Op, Value } from "../src/ir/ir.ts";
import type { DimAtoms } from "../src/ir/iteration.ts";
import { reductionResultOf } from "../src/ir/op-kinds.ts";
import type { ReductionDef } from "../src/ir/ops/def.ts";
import { ops } from "../src/ir/ops/index.ts";
import type { ReductionResult } from "../src/kernel/reduction.ts";
import type { Extent } from "./extent.ts";

export interface Node {
  /** Where it stands in the graph: operands before users. */
  readonly number: number;
  readonly kind: "load" | "constant" | "elementwise" | "reduction" | "centered" | "single" | "position" | "choice";
  /** What it computes; its element type and a hint for its name. */
  readonly value: Value;
  readonly op: Op | undefined;
  readonly operands: readonly Node[];
  /** The axes along which it differs. */
  readonly atoms: readonly Atom[];
  readonly isColumn: boolean;
  readonly stage: number;
  /** Of a load: how the parameter's buffer lies in the space. */
  readonly dims?: DimAtoms;
  /** For a load: axes of the buffer outside the iteration space, and the index along them. */
  readonly moves?: Moves;
  /** Of a position and a choice; of a reduction that asks where elements stand in their row. */
  readonly place?: Along;
  /** Of a choice. */
  readonly parts?: readonly Part[];
}

/** A place, as a number without a sign: differences wrap, and `within` brings back what lies outside. */
export type Along =
  | { readonly kind: "atom"; readonly atom: Atom }
  /** What a tensor says, brought to between 0 and the extent. */
  | { readonly kind: "value"; readonly node: Node; readonly extent: Extent }
  | { readonly kind: "sum"; readonly terms: readonly Term[]; readonly offset: number }
  /** It, or the last element where it lies outside. */
  | { readonly kind: "within"; readonly of: Along; readonly extent: Extent }
  /** Counted from the last element. */
  | { readonly kind: "reverse"; readonly of: Along; readonly extent: Extent }
  | { readonly kind: "quotient" | "remainder"; readonly of: Along; readonly by: number }
  /** Not a place: how many there are. */
  | { readonly kind: "count"; readonly extent: Extent }
  /** The number of an element in row-major order of several axes. */
  | { readonly kind: "linear"; readonly parts: readonly { readonly of: Along; readonly extent: Extent }[] };

/** A multiple of a place. */
export interface Term {
  readonly of: Along;
  readonly factor: number;
}

/** Atoms outside the iteration space, and the indices along them. */
export type Moves = ReadonlyMap<Atom, Along>;

/** What a choice is where its place lies before `end` and behind the part before: an operand by its number, or a number. */
export interface Part {
  readonly end: number;
  readonly operand?: number;
  readonly fill?: number;
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

/** Of sum(exp(x - max(x))), the difference; `x` is the sum's operand. */
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

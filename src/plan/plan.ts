/**
 * Plans: a function as kernels that are launched one after the other, and the memory between them.
 *
 * - buffer: an input, a constant, a result, or an intermediate: what one kernel writes and a later one reads.
 * - step: allocate an intermediate, launch a kernel, free the intermediate; or an opaque step.
 * - opaque step: an op that no kernel here computes, a product or an op of another program, which the caller fills in. It
 *   may read and write a buffer in another shape.
 * - outlined function: what a kernel computes, in tensor IR, with a parameter for each buffer that it reads.
 * - extent: a dimension that the plan derives from others, `ceil(rows / 64)`.
 * - tile: a launch may cut one dimension into tiles, and run its function on each of them.
 *
 * Buffers as values that are allocated, written and freed in order are those of IREE's Stream dialect; functions outlined
 * from a graph are Futhark's kernels before `ImpGen`. A plan of one launch and no intermediate is a function that is one
 * kernel.
 */

import type { Fn, Op } from "../ir/ir.ts";
import type { Dim, TensorType } from "../ir/types.ts";

/** `ceil(of / by)`, or `least` if that is more, and `most` at most, under a name that types of buffers may use. */
export interface DerivedExtent {
  readonly name: string;
  readonly of: Dim;
  readonly by: Dim;
  readonly least?: number;
  readonly most?: number;
}

/** Memory that kernels read or write. */
export interface PlanBuffer {
  /** No other buffer of the plan has it. */
  readonly name: string;
  readonly type: TensorType;
  readonly kind: "input" | "constant" | "result" | "intermediate";
  /** Of a result: its name in the function, which an input may have too. */
  readonly result?: string;
  /** Of a result that is the value of one before it: the name of that buffer, which alone is written. */
  readonly same?: string;
  /** Of an intermediate: which of the plan's places it lies in. Those of one place are never needed at a time. */
  readonly slot?: number;
}

/** How a launch cuts a dimension: its function runs on each `size` of it in turn, and the last tile may be shorter. */
export interface Tile {
  /** The first dimension of parameters of the function; what a tile has of it. */
  readonly dim: string;
  /** How much that is, but for the last tile: an extent of the plan. */
  readonly size: string;
  /** The extent that says how many tiles there are. Results without `dim` have one more dimension, this one, in front. */
  readonly count: string;
}

/** A kernel that is started: what it computes, reads and writes. */
export interface Launch {
  readonly kind: "launch";
  readonly fn: Fn;
  /** For each parameter of the function, what it reads. */
  readonly reads: readonly PlanBuffer[];
  /** For each result, what it writes. */
  readonly writes: readonly PlanBuffer[];
  readonly tile?: Tile | undefined;
  /**
   * Of the plain kernel of a product, which is its function's only op: the extents of the plan that count the tiles of its rows
   * and columns, where these have names.
   */
  readonly product?: { readonly rows?: string; readonly columns?: string };
}

/** An op that the caller computes, between kernels: its function is the op alone, with the op's operands for parameters. */
export interface OpaqueStep extends Omit<Launch, "kind" | "tile" | "product"> {
  readonly kind: "opaque";
}

/** What happens in turn. */
export type Step =
  | { readonly kind: "alloc"; readonly buffer: PlanBuffer }
  | Launch
  | OpaqueStep
  | { readonly kind: "free"; readonly buffer: PlanBuffer };

/** A function as kernels, and the memory between them. */
export interface Plan {
  /** What it computes. */
  readonly fn: Fn;
  readonly extents: readonly DerivedExtent[];
  readonly buffers: readonly PlanBuffer[];
  readonly steps: readonly Step[];
}

/** In the order in which they are launched. */
export const launchesOf = ({ steps }: Pick<Plan, "steps">): Launch[] => steps.filter((step) => step.kind === "launch");

/** What computes, in order: kernels, and what the caller fills in. */
export const callsOf = ({ steps }: Pick<Plan, "steps">): (Launch | OpaqueStep)[] =>
  steps.filter((step) => step.kind === "launch" || step.kind === "opaque");

/** The ops that the caller fills in, in order. */
export const opaqueStepsOf = ({ steps }: Pick<Plan, "steps">): OpaqueStep[] =>
  steps.filter((step) => step.kind === "opaque");

/** The plain kernels of products among the launches: of what a caller may have better ones for. */
export const productsOf = (plan: Pick<Plan, "steps">): Launch[] =>
  launchesOf(plan).filter(({ product }) => product !== undefined);

/** The op of an opaque step. */
export const opaqueOp = ({ fn }: OpaqueStep): Op => fn.ops[0] as Op;

/** Whether the plan is its function as one kernel: nothing but one launch, of the function itself. */
export function isOneKernel({ fn, steps }: Pick<Plan, "fn" | "steps">): boolean {
  const [only, ...more] = steps;
  return only?.kind === "launch" && only.fn === fn && more.length === 0;
}

/** What a launch writes for a result of its function: of tiles, one for each. */
export function writtenType(type: TensorType, tile: Tile | undefined): TensorType {
  if (tile === undefined || type.shape.includes(tile.dim)) return type;
  return { ...type, shape: [tile.count, ...type.shape] };
}

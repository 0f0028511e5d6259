/**
 * Plans: a function as a sequence of kernel launches, and the memory between them.
 *
 * - buffer: an input, a constant, a result, or an intermediate, which one kernel writes and a later one reads.
 * - step: allocate an intermediate, launch a kernel, free the intermediate; or an opaque step.
 * - opaque step: an op that no generated kernel computes, a product or an `extern` op, which the caller implements. It may
 *   read and write a buffer in another shape.
 * - outlined function: the computation of a kernel, in tensor IR, with a parameter for each buffer that it reads.
 * - extent: a dimension derived from others, such as `ceil(rows / 64)`.
 * - tile: a launch may cut one dimension into tiles, and run its function on each of them.
 *
 * Buffers that are allocated, written and freed in order follow IREE's Stream dialect; functions outlined from a graph
 * correspond to Futhark's kernels before `ImpGen`. A plan of one launch and no intermediates is a function that is one kernel.
 */

import type { Fn, Op } from "../ir/ir.ts";
import type { Dim, TensorType } from "../ir/types.ts";

/** A named extent, which types of buffers may use: `ceil(of / by)`, clamped to `least` and `most`. */
export interface DerivedExtent {
  readonly name: string;
  readonly of: Dim;
  readonly by: Dim;
  readonly least?: number;
  readonly most?: number;
}

/** Memory that kernels read or write. */
export interface PlanBuffer {
  /** Unique within the plan. */
  readonly name: string;
  readonly type: TensorType;
  readonly kind: "input" | "constant" | "result" | "intermediate";
  /** For a result: its name in the function, which may also be the name of an input. */
  readonly result?: string;
  /** For a result that equals an earlier one: the name of the earlier buffer, the only one of the two that is written. */
  readonly same?: string;
  /** For an intermediate: its memory slot. Intermediates in one slot have disjoint live ranges. */
  readonly slot?: number;
}

/** How a launch cuts a dimension: its function runs on each tile of `size` elements in turn; the last tile may be shorter. */
export interface Tile {
  /** The dimension that is cut. In the function it stands for its extent within one tile. */
  readonly dim: string;
  /** The extent of the plan that gives the size of a tile, except for the last. */
  readonly size: string;
  /** The extent of the plan that gives the number of tiles. Results without `dim` get this extent as an additional first dimension. */
  readonly count: string;
}

/** A kernel launch: the function that the kernel computes, and the buffers that it reads and writes. */
export interface Launch {
  readonly kind: "launch";
  readonly fn: Fn;
  /** The buffer of each parameter of the function. */
  readonly reads: readonly PlanBuffer[];
  /** The buffer of each result of the function. */
  readonly writes: readonly PlanBuffer[];
  readonly tile?: Tile | undefined;
  /**
   * For the plain kernel of a product, whose function has the product as its only op: the extents of the plan that count the tiles
   * of its rows and columns, where these are symbolic.
   */
  readonly product?: { readonly rows?: string; readonly columns?: string };
}

/** An op between kernels that the caller computes. Its function consists of this op, with its operands as parameters. */
export interface OpaqueStep extends Omit<Launch, "kind" | "tile" | "product"> {
  readonly kind: "opaque";
}

/** A step of a plan. Steps are executed in order. */
export type Step =
  | { readonly kind: "alloc"; readonly buffer: PlanBuffer }
  | Launch
  | OpaqueStep
  | { readonly kind: "free"; readonly buffer: PlanBuffer };

/** A function as a sequence of kernels, and the memory between them. */
export interface Plan {
  /** The function that the plan computes. */
  readonly fn: Fn;
  readonly extents: readonly DerivedExtent[];
  readonly buffers: readonly PlanBuffer[];
  readonly steps: readonly Step[];
}

/** The launches of a plan, in order. */
export const launchesOf = ({ steps }: Pick<Plan, "steps">): Launch[] => steps.filter((step) => step.kind === "launch");

/** The plans, each with its kernels. @param kernels one for each launch of all plans, in order. */
export function withKernels<T>(plans: readonly Plan[], kernels: readonly T[]) {
  const rest = [...kernels];
  return plans.map((plan) => ({ plan, kernels: rest.splice(0, launchesOf(plan).length) }));
}

/** The steps that compute something, in order: launches and opaque steps. */
export const callsOf = ({ steps }: Pick<Plan, "steps">): (Launch | OpaqueStep)[] =>
  steps.filter((step) => step.kind === "launch" || step.kind === "opaque");

/** The opaque steps, in order. */
export const opaqueStepsOf = ({ steps }: Pick<Plan, "steps">): OpaqueStep[] =>
  steps.filter((step) => step.kind === "opaque");

/** The launches of plain kernels of products, for which a caller may have better ones. */
export const productsOf = (plan: Pick<Plan, "steps">): Launch[] =>
  launchesOf(plan).filter(({ product }) => product !== undefined);

/** The op of an opaque step. */
export const opaqueOp = ({ fn }: OpaqueStep): Op => fn.ops[0] as Op;

/** Whether the plan is a single launch, of its function itself. */
export function isOneKernel({ fn, steps }: Pick<Plan, "fn" | "steps">): boolean {
  const [only, ...more] = steps;
  return only?.kind === "launch" && only.fn === fn && more.length === 0;
}

/** The type of the buffer that a launch writes for a result of its function; a result without the dimension that is cut is stored once per tile. */
export function writtenType(type: TensorType, tile: Tile | undefined): TensorType {
  if (tile === undefined || type.shape.includes(tile.dim)) return type;
  return { ...type, shape: [tile.count, ...type.shape] };
}

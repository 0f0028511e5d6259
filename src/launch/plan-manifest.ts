/** The manifest of a plan, which consists of several kernels that are launched in order. Plain JSON data. */

import type { LaunchElement } from "./compact.ts";

/** A buffer of a plan. */
export interface LaunchBuffer {
  /** Unique among the buffers of the plan. */
  readonly name: string;
  readonly kind: "input" | "constant" | "result" | "intermediate";
  readonly element: LaunchElement;
  readonly shape: readonly (number | string)[];
  /** The name of a result, if an input has the same name and `name` differs. */
  readonly result?: string;
  /**
   * For a result with the same value as another: the other's name. They share a buffer, unless the caller gives it one of its own.
   */
  readonly same?: string;
  /** For an intermediate: its slot in memory. Intermediates with the same slot are never live at the same time. */
  readonly slot?: number;
}

/** The launch of a kernel, with the buffer for each of its parameters, constants and results. */
export interface LaunchOfKernel {
  readonly launch: string;
  readonly reads: Readonly<Record<string, string>>;
  readonly writes: Readonly<Record<string, string>>;
}

/** A buffer, and the shape in which it is read or written, with the same elements in the same order. */
export interface LaunchView {
  readonly buffer: string;
  readonly shape: readonly (number | string)[];
}

/** An op that the caller computes, not a kernel of the plan (opaque.ts). */
export interface LaunchOfOp {
  /** The op: a row of the op table. */
  readonly opaque: "matmul" | "linear" | "conv" | "extern";
  /** The name of the step, unique in the plan. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, number | boolean | string | readonly (number | string)[]>>;
  /** By operand. */
  readonly reads: Readonly<Record<string, LaunchView>>;
  /** By result: `out`, or `out0`, `out1` and so on. */
  readonly writes: Readonly<Record<string, LaunchView>>;
}

/** A step of a plan. */
export type LaunchStep = { readonly alloc: string } | LaunchOfKernel | LaunchOfOp | { readonly free: string };

/** A dimension that is computed from others: ceil(`of` / `by`), clamped to `least` and `most`. */
export interface LaunchExtent {
  readonly name: string;
  readonly of: number | string;
  readonly by: number | string;
  readonly least?: number;
  readonly most?: number;
}

/** A function that consists of several kernels. */
export interface LaunchPlan {
  readonly version: 2;
  readonly name: string;
  /** The dimensions that the caller gives. */
  readonly dims: readonly { readonly name: string }[];
  readonly extents: readonly LaunchExtent[];
  readonly buffers: readonly LaunchBuffer[];
  readonly steps: readonly LaunchStep[];
}

/** All extents of a plan: those given by the caller, and those computed from them. */
export function planExtents(
  extents: readonly LaunchExtent[],
  dims: Readonly<Record<string, number>>,
): Record<string, number> {
  // A dimension may be called `toString`.
  const all: Record<string, number> = Object.assign(Object.create(null), dims);
  const extentOf = (dim: number | string) => (typeof dim === "number" ? dim : (all[dim] as number));
  for (const { name, of, by, least = 0, most = Infinity } of extents)
    all[name] = Math.min(most, Math.max(least, Math.ceil(extentOf(of) / extentOf(by))));
  return all;
}

/** What a launcher has to know of a plan: several kernels that are launched one after the other. Plain JSON data. */

import type { LaunchElement } from "./compact.ts";

/** Memory of a plan. */
export interface LaunchBuffer {
  /** No other buffer of the plan has it. */
  readonly name: string;
  readonly kind: "input" | "constant" | "result" | "intermediate";
  readonly element: LaunchElement;
  readonly shape: readonly (number | string)[];
  /** The name of a result, where an input has it too and `name` is another. */
  readonly result?: string;
  /** Of a result that is the value of another: the other's name. It lies there too, unless it is given a buffer of its own. */
  readonly same?: string;
  /** Of an intermediate: its place. Intermediates of one place are never needed at a time. */
  readonly slot?: number;
}

/** The kernel of this name, and the buffer for each of its parameters, constants and results. */
export interface LaunchOfKernel {
  readonly launch: string;
  readonly reads: Readonly<Record<string, string>>;
  readonly writes: Readonly<Record<string, string>>;
}

/** A buffer, and the shape in which it is read or written: with as many elements as its own, in the same order. */
export interface LaunchView {
  readonly buffer: string;
  readonly shape: readonly (number | string)[];
}

/** An op that no kernel of the plan computes, and what it is applied to: the caller fills it in (opaque.ts). */
export interface LaunchOfOp {
  /** The op: a row of the op table. */
  readonly opaque: "matmul" | "linear" | "conv" | "extern";
  /** What the step is called; no other step of the plan has the name. */
  readonly name: string;
  readonly attributes: Readonly<Record<string, number | boolean | string | readonly (number | string)[]>>;
  /** By operand. */
  readonly reads: Readonly<Record<string, LaunchView>>;
  /** By result: `out`, or `out0`, `out1` and so on. */
  readonly writes: Readonly<Record<string, LaunchView>>;
}

/** What happens in turn. */
export type LaunchStep = { readonly alloc: string } | LaunchOfKernel | LaunchOfOp | { readonly free: string };

/** A dimension that follows from others: ceil(`of` / `by`), or `least` if that is more, and `most` at most. */
export interface LaunchExtent {
  readonly name: string;
  readonly of: number | string;
  readonly by: number | string;
  readonly least?: number;
  readonly most?: number;
}

/** A function as several kernels. */
export interface LaunchPlan {
  readonly version: 2;
  readonly name: string;
  /** The dimensions that the caller gives. */
  readonly dims: readonly { readonly name: string }[];
  readonly extents: readonly LaunchExtent[];
  readonly buffers: readonly LaunchBuffer[];
  readonly steps: readonly LaunchStep[];
}

/** All extents of a plan: those that the caller gives, and those that follow from them. */
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

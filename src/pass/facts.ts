/**
 * What passes hand over beside the function, keyed by values: what they found out, and what became of each value.
 *
 * - given, made: the function that a pass was given, and the one that it returns.
 * - provenance: for a value of the given function, what stands for it in the one made. A value that has no entry stands
 *   for itself, if it is there still.
 */

import type { Fn, Value } from "../ir/ir.ts";

/** For values of the function that a pass was given, those that stand for them in the one it made. */
export type Provenance = ReadonlyMap<Value, Value>;

/** A LayerNorm of the given function is an RMSNorm of centered rows now: `center` in the one made. */
export interface NormRewritten {
  readonly kind: "norm rewritten";
  readonly norm: Value;
  readonly center: Value;
}

/**
 * - proved: the rows are centered already, so the centering is gone.
 * - folded: it moved into constants, which are centered once and for all.
 * - moved: its rows are a sum of others, of which one or more are centered instead, once for several norms.
 * - kept: nothing proves that; the centering stays, and the kernel computes it in the norm's own read of the row.
 * - lossy: dropped without a proof, because `mode` is `lossy`.
 */
export type CenterOutcome = "proved" | "folded" | "moved" | "kept" | "lossy";

/** What became of a `center` of the given function. */
export interface CenterResolved {
  readonly kind: "center resolved";
  readonly center: Value;
  readonly outcome: CenterOutcome;
  /** The steps of the proof, or the condition that failed. */
  readonly because: readonly string[];
  /** Constants that are centered once and for all, and values that are centered instead, between backquotes. */
  readonly constants: readonly string[];
  readonly movedTo: readonly string[];
  /** Whether it is kept for others as well: those to which it moved. */
  readonly beginsStream: boolean;
  /** The `center`s of the function made that are left of it. Several may share one; there may be many for each. */
  readonly centers: () => readonly Value[];
}

/** What a pass says of a norm that it rewrote, or of a centering. */
export type Fact = NormRewritten | CenterResolved;

/** What a pass returns that says more than the function. */
export interface PassOutput {
  readonly fn: Fn;
  readonly provenance?: Provenance;
  readonly facts?: readonly Fact[];
}

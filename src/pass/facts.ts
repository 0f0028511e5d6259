/**
 * What passes hand over beside the function, keyed by values: what they found out, and what became of each value.
 *
 * - given, made: the function that a pass was given, and the one that it returns.
 * - provenance: what stands in the one made for each value of the one given.
 * - fact: what the pass did, or why it did not. Remarks are printed from facts (print-facts.ts).
 *
 * As MLIR's rewriter tells a listener by what each op was replaced, but as data, for here nothing is changed in place; and
 * chains of replacements are followed as Cranelift resolves the aliases of a value (trail.ts).
 */

import type { Miss } from "../diagnostics/areas/rewrites.ts";
import type { Refusal } from "../diagnostics/refusals.ts";
import type { Fn, Op, Value } from "../ir/ir.ts";
import type { Proof } from "./proof.ts";

/**
 * For values of the function given, what stands for them in the one made: one value, several, or none (an empty list)
 * where it is computed no more. A value without an entry is in the function made itself. Whatever stands for a value
 * holds the same numbers in real arithmetic, unless a fact says that its rows are centered.
 */
export type Provenance = ReadonlyMap<Value, Value | readonly Value[]>;

/** What looks like a norm, and is left as it is written: a value of the function given. */
export interface NotRaised {
  readonly kind: "not raised";
  readonly value: Value;
  /** What it looks like. */
  readonly norm: string;
  readonly miss: Miss;
}

/** What stands before a norm of the function given, and does not go into it. */
export interface NotSimplified {
  readonly kind: "not simplified";
  /** What the norm makes. */
  readonly value: Value;
  /** What stays. */
  readonly what: string;
  readonly miss: Miss;
}

/** A LayerNorm, RMSNorm or GroupNorm of the function given. */
export interface NormMet {
  readonly kind: "norm met";
  readonly norm: Value;
  /** Of a LayerNorm that is an RMSNorm of centered rows now: these two, in the function made. */
  readonly rewritten?: { readonly center: Value; readonly rmsnorm: Value };
  /** Of a LayerNorm that stays: why. */
  readonly stays?: readonly string[];
}

/** `(x - mean(x)) / (std(x) + eps)` in the function given, which is no op: its result, and the centering in it. */
export interface StandardizationMet {
  readonly kind: "standardization met";
  readonly norm: Value;
  readonly center: Value;
  readonly eps: number;
}

/**
 * - proved: the rows are centered already, so the centering is gone.
 * - folded: it moved into constants, which are centered once.
 * - moved: its rows are a sum of others, of which one or more are centered instead, once for several norms.
 * - kept: nothing proves that; the centering stays, and the kernel computes it in the norm's own read of the row.
 * - lossy: dropped without a proof, because `mode` is `lossy`.
 */
export type CenterOutcome = "proved" | "folded" | "moved" | "kept" | "lossy";

/** Values of the function given that are centered instead of another. */
export interface MovedTo {
  /** Constants, which are centered once. */
  readonly constants: readonly Value[];
  readonly values: readonly Value[];
  /** Whether nobody looked on for more. */
  readonly isCut: boolean;
}

/** Why a centering stays. */
export interface Kept {
  /** The condition that failed; missing where nobody looked, as `mode` is `off`. */
  readonly miss?: Miss;
  /** Why it does not move; missing where its op does not commute with a centering. */
  readonly blocked?: string;
  /** Whether it is kept for others as well: those to which it moved. */
  readonly beginsStream: boolean;
}

/** What became of a `center` of the function given, and why. */
export type CenterResolved = {
  readonly kind: "center resolved";
  readonly center: Value;
  /** The `center`s of the function made that are left of it. Several may share one; there may be many for each. */
  readonly centers: () => readonly Value[];
} & (
  | { readonly outcome: "proved"; readonly proof: Proof }
  | { readonly outcome: "folded" | "moved"; readonly to: MovedTo }
  | { readonly outcome: "kept"; readonly kept: Kept }
  | { readonly outcome: "lossy"; readonly miss: Miss }
);

/** What stands for a value of the function given holds its rows centered, which is all the same to all that reads it. */
export interface RowsCentered {
  readonly kind: "rows centered";
  readonly value: Value;
  /** Along which the rows lie, counted from the end. */
  readonly axes: readonly number[];
  /** Where a row is so many elements in turn along the only axis. */
  readonly block?: number;
  /** Constants of the module, vectors along the only axis, by which the rows are scaled before they are centered. */
  readonly scales: readonly string[];
}

/** An op of the function given that no kernel computes (a clause), or not the one before it. */
export interface KernelCut {
  readonly kind: "kernel cut";
  readonly op: Op;
  readonly why: string | Refusal;
  /** What its kernel reads of what kernels before it have written. */
  readonly stored: readonly Value[];
}

/** What a pass says of what it did, or did not. */
export type Fact = NotRaised | NotSimplified | NormMet | StandardizationMet | CenterResolved | RowsCentered | KernelCut;

/** What a pass returns that says more than the function. */
export interface PassOutput {
  readonly fn: Fn;
  /** Missing where the pass says nothing: then a value that is not in the function made is lost. */
  readonly provenance?: Provenance;
  readonly facts?: readonly Fact[];
  /** Functions that the module gets beside those it has. */
  readonly beside?: readonly Fn[];
}

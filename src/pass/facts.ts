/**
 * What passes report in addition to the function, keyed by values: facts, and what happened to each value.
 *
 * - given, made: the function before a pass, and the one that it returns.
 * - provenance: the replacements in the function made for each value of the one given.
 * - fact: what the pass did, or why it did not. Remarks are printed from facts (print-facts.ts).
 *
 * This is like the notifications of replaced ops that MLIR's rewriter sends to a listener, but as data, as nothing is changed in
 * place. Chains of replacements are followed as Cranelift resolves value aliases (trail.ts).
 */

import type { Miss } from "../diagnostics/areas/rewrites.ts";
import type { Refusal } from "../diagnostics/refusals.ts";
import type { Fn, Op, Value } from "../ir/ir.ts";
import type { Proof } from "./proof.ts";

/**
 * For values of the function given, their replacements in the one made: one value, several, or none (an empty list)
 * if it is no longer computed. A value without an entry is itself in the function made. A replacement
 * is equal to the value in real arithmetic, unless a fact says that its rows are centered.
 */
export type Provenance = ReadonlyMap<Value, Value | readonly Value[]>;

/** A value of the function given that resembles a norm, but is not raised to one. */
export interface NotRaised {
  readonly kind: "not raised";
  readonly value: Value;
  /** The norm that it resembles. */
  readonly norm: string;
  readonly miss: Miss;
}

/** An op before a norm of the function given that is not merged into the norm. */
export interface NotSimplified {
  readonly kind: "not simplified";
  /** The result of the norm. */
  readonly value: Value;
  /** What is not merged. */
  readonly what: string;
  readonly miss: Miss;
}

/** A LayerNorm, RMSNorm or GroupNorm of the function given. */
export interface NormMet {
  readonly kind: "norm met";
  readonly norm: Value;
  /** For a LayerNorm that became an RMSNorm of centered rows: these two, in the function made. */
  readonly rewritten?: { readonly center: Value; readonly rmsnorm: Value };
  /** For a LayerNorm that stays: the reasons. */
  readonly stays?: readonly string[];
}

/** `(x - mean(x)) / (std(x) + eps)` in the function given, for which there is no op: its result, and the centering in it. */
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
 * - kept: not proved; the centering stays, and the kernel computes it in the norm's own loop over the row.
 * - lossy: dropped without a proof, because `mode` is `lossy`.
 */
export type CenterOutcome = "proved" | "folded" | "moved" | "kept" | "lossy";

/** Values of the function given that are centered instead of another. */
export interface MovedTo {
  /** Constants, which are centered once. */
  readonly constants: readonly Value[];
  readonly values: readonly Value[];
  /** Whether the search for more was stopped. */
  readonly isCut: boolean;
}

/** Why a centering stays. */
export interface Kept {
  /** The condition that failed; missing if `mode` is `off`. */
  readonly miss?: Miss;
  /** Why it does not move; missing if its op does not commute with a centering. */
  readonly blocked?: string;
  /** Whether it also serves other norms, whose centering moved here. */
  readonly beginsStream: boolean;
}

/** What happened to a `center` of the function given, and why. */
export type CenterResolved = {
  readonly kind: "center resolved";
  readonly center: Value;
  /** The `center`s of the function made that remain of it. Several may share one, and one may have many. */
  readonly centers: () => readonly Value[];
} & (
  | { readonly outcome: "proved"; readonly proof: Proof }
  | { readonly outcome: "folded" | "moved"; readonly to: MovedTo }
  | { readonly outcome: "kept"; readonly kept: Kept }
  | { readonly outcome: "lossy"; readonly miss: Miss }
);

/** The replacement of a value of the function given has centered rows, which makes no difference to its readers. */
export interface RowsCentered {
  readonly kind: "rows centered";
  readonly value: Value;
  /** The axes of the rows, counted from the end. */
  readonly axes: readonly number[];
  /** The number of elements in a row, if rows are blocks along the only axis. */
  readonly block?: number;
  /** Constants of the module, vectors along the only axis, by which the rows are scaled before they are centered. */
  readonly scales: readonly string[];
}

/** An op of the function given that starts a new kernel, or that no kernel computes (the reason is a clause). */
export interface KernelCut {
  readonly kind: "kernel cut";
  readonly op: Op;
  readonly why: string | Refusal;
  /** The values that its kernel reads and earlier kernels have stored. */
  readonly stored: readonly Value[];
}

/** A fact about what a pass did or did not do. */
export type Fact = NotRaised | NotSimplified | NormMet | StandardizationMet | CenterResolved | RowsCentered | KernelCut;

/** The output of a pass that reports more than the function. */
export interface PassOutput {
  readonly fn: Fn;
  /** Without it, the history of values that are not in the function made is lost. */
  readonly provenance?: Provenance;
  readonly facts?: readonly Fact[];
  /** Functions that are added to the module. */
  readonly beside?: readonly Fn[];
}

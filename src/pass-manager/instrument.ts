/**
 * Instruments watch the one loop that runs passes. Timing, printing, dumping, statistics and the reproducer are
 * instruments; so can be anything else that wants to know.
 */

import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Module } from "../ir/ir.ts";
import type { Pass } from "../pass/define-pass.ts";
import type { Fact, Provenance } from "../pass/facts.ts";

/** A pass is about to run. */
export interface PassStart {
  readonly pass: Pass;
  /** The pass and its options, as a pipeline writes them. */
  readonly text: string;
  /** How many passes ran before; a pass of a fixpoint counts each time. */
  readonly index: number;
  readonly module: Module;
}

/** A pass has run, and what it made is well formed. */
export interface PassEnd extends PassStart {
  /** What the pass made of it: the same object where it changed nothing. */
  readonly result: Module;
  readonly changed: boolean;
  readonly milliseconds: number;
  readonly statistics: Readonly<Record<string, number>>;
  readonly remarks: readonly Diagnostic[];
  /** What the pass found out, about values of the module that it was given and of the result. */
  readonly facts: readonly Fact[];
  /** For values of the module that it was given: what stands for them in the result. */
  readonly provenance: Provenance;
}

/** A pass threw, or made what is not well formed. */
export interface PassFailed extends PassStart {
  readonly error: unknown;
  /** What is left to run, the failing pass first, as a pipeline. */
  readonly rest: string;
}

/** Called in the order of the instruments. An instrument looks; it does not change the program. */
export interface Instrument {
  /** Before the first pass, with the pipeline as text. */
  begin?(module: Module, pipeline: string): void;
  /** Before each pass. */
  beforePass?(event: PassStart): void;
  /** After each pass that did not fail. */
  afterPass?(event: PassEnd): void;
  /** In place of `afterPass` and `end`, when a pass failed. */
  failed?(event: PassFailed): void;
  /** After the last pass, with what came out. */
  end?(module: Module): void;
}

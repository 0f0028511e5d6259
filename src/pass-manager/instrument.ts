/**
 * Instruments observe the pass manager. Timing, printing, dumping, statistics and the reproducer are
 * instruments, and plugins may add others.
 */

import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Module } from "../ir/ir.ts";
import type { Pass } from "../pass/define-pass.ts";
import type { Fact, Provenance } from "../pass/facts.ts";

/** A pass is about to run. */
export interface PassStart {
  readonly pass: Pass;
  /** The pass and its options, as in a pipeline. */
  readonly text: string;
  /** The number of passes that ran before; a pass in a fixpoint counts each time. */
  readonly index: number;
  readonly module: Module;
}

/** A pass has run, and its result is well formed. */
export interface PassEnd extends PassStart {
  /** The result of the pass: the same object if nothing changed. */
  readonly result: Module;
  readonly changed: boolean;
  readonly milliseconds: number;
  readonly statistics: Readonly<Record<string, number>>;
  readonly remarks: readonly Diagnostic[];
  /** The facts that the pass reported, about values of the module before and after. */
  readonly facts: readonly Fact[];
  /** The replacements of values of the module before. */
  readonly provenance: Provenance;
}

/** A pass threw, or its result is not well formed. */
export interface PassFailed extends PassStart {
  readonly error: unknown;
  /** The remaining pipeline, from the failing pass on. */
  readonly rest: string;
}

/** The callbacks of an instrument, which are called in the order of the instruments. They must not change the program. */
export interface Instrument {
  /** Before the first pass, with the pipeline as text. */
  begin?(module: Module, pipeline: string): void;
  /** Before each pass. */
  beforePass?(event: PassStart): void;
  /** After each pass that did not fail. */
  afterPass?(event: PassEnd): void;
  /** Called instead of `afterPass` and `end` if a pass failed. */
  failed?(event: PassFailed): void;
  /** After the last pass, with the result. */
  end?(module: Module): void;
}

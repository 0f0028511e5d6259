/**
 * Instruments watch the one loop that runs passes. Timing, printing, dumping, statistics and the reproducer are
 * instruments; so can be anything else that wants to know.
 */

import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Module } from "../ir/ir.ts";
import type { Pass } from "../pass/define-pass.ts";

export interface PassStart {
  readonly pass: Pass;
  /** The pass and its options, as a pipeline writes them. */
  readonly text: string;
  /** How many passes ran before; a pass of a fixpoint counts each time. */
  readonly index: number;
  readonly module: Module;
}

export interface PassEnd extends PassStart {
  /** What the pass made of it: the same object where it changed nothing. */
  readonly result: Module;
  readonly changed: boolean;
  readonly milliseconds: number;
  readonly statistics: Readonly<Record<string, number>>;
  readonly remarks: readonly Diagnostic[];
}

export interface PassFailed extends PassStart {
  readonly error: unknown;
  /** What is left to run, the failing pass first, as a pipeline. */
  readonly rest: string;
}

/** Called in the order of the instruments. An instrument looks; it does not change the program. */
export interface Instrument {
  begin?(module: Module, pipeline: string): void;
  beforePass?(event: PassStart): void;
  afterPass?(event: PassEnd): void;
  failed?(event: PassFailed): void;
  end?(module: Module): void;
}

/** Runs a pipeline text over a module, with everything that the passes have to say. */

import { type Diagnostic, lineColumn } from "../../src/diagnostics/diagnostic.ts";
import type { Module } from "../../src/ir/ir.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";

export interface Ran {
  readonly module: Module;
  readonly remarks: readonly Diagnostic[];
  readonly statistics: Readonly<Record<string, number>>;
}

export function runPasses(module: Module, pipeline: string): Ran {
  const { statistics, ...result } = new PassManager(pipeline).run(module);
  return { ...result, statistics: Object.assign({}, ...Object.values(statistics)) };
}

/** A diagnostic in lines: its place, code and message, then its notes and help. */
export function describeDiagnostic({ span, severity, code, message, notes, help }: Diagnostic): string[] {
  const { line, column } = span === undefined ? { line: 0, column: 0 } : lineColumn(span.source, span.start);
  const more = [...notes.map((note) => `  ${note}`), ...help.map((text) => `  help: ${text}`)];
  return [`${line}:${column}: ${severity}[${code}]: ${message}`, ...more];
}

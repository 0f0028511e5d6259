/** Runs a pipeline text over a module, with everything that the passes have to say. */

import { builtinPasses } from "../../passes/index.ts";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { lineColumn } from "../../src/diagnostics/diagnostic.ts";
import { type Module, makeModule } from "../../src/ir/ir.ts";
import type { Pass } from "../../src/pass/define-pass.ts";

export interface Ran {
  readonly module: Module;
  readonly remarks: readonly Diagnostic[];
  readonly statistics: Readonly<Record<string, number>>;
}

function stepOf(text: string): { pass: Pass; options: Record<string, unknown> } {
  const { name, given } = (/^(?<name>[\w-]+)(\{(?<given>.*)\})?$/.exec(text)?.groups ?? {}) as Record<string, string>;
  const pass = builtinPasses.find((candidate) => candidate.name === name);
  if (pass === undefined) throw new Error(`no pass ${text}`);
  const defaults = Object.entries(pass.options).map(([key, def]) => [key, def.default]);
  const set = (given ?? "")
    .split(",")
    .filter(Boolean)
    .map((option) => option.split("="));
  return { pass, options: Object.fromEntries([...defaults, ...set]) };
}

export function runPasses(module: Module, pipeline: string): Ran {
  const remarks: Diagnostic[] = [];
  const statistics: Record<string, number> = {};
  let current = module;
  for (const step of pipeline.split(/,(?![^{]*\})/)) {
    const { pass, options } = stepOf(step.trim());
    const context = {
      options,
      remark: (diagnostic: Diagnostic) => void remarks.push(diagnostic),
      count: (what: string, amount = 1) => {
        statistics[what] = (statistics[what] ?? 0) + amount;
      },
    };
    current = makeModule(current.fns.map((fn) => pass.run(fn, context)));
  }
  return { module: current, remarks, statistics };
}

/** A diagnostic in lines: its place, code and message, then its notes and help. */
export function describeDiagnostic({ span, severity, code, message, notes, help }: Diagnostic): string[] {
  const { line, column } = span === undefined ? { line: 0, column: 0 } : lineColumn(span.source, span.start);
  const more = [...notes.map((note) => `  ${note}`), ...help.map((text) => `  help: ${text}`)];
  return [`${line}:${column}: ${severity}[${code}]: ${message}`, ...more];
}

/** Runs a pipeline text on a module, with all remarks of the passes. */

import { builtins } from "../../passes/index.ts";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import type { Module } from "../../src/ir/ir.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";

interface Ran {
  readonly module: Module;
  readonly remarks: readonly Diagnostic[];
  readonly statistics: Readonly<Record<string, number>>;
}

export function runPasses(module: Module, pipeline: string): Ran {
  const { statistics, ...result } = new PassManager(pipeline, { builtins }).run(module);
  return { ...result, statistics: Object.assign({}, ...Object.values(statistics)) };
}

/** The diagnostics of `compile` for a program, for `tirc check` and editors. */

import { aSource, checkArgument } from "../diagnostics/arguments.ts";
import { type Diagnostic, type Source, TircError } from "../diagnostics/diagnostic.ts";
import { checkModule } from "../ir/arguments.ts";
import type { Module } from "../ir/ir.ts";
import { headerPipeline, pipelineAt, printPipeline } from "../pass-manager/pipeline.ts";
import type { TargetProfile } from "../target/target.ts";
import { compile } from "./compile.ts";
import { type Plugin, registryOf } from "./plugin.ts";

/** Options of a check. */
export interface CheckOptions {
  /** The name of a target, or a profile. `portable` by default. */
  readonly target?: string | TargetProfile | undefined;
  readonly plugins?: readonly Plugin[] | undefined;
  /** Whether every function must compile to kernels, as for `compile`. `true` by default. */
  readonly kernels?: boolean | undefined;
  /** Whether each function must be a single kernel. `false` by default. */
  readonly singleKernel?: boolean | undefined;
}

/** The pipeline in the program's first comment, else the default one. @throws TircError E0301 to E0304. */
export function pipelineOf(source: Source, plugins: readonly Plugin[] = []): string {
  const header = headerPipeline(source);
  if (header === undefined) return "default";
  return printPipeline(pipelineAt(header, registryOf(plugins)));
}

/**
 * The errors and warnings of `compile` for a module that was parsed from `source` without errors.
 * @throws PassFailure if a pass is at fault.
 */
export function kernelProblems(module: Module, source: Source, options: CheckOptions = {}): readonly Diagnostic[] {
  checkModule("kernelProblems", module);
  checkArgument("the second argument", "kernelProblems", source, aSource);
  const { target, plugins = [], kernels = true, singleKernel = false } = options;
  try {
    const passes = pipelineOf(source, plugins);
    if (!kernels) return [];
    const { remarks } = compile(module, { passes, plugins, singleKernel, ...(target !== undefined && { target }) });
    return remarks.filter(({ severity }) => severity !== "remark");
  } catch (caught) {
    if (caught instanceof TircError) return caught.diagnostics;
    throw caught;
  }
}

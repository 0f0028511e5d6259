/** Kernels as modules of programming languages: `tirc compile --emit ts`, `typegpu` and `rust`. */

import { inLeastForm } from "../emit/least-form.ts";
import { type EmittedFunction, emitModule, emittedFunctions } from "../emit/module.ts";
import { emitRust } from "../emit/rust.ts";
import { emitTypegpu } from "../emit/typegpu.ts";
import { launcherText, planText } from "../launch/text-ts.ts";
import type { Plan } from "../plan/plan.ts";
import type { Kernel } from "../target/manifest.ts";

export type ModuleLanguage = "ts" | "typegpu" | "rust";

const emitters: Readonly<Record<ModuleLanguage, (functions: readonly EmittedFunction[], source: string) => string>> = {
  ts: (functions, source) =>
    emitModule(functions, { language: "ts", source, launcher: { text: launcherText, planText } }),
  typegpu: (functions, source) => emitTypegpu(functions.map(inLeastForm), source),
  rust: (functions, source) => emitRust(functions.map(inLeastForm), source),
};

/**
 * All functions as one file.
 * @param forms the kernels of all launches, each compiled for one target or several.
 * @param source the program that they were compiled from.
 */
export function moduleText(
  language: ModuleLanguage,
  plans: readonly Plan[],
  forms: readonly (readonly Kernel[])[],
  source: string,
): string {
  return emitters[language](emittedFunctions(plans, forms), source);
}

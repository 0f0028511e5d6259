/** Functions in a single form, for emitters that support only one target. */

import { leastDemanding } from "../../codegen/variants.ts";
import type { Kernel } from "../target/manifest.ts";
import type { EmittedFunction } from "./module.ts";
import type { CompiledKernels } from "./plan-signature.ts";

/** A function in its least demanding form. */
export const inLeastForm = (one: EmittedFunction): Kernel | CompiledKernels =>
  "plan" in one ? { plan: one.plan, kernels: one.kernels.map(leastDemanding) } : leastDemanding(one);

/** The distinct kernels of a function for several targets. */

import { checkKernels } from "../src/target/arguments.ts";
import type { Kernel } from "../src/target/manifest.ts";

/**
 * The distinct kernels of a function, the most demanding first: a device takes the first that it can run. Of several kernels
 * with the same text, the first stays. Of two that demand the same, a GPU's comes later, so that the last kernel for
 * `moduleTargets` is the portable one.
 */
export function distinctKernels(kernels: readonly Kernel[]): readonly Kernel[] {
  checkKernels("distinctKernels", kernels);
  const byText = new Map<string, Kernel>();
  for (const kernel of kernels) {
    const { dispatch } = kernel.manifest;
    const text = `${kernel.wgsl}\n${dispatch.rowsPerWorkgroup}`;
    if (!byText.has(text)) byText.set(text, kernel);
  }
  const demand = ({ manifest: { kind, requiredFeatures, requiredSubgroupSize = 0 } }: Kernel) =>
    requiredFeatures.length * 1000 + requiredSubgroupSize + (kind === "cpu" ? 0.5 : 0);
  return [...byText.values()].sort((a, b) => demand(b) - demand(a));
}

/** The least demanding of a kernel's forms. That of `moduleTargets` runs on every device. */
export const leastDemanding = (forms: readonly Kernel[]): Kernel => forms.at(-1) as Kernel;

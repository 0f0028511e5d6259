/** Entry points for some extents. Modules of kernels that have none have nothing of this. */

import type { CompactManifest } from "./compact.ts";

/** What kernels with several entry points bring along. */
export type EntryFor = typeof entryFor;

/** The manifest as it is of the entry point for these extents, and so many rows, unless that is the first. */
export function entryFor(
  manifest: CompactManifest,
  rows: number,
  extentOf: (dim: string) => number,
): CompactManifest | undefined {
  const found = manifest.variants?.find(([dim, multipleOf, atLeast]) => {
    const extent = extentOf(dim);
    return rows > 0 && extent >= atLeast && extent % multipleOf < 1;
  });
  if (!found) return undefined;
  const [, multipleOf, , rowsPerWorkgroup, strides] = found;
  return { ...manifest, entryPoint: `main_x${multipleOf}`, rowsPerWorkgroup, strides };
}

/** Entry points for particular extents. Modules whose kernels have none do not include this. */

import type { CompactManifest } from "./compact.ts";

/** The part of the launcher for kernels with several entry points. */
export type EntryFor = typeof entryFor;

/** The manifest of the entry point for these extents and this number of rows; `undefined` if it is the first one. */
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

/** Extents as pipeline constants. Modules whose kernels have none do not include this. */

import type { CompactManifest } from "./compact.ts";

/** The values of pipeline constants. */
export type Constants = Readonly<Record<string, number>>;

/** The part of the launcher for kernels with pipeline constants. */
export type ConstantsOf = typeof constantsOf;

/** The values of a kernel's pipeline constants, from the extents of their dimensions. */
export function constantsOf({ overrides = {} }: CompactManifest, extentOf: (dim: string) => number): Constants {
  return Object.fromEntries(Object.entries(overrides).map(([constant, dim]) => [constant, extentOf(dim)]));
}

/** Extents that are constants of the pipeline. Modules of kernels that have none have nothing of this. */

import type { CompactManifest } from "./compact.ts";

/** The values of pipeline constants. */
export type Constants = Readonly<Record<string, number>>;

/** What kernels with pipeline constants bring along. */
export type ConstantsOf = typeof constantsOf;

/** Those of a kernel, by the dimensions that they are. */
export function constantsOf({ overrides = {} }: CompactManifest, extentOf: (dim: string) => number): Constants {
  return Object.fromEntries(Object.entries(overrides).map(([constant, dim]) => [constant, extentOf(dim)]));
}

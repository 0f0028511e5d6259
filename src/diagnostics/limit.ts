/** Of a file with very many errors the first are shown, and the others counted. */

import type { Diagnostic } from "./diagnostic.ts";

/** A file with more errors than this is probably not a program. */
export const errorLimit = 100;

/** For sorting: by where they begin. */
export function byPlace(a: Diagnostic, b: Diagnostic): number {
  return (a.span?.start ?? 0) - (b.span?.start ?? 0);
}

/** In the order of their places; the last of those that are shown says how many are not. */
export function limited(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const sorted = diagnostics.toSorted(byPlace);
  const more = sorted.length - errorLimit;
  if (more <= 0) return sorted;
  const last = sorted[errorLimit - 1] as Diagnostic;
  const notes = [...last.notes, `at least ${more} more errors in this file are not shown`];
  return [...sorted.slice(0, errorLimit - 1), { ...last, notes }];
}

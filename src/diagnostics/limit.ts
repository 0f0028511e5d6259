/** If a file has very many errors, only the first are shown, and the others are counted. */

import type { Diagnostic } from "./diagnostic.ts";

/** A file with more errors than this is probably not a program. */
export const errorLimit = 100;

/** Compares diagnostics by the start of their spans. */
export function byPlace(a: Diagnostic, b: Diagnostic): number {
  return (a.span?.start ?? 0) - (b.span?.start ?? 0);
}

/** The diagnostics in the order of their places; the last one shown states how many are omitted. */
export function limited(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const sorted = diagnostics.toSorted(byPlace);
  const more = sorted.length - errorLimit;
  if (more <= 0) return sorted;
  const last = sorted[errorLimit - 1] as Diagnostic;
  const notes = [...last.notes, `at least ${more} more errors in this file are not shown`];
  return [...sorted.slice(0, errorLimit - 1), { ...last, notes }];
}

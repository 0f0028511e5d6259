/** "Did you mean": finds the known names that are close to a misspelled one. */

import { type Help, replaced, type Span } from "./diagnostic.ts";

/**
 * The number of edits (insertions, deletions, replacements, swaps of neighbours) that turn `a` into `b`, or `limit + 1` if there
 * are more. Only cells within `limit` of the diagonal are computed: the time is proportional to the length times the limit.
 */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  const far = limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row: number[] = new Array(b.length + 1).fill(far);
    row[0] = i;
    let least = i;
    for (let j = Math.max(1, i - limit); j <= Math.min(b.length, i + limit); j++) {
      const replace = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replace, (last[j] as number) + 1, (row[j - 1] as number) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, (beforeLast[j - 2] as number) + 1);
      row[j] = best;
      least = Math.min(least, best);
    }
    if (least > limit) return far;
    beforeLast = last;
    last = row;
  }
  return Math.min(far, last[b.length] as number);
}

/** The number of edits that count as a typing mistake: one in three letters, and at least one. */
function slips(length: number): number {
  return Math.max(1, Math.min(3, Math.floor(length / 3)));
}

/** The closest known names, nearest first, at most three; differences in letter case or between `-` and `_` do not count. */
export function closest(name: string, known: readonly string[]): string[] {
  if (name.length > 64) return [];
  const plain = (text: string) => text.toLowerCase().replaceAll("-", "_");
  const limit = slips(name.length);
  const wanted = plain(name);
  return known
    .map((candidate) => ({ candidate, distance: editDistance(wanted, plain(candidate), limit) }))
    .filter(({ candidate, distance }) => distance <= limit && distance < candidate.length)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .filter(({ distance }, _, all) => distance === all[0]?.distance)
    .map(({ candidate }) => candidate);
}

/**
 * ``did you mean `gelu`?`` as help lines of a diagnostic: one line, or none if no name is close.
 * @param span the place of the name in the program, for an edit that replaces it.
 * @param spelled how a known name is written at that place.
 */
export function didYouMean(
  name: string,
  known: readonly string[],
  span?: Span,
  spelled: (known: string) => string = (known) => known,
): Help[] {
  const found = closest(name, known);
  if (found.length === 0) return [];
  const codes = found.map((candidate) => `\`${candidate}\``);
  const text = codes.length === 1 ? codes[0] : `${codes.slice(0, -1).join(", ")} or ${codes.at(-1)}`;
  const line = `did you mean ${text}?`;
  if (span === undefined) return [line];
  const fixes = found.map((one) => ({ title: `write \`${spelled(one)}\``, edits: [replaced(span, spelled(one))] }));
  return [{ line, fixes }];
}

/** The same, or another line if no name is close. */
export function didYouMeanOr(otherwise: string, ...suggested: Parameters<typeof didYouMean>): Help[] {
  const help = didYouMean(...suggested);
  return help.length > 0 ? help : [otherwise];
}

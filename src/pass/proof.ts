/** Proofs as passes hand them over, and the words for them. */

import { longestProof, type Rest } from "../diagnostics/areas/rewrites.ts";
import { lineColumn, type Span } from "../diagnostics/diagnostic.ts";

/** What is proved, in one line, and what it rests on. Proofs share steps, so a proof is a graph without cycles. */
export interface Proof {
  /** What is so, and why. */
  readonly because: string;
  /** Where what it is about stands; missing where that is the op itself. */
  readonly at?: Span;
  readonly from: readonly Proof[];
}

/**
 * The first lines of a proof, what is proved first; every step once, with the line and the column that it is about.
 * @param most how many steps are looked at to count them.
 */
export function explain(proof: Proof, most: number): { lines: string[] } & Required<Rest> {
  const seen = new Set<Proof>();
  const open: Proof[] = [proof];
  let isCut = false;
  for (let at = open.pop(); at !== undefined && !isCut; at = open.pop()) {
    if (seen.has(at)) continue;
    isCut = seen.size >= most;
    seen.add(at);
    for (const step of at.from.toReversed()) open.push(step);
  }
  const lines = [...seen].slice(0, longestProof).map(({ because, at }) => {
    if (at === undefined || at.source.labels !== undefined) return because;
    const { line, column } = lineColumn(at.source, at.start);
    return `${because} (${line}:${column})`;
  });
  return { lines, count: seen.size, isCut };
}

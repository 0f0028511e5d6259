/** Proofs that passes report, and their explanation in words. */

import { longestProof, type Rest } from "../diagnostics/areas/rewrites.ts";
import type { Span } from "../diagnostics/diagnostic.ts";
import { lineColumn } from "../diagnostics/source.ts";

/** A proved statement, and the proofs that it depends on. As proofs share steps, they form an acyclic graph. */
export interface Proof {
  /** The statement and the reason, in one line. */
  readonly because: string;
  /** The span that it is about; missing if that is the op itself. */
  readonly at?: Span;
  readonly from: readonly Proof[];
}

/**
 * The first lines of a proof, starting with the proved statement: every step once, with its line and column.
 * @param most the number of steps that are visited to count them.
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

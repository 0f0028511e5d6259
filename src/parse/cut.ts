/**
 * Cuts a file into parts, at the keywords that begin one and at each `}`. Those keywords are reserved, so the cuts are
 * right in a file without errors; in any other file the grammar rejects one of the parts or their order.
 */

import type { PieceRule } from "./match-piece.ts";

/** One part of a file, and the rule it must match. */
export interface Piece {
  readonly rule: PieceRule;
  /** UTF-16 offsets. A part ends where the next one begins, so it includes the blanks and comments between them. */
  readonly start: number;
  readonly end: number;
  /** The greatest number of brackets and prefix operators open at one point. */
  readonly depth: number;
}

const ruleOf: ReadonlyMap<string, PieceRule> = new Map([
  ["fn", "FnHeader"],
  ["const", "Const"],
  ["let", "Let"],
  ["return", "Return"],
  ["kernel", "KernelHeader"],
  ["}", "Close"],
]);

/** Comments and strings, in which no part begins; words; brackets; prefix operators. */
const landmark = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"[^"\n]*"|[A-Za-z0-9_]+|[()[\]}!-]/g;

/** The parts of `text`, which together cover all of it; empty if no part begins anywhere. */
export function cut(text: string): Piece[] {
  const pieces: Piece[] = [];
  // Some editors begin a file with a byte order mark, which has no meaning.
  let start = text.startsWith("\uFEFF") ? 1 : 0;
  let rule: PieceRule | undefined;
  let [open, signs, depth] = [0, 0, 0];
  for (const { 0: found, index } of text.matchAll(landmark)) {
    if (found.startsWith("/")) continue;
    const begun = ruleOf.get(found);
    signs = found === "-" || found === "!" ? signs + 1 : 0;
    if (found === "(" || found === "[") open++;
    else if (found === ")" || found === "]") open--;
    depth = Math.max(depth, open + signs);
    if (begun === undefined) continue;
    if (rule !== undefined) {
      pieces.push({ rule, start, end: index, depth });
      start = index;
    }
    rule = begun;
    [open, depth] = [0, 0];
  }
  if (rule !== undefined) pieces.push({ rule, start, end: text.length, depth });
  return pieces;
}

/**
 * Cuts a file where its parts begin: at the words that begin one, and at each `}`. Those words are reserved, so in a
 * file without errors the cuts are right; in any other the grammar does not match some part, or the parts in their order.
 */

import type { PieceRule } from "./match-piece.ts";

/** One part of a file, and the rule that it has to match. */
export interface Piece {
  readonly rule: PieceRule;
  /** UTF-16 offsets. A part ends where the next begins: blanks and comments between them belong to it. */
  readonly start: number;
  readonly end: number;
  /** How many brackets and signs are open where most are. */
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

/** Comments and strings, in which nothing begins; words; brackets; signs before a value. */
const landmark = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"[^"\n]*"|[A-Za-z0-9_]+|[()[\]}!-]/g;

/** The parts of `text`, which begin at its start and leave nothing out; none where no part begins. */
export function cut(text: string): Piece[] {
  const pieces: Piece[] = [];
  // A byte order mark is how some editors begin a file; it says nothing.
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

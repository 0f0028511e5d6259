/** Brackets among tokens: `(` and `[`, which group operands. Braces delimit pieces of a file instead. */

import type { Token } from "./scan.ts";

export const closerOf: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  ["[", "]"],
]);
const closers: ReadonlySet<string> = new Set(closerOf.values());

export const isOpening = ({ text }: Token): boolean => closerOf.has(text);
export const isClosing = ({ text }: Token): boolean => closers.has(text);

/** The indices of the brackets open before token `end`. */
export function openBrackets(tokens: readonly Token[], end: number): number[] {
  const open: number[] = [];
  for (const [i, token] of tokens.slice(0, end).entries()) {
    if (isOpening(token)) open.push(i);
    else if (isClosing(token)) open.pop();
  }
  return open;
}

/** The index of the bracket that closes the one at token `open`; the last token if it is never closed. */
export function closeOf(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (const [i, token] of tokens.entries()) {
    if (i < open) continue;
    depth += Number(isOpening(token)) - Number(isClosing(token));
    if (depth === 0) return i;
  }
  return tokens.length - 1;
}

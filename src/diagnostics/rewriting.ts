/** Expressions that take the place of others: in parentheses where they would else be read in another way. */

import { type Help, replacing, type Span } from "./diagnostic.ts";

/** Whether an operator may stand beside it: a name, a number, or one call. */
function isAtom(text: string): boolean {
  const open = /^[\w.]+\(/.exec(text)?.[0].length;
  if (open === undefined) return /^[\w.]+$/.test(text);
  let depth = 1;
  for (let at = open; at < text.length - 1; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")") depth--;
    if (depth === 0) return false;
  }
  return text.endsWith(")");
}

/** Whether what stands there is a whole value: of a name, of an argument, of a result. */
function isWhole({ source: { text }, start, end }: Span): boolean {
  const before = text.slice(0, start).trimEnd();
  const begins = /(?:[(,[]|\breturn|[^=!<>]=)$/.test(before.slice(-20));
  return begins && /^\s*(?:[,)\]}]|\/\/|\/\*|let\b|return\b|kernel\b|$)/.test(text.slice(end, end + 200));
}

/** `text` as it stands in the place of the expression at `span`. */
export function expressionAt(span: Span, text: string): string {
  return isAtom(text) || isWhole(span) ? text : `(${text})`;
}

/** A line of help that says to write `text` in the place of the expression at `span`; in words alone if it leaves something out. */
export function rewriting(line: string, text: string, span: Span | undefined): Help {
  return span === undefined ? line : replacing(line, expressionAt(span, text), span);
}

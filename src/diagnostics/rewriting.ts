/** Replacing expressions by others, in parentheses where precedence requires them. */

import { type Help, replacing, type Span } from "./diagnostic.ts";

/** Whether the text is a name, a number or a call, which needs no parentheses as an operand. */
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

/** Whether the span is the whole value of a `let`, an argument or a result. */
function isWhole({ source: { text }, start, end }: Span): boolean {
  const before = text.slice(0, start).trimEnd();
  const begins = /(?:[(,[]|\breturn|[^=!<>]=)$/.test(before.slice(-20));
  return begins && /^\s*(?:[,)\]}]|\/\/|\/\*|let\b|return\b|kernel\b|$)/.test(text.slice(end, end + 200));
}

/** `text` as a replacement of the expression at `span`. */
export function expressionAt(span: Span, text: string): string {
  return isAtom(text) || isWhole(span) ? text : `(${text})`;
}

/** A line of help that says to replace the expression at `span` by `text`, with the edit if the text is complete. */
export function rewriting(line: string, text: string, span: Span | undefined): Help {
  return span === undefined ? line : replacing(line, expressionAt(span, text), span);
}

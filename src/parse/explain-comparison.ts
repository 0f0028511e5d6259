/** What to write instead of `a < b < c`, which is not a valid expression. */

import * as statementErrors from "../diagnostics/areas/statements.ts";
import type { Diagnostic, Source, Span } from "../diagnostics/diagnostic.ts";
import type { Token } from "./scan.ts";
import { spanOf } from "./split.ts";

export const comparisons: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);

/** The tokens that end the operand of a comparison at the same bracket depth. */
const ends = new Set(["&&", "||", ",", "=", "let", "return", "const"]);

/** The error for the comparison at token `second`, which follows another one without `&&` between them. */
export function chainedComparison(source: Source, tokens: readonly Token[], second: number): Diagnostic {
  const first = operandEnd(tokens, second, -1);
  const spans = [second, first].map((index) => spanOf(source, tokens[index] as Token));
  return statementErrors.chainedComparison(...(spans as [Span, Span]), ...unchained(source, tokens, first, second));
}

/** `a < b && b < c` for `a < b < c`, and the span it replaces; a generic example without a span if it is long. */
function unchained(source: Source, tokens: readonly Token[], first: number, second: number): [string, Span?] {
  const text = (from: number, to: number) => {
    return source.text.slice((tokens[from] as Token).start, (tokens[to] as Token).end);
  };
  const [start, end] = [operandEnd(tokens, first, -1) + 1, operandEnd(tokens, second, 1) - 1];
  if (end === second) return ["a < b && b < c"];
  const example = `${text(start, second - 1)} && ${text(first + 1, end)}`;
  if (example.length > 60 || example.includes("\n")) return ["a < b && b < c"];
  return [example, spanOf(source, tokens[start] as Token, tokens[end])];
}

/** The nearest token before (`step` -1) or after (1) the comparison at `index` that is not part of its operand. */
function operandEnd(tokens: readonly Token[], index: number, step: 1 | -1): number {
  let depth = 0;
  let at = index + step;
  for (; at >= 0 && at < tokens.length; at += step) {
    const { text } = tokens[at] as Token;
    if (text === "(" || text === "[") depth += step;
    else if (text === ")" || text === "]") depth -= step;
    if (depth < 0 || (depth === 0 && (ends.has(text) || comparisons.has(text)))) break;
  }
  return at;
}

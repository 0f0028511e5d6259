import { expect } from "vitest";
import { type Diagnostic, TircError } from "../../src/diagnostics/diagnostic.ts";
import { renderJson } from "../../src/diagnostics/json.ts";
import { renderPretty } from "../../src/diagnostics/pretty.ts";
import { renderShort } from "../../src/diagnostics/short.ts";
import { format } from "../../src/parse/format.ts";
import { parse } from "../../src/parse/parse.ts";

/** What `call` is refused with; any other exception is an error of ours. */
function refusals(text: string, call: () => unknown): readonly Diagnostic[] {
  try {
    call();
    return [];
  } catch (caught) {
    if (caught instanceof TircError) return caught.diagnostics;
    throw new Error(`not a diagnostic, for ${JSON.stringify(text)}`, { cause: caught });
  }
}

/**
 * Parses and formats `text`, and renders what is wrong with it. A text that is refused is refused with diagnostics that
 * lie in it; one that formats does so to a fixed point. Returns how many errors there are.
 */
export function expectDiagnosticsOnly(text: string): number {
  const found = refusals(text, () => parse(text, { file: "fuzz.tir" }));
  for (const diagnostic of found.slice(0, 5)) {
    const { span } = diagnostic;
    const isInside = span !== undefined && 0 <= span.start && span.start <= span.end && span.end <= text.length;
    if (!isInside) throw new Error(`${diagnostic.code} lies outside of ${JSON.stringify(text)}`);
    if (renderShort(diagnostic).includes("\n")) throw new Error(`two lines, for ${JSON.stringify(text)}`);
    const { line, col, endLine, endCol } = renderJson(diagnostic);
    expect([line, col, endLine, endCol].every((n) => Number.isInteger(n) && (n as number) >= 1)).toBe(true);
    expect(renderPretty(diagnostic)).not.toMatch(/[\u0000-\u0009\u000B-\u001F]/);
  }
  let formatted: string | undefined;
  refusals(text, () => {
    formatted = format(text);
  });
  if (formatted !== undefined && format(formatted) !== formatted) {
    throw new Error(`formatting twice differs, for ${JSON.stringify(text)}`);
  }
  return found.length;
}

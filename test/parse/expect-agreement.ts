import { grammar } from "../../grammar/tir.ts";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { parseSyntax } from "../../src/parse/parse-syntax.ts";

/** The diagnostics for a text that is too deep or too long to be analyzed as a whole. */
const limits = ["E0137", "E0138"];

/** Whether a diagnostic is about the meaning of a name or number, which the grammar does not determine. */
function isMeaning({ code, message }: Diagnostic): boolean {
  return code === "E0120" || (code === "E0104" && message.includes("larger than any float64"));
}

/** Whether the grammar's `File` accepts a text; it must do so exactly when the parser finds no syntax error in it. */
export function expectAgreement(text: string): boolean {
  const { diagnostics } = parseSyntax({ name: "t", text });
  // A byte order mark belongs to the encoding.
  const accepted = grammar.match(text.replace(/^\uFEFF/, ""), "File").succeeded();
  if (diagnostics.some(({ code }) => limits.includes(code))) return accepted;
  const errors = diagnostics.filter((diagnostic) => !isMeaning(diagnostic));
  if (accepted !== (errors.length === 0)) {
    const said = errors.map(({ code, message }) => `${code} ${message}`).join("; ");
    throw new Error(
      `the grammar ${accepted ? "accepts" : "refuses"} ${JSON.stringify(text)}, the parser says: ${said}`,
    );
  }
  return accepted;
}

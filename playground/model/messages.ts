/** Diagnostics as plain data with positions in the program. */

import { type Diagnostic, type Severity, type Span, TircError } from "../../src/diagnostics/diagnostic.ts";
import { lineColumn } from "../../src/diagnostics/source.ts";

/** The name of the editor's text in diagnostics. */
export const fileName = "program.tir";

/** A position in the program: offsets into its text, and 1-based line and column. */
export interface Place {
  readonly from: number;
  readonly to: number;
  readonly line: number;
  readonly column: number;
}

export interface Message {
  readonly severity: Severity;
  readonly code: string;
  readonly text: string;
  readonly place: Place | undefined;
  readonly labels: readonly { readonly place: Place; readonly text: string }[];
  readonly notes: readonly string[];
  readonly help: readonly string[];
}

export function messagesOf(caught: unknown): Message[] {
  if (caught instanceof TircError) return caught.diagnostics.map(messageOf);
  const text = caught instanceof Error ? caught.message : String(caught);
  return [{ severity: "error", code: "", text, place: undefined, labels: [], notes: [], help: [] }];
}

export function messageOf({ severity, code, message, span, labels, notes, help }: Diagnostic): Message {
  return {
    ...{ severity, code, text: message, notes, help },
    // Other sources, such as the text of a pipeline, are not on the page.
    place: span?.source.name === fileName ? placeOf(span) : undefined,
    labels: labels
      .filter((label) => label.span.source.name === fileName)
      .map((label) => ({ place: placeOf(label.span), text: label.message })),
  };
}

export function placeOf({ source, start, end }: Span): Place {
  return { from: start, to: end, ...lineColumn(source, start) };
}

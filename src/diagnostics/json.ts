/** A diagnostic as plain data for editors and scripts (`--diagnostics json`). */

import { checkDiagnostic } from "./arguments.ts";
import type { Diagnostic, Severity } from "./diagnostic.ts";
import { type Place, placeOf } from "./place.ts";

/** The fields of the place are missing if the diagnostic has none. */
export interface JsonDiagnostic extends Partial<Place> {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  /** The pass that reported it, if any. */
  readonly pass?: string;
  readonly labels: readonly (Place & { readonly message: string })[];
  readonly notes: readonly string[];
  readonly help: readonly string[];
  /** Changes that a tool may make; a place whose end is its start is an insertion point. */
  readonly fixes: readonly { readonly title: string; readonly edits: readonly (Place & { readonly text: string })[] }[];
}

/** A diagnostic as plain data. Lines and columns count from 1. @throws TircError E0901 */
export function renderJson(diagnostic: Diagnostic): JsonDiagnostic {
  checkDiagnostic("renderJson", diagnostic);
  const { severity, code, message, pass, span, labels, notes, help, fixes } = diagnostic;
  return {
    severity,
    code,
    message,
    ...(pass === undefined ? {} : { pass }),
    ...(span === undefined ? {} : placeOf(span)),
    labels: labels.map((label) => ({ ...placeOf(label.span), message: label.message })),
    notes: [...notes],
    help: [...help],
    fixes: fixes.map(({ title, edits }) => ({
      title,
      edits: edits.map((edit) => ({ ...placeOf(edit.span), text: edit.text })),
    })),
  };
}

/** JSON without control characters for a terminal: those that `JSON.stringify` does not escape become \\uXXXX. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    /[\u007F-\u009F\p{Bidi_Control}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * What an editor asks of a `.tir` text. Every function takes the text as it is, mistakes and all, and UTF-16 offsets
 * into it; none throws. Runs anywhere.
 *
 * @module tirc/language
 */

import { type Diagnostic, TircError } from "../diagnostics/diagnostic.ts";
import { format as layOut } from "../parse/format.ts";
import { programOf } from "./program.ts";

export type { Diagnostic, Label, Severity, Source, Span } from "../diagnostics/diagnostic.ts";
export { type Completion, type CompletionKind, type Completions, completions } from "./completions.ts";
export { type Hover, hover } from "./hover.ts";
export { type InlayHint, inlayHints } from "./inlay-hints.ts";
export { definition, references } from "./navigate.ts";
export { applyEdits, type Rename, rename, renameTarget, type TextEdit } from "./rename.ts";
export type { BindingKind } from "./resolve.ts";
export { type FileSymbol, symbols } from "./symbols.ts";
export type { TextRange } from "./text-range.ts";

/** Everything that is wrong with a text, in the order of places: what `tirc check` says. */
export function diagnostics(text: string): readonly Diagnostic[] {
  return programOf(text).diagnostics;
}

/** The text laid out as `tirc fmt` does; `undefined` where it does not parse. */
export function format(text: string): string | undefined {
  try {
    return layOut(text);
  } catch (caught) {
    if (caught instanceof TircError) return undefined;
    throw caught;
  }
}

/**
 * Language services for editors. Every function takes the text of a `.tir` file, which may have errors, and UTF-16
 * offsets into it; none throws. Runs anywhere.
 *
 * @module tirc/language
 */

import { type Diagnostic, TircError } from "../diagnostics/diagnostic.ts";
import { type CheckOptions, kernelProblems } from "../driver/check.ts";
import { format as layOut } from "../parse/format.ts";
import { PassFailure } from "../pass-manager/pass-manager.ts";
import { type Program, programOf } from "./program.ts";

export type { Diagnostic, Edit, Fix, Label, Severity, Source, Span } from "../diagnostics/diagnostic.ts";
export type { CheckOptions } from "../driver/check.ts";
export { type Completion, type CompletionKind, type Completions, completions } from "./completions.ts";
export { type Hover, hover } from "./hover.ts";
export { type InlayHint, inlayHints } from "./inlay-hints.ts";
export { definition, references } from "./navigate.ts";
export { applyEdits, type Rename, rename, renameTarget, type TextEdit } from "./rename.ts";
export type { BindingKind } from "./resolve.ts";
export { type FileSymbol, symbols } from "./symbols.ts";
export type { TextRange } from "./text-range.ts";

const usual: CheckOptions = {};

/** All diagnostics of a text in source order: the same as those of `tirc check` and `tirc compile`. */
export function diagnostics(text: string, options: CheckOptions = usual): readonly Diagnostic[] {
  const program = programOf(text);
  if (program.diagnostics.length > 0) return program.diagnostics;
  const known = checked.get(program);
  if (known?.options === options) return known.found;
  const found = kernelDiagnostics(program, options);
  checked.set(program, { options, found });
  return found;
}

/** Diagnostics for the options last used: an editor requests them again whenever the caret moves. */
const checked = new WeakMap<Program, { readonly options: CheckOptions; readonly found: readonly Diagnostic[] }>();

function kernelDiagnostics({ module, source }: Program, options: CheckOptions): readonly Diagnostic[] {
  try {
    return kernelProblems(module, source, options);
  } catch (caught) {
    if (caught instanceof PassFailure) return [caught.diagnostic];
    throw caught;
  }
}

/** The text as `tirc fmt` formats it; `undefined` if it does not parse. */
export function format(text: string): string | undefined {
  try {
    return layOut(text);
  } catch (caught) {
    if (caught instanceof TircError) return undefined;
    throw caught;
  }
}

/** From text to a checked module. */

import { type Diagnostic, type Source, TircError } from "../diagnostics/diagnostic.ts";
import type { Module } from "../ir/ir.ts";
import { lower } from "./lower.ts";
import { parseSyntax } from "./parse-syntax.ts";

/** What `parse` is told about the text. */
export interface ParseOptions {
  /** What messages call the text. */
  readonly file?: string;
}

/**
 * Parses and type-checks a `.tir` text.
 * @throws TircError with every independent error in the text (E01xx, E02xx), in the order of their places.
 */
export function parse(text: string, { file = "<input>" }: ParseOptions = {}): Module {
  const source: Source = { name: file, text };
  const { file: tree, diagnostics } = parseSyntax(source);
  const lowered = lower(tree);
  const found = [...diagnostics, ...lowered.diagnostics];
  if (found.length > 0) throw new TircError(found.sort(byPlace));
  return lowered.module;
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  return (a.span?.start ?? 0) - (b.span?.start ?? 0);
}

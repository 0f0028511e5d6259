/** From text to a checked module. */

import { type Source, TircError } from "../diagnostics/diagnostic.ts";
import { limited } from "../diagnostics/limit.ts";
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
 * @throws TircError with the independent errors in the text (E01xx, E02xx), the first 100 in the order of their places.
 */
export function parse(text: string, { file = "<input>" }: ParseOptions = {}): Module {
  const source: Source = { name: file, text };
  const { file: tree, diagnostics } = parseSyntax(source);
  const lowered = lower(tree);
  const found = [...diagnostics, ...lowered.diagnostics];
  if (found.length > 0) throw new TircError(limited(found));
  return lowered.module;
}

/** Parses text to a type-checked module. */

import { aString, checkArgument, checkOptions } from "../diagnostics/arguments.ts";
import { type Source, TircError } from "../diagnostics/diagnostic.ts";
import { limited } from "../diagnostics/limit.ts";
import type { Module } from "../ir/ir.ts";
import { lower } from "./lower.ts";
import { parseSyntax } from "./parse-syntax.ts";

/** Options of `parse`. */
export interface ParseOptions {
  /** The file name used in messages. */
  readonly file?: string;
}

const options = { file: aString };

/** @throws TircError E0901 or E0902 if the arguments of a public function are not a text and a file name. */
export function checkText(name: string, text: unknown, given: ParseOptions): void {
  checkArgument("the first argument", name, text, {
    ...aString,
    what: "the text of a program",
    help: (value) => (ArrayBuffer.isView(value) ? ["decode it: `new TextDecoder().decode(bytes)`"] : []),
  });
  checkOptions(name, given, options);
}

/**
 * Parses and type-checks a `.tir` text.
 * @throws TircError with the independent errors in the text (E01xx, E02xx): the first 100, in source order.
 */
export function parse(text: string, options: ParseOptions = {}): Module {
  checkText("parse", text, options);
  const { file = "<input>" } = options;
  const source: Source = { name: file, text };
  const { file: tree, diagnostics } = parseSyntax(source);
  const lowered = lower(tree);
  const found = [...diagnostics, ...lowered.diagnostics];
  if (found.length > 0) throw new TircError(limited(found));
  return lowered.module;
}

/** All that is known of a text: what the parser and the type checker say, and what each name means. */

import type { Diagnostic, Source } from "../diagnostics/diagnostic.ts";
import { limited } from "../diagnostics/limit.ts";
import type { Module, Op } from "../ir/ir.ts";
import { printType, type TensorType } from "../ir/types.ts";
import { verifyFn } from "../ir/verify.ts";
import { lower } from "../parse/lower.ts";
import type { Lowered } from "../parse/lower-expression.ts";
import { parseSyntax } from "../parse/parse-syntax.ts";
import { type Comment, scan, type Token } from "../parse/scan.ts";
import type { FileNode, FnNode, TypeNode } from "../parse/syntax.ts";
import { type Names, resolve } from "./resolve.ts";
import { type TextRange, touches } from "./text-range.ts";

/** A text that has been read, mistakes and all. */
export interface Program {
  readonly text: string;
  readonly tree: FileNode;
  readonly tokens: readonly Token[];
  readonly comments: readonly Comment[];
  /** Whether what follows the last token is a comment without its end. */
  readonly endsInComment: boolean;
  /** What the parser and the type checker say. */
  readonly diagnostics: readonly Diagnostic[];
  /** The functions that are right. */
  readonly module: Module;
  readonly source: Source;
  readonly names: Names;
  /** What the name at a place is bound to. */
  boundAt(name: { readonly start: number }): Lowered | undefined;
  /** The op that this part of the text became. */
  opAt(place: TextRange): Op | undefined;
}

/** An editor asks many things of one text: the last few are kept. */
const kept = new Map<string, Program>();
const mostKept = 8;

/** Reads a text. Never throws. */
export function programOf(text: string): Program {
  const program = kept.get(text) ?? read(text);
  kept.delete(text);
  kept.set(text, program);
  const [oldest] = kept.keys();
  if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
  return program;
}

function read(text: string): Program {
  const source: Source = { name: "<input>", text };
  const { tokens, comments, endsInComment } = scan(source);
  const { file: tree, diagnostics: syntax } = parseSyntax(source);
  const bound = new Map<number, Lowered>();
  const made = new Map<string, Op>();
  const key = ({ start, end }: TextRange) => `${start}:${end}`;
  const { module, diagnostics: types } = lower(tree, {
    bound: ({ start }, value) => void bound.set(start, value),
    made: (place, op) => void made.set(key(place), op),
  });
  const refused = limited([...syntax, ...types]);
  // Of half a program it would say what is not so.
  const diagnostics = refused.length > 0 ? refused : module.fns.flatMap(verifyFn);
  return {
    ...{ text, tree, tokens, comments, endsInComment, diagnostics, module, source, names: resolve(tree, tokens) },
    boundAt: ({ start }) => bound.get(start),
    opAt: (place) => made.get(key(place)),
  };
}

/** The function that `offset` is in. One whose `}` is missing goes on to the next, or to the end of the file. */
export function fnAt({ text, tree }: Program, offset: number): FnNode | undefined {
  const fn = tree.fns.findLast(({ span }) => span.start <= offset);
  if (fn === undefined) return undefined;
  const isClosed = text[fn.span.end - 1] === "}";
  return isClosed && offset >= fn.span.end ? undefined : fn;
}

/** The token that the caret is in or touches; of two that meet, the one that is a word. */
export function tokenAt({ tokens }: Program, offset: number): Token | undefined {
  const touched = tokens.filter((token) => touches(token, offset));
  return touched.find(({ kind }) => kind === "name") ?? touched.at(-1);
}

/** A type as the language writes it. */
export function printTypeNode({ element, shape, opaque }: TypeNode): string {
  const type: TensorType = { element, shape };
  return opaque ? "opaque" : printType(type);
}

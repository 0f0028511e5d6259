/** A text with the results of parsing, type checking and name resolution. */

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

/** A parsed and type-checked text, which may have errors. */
export interface Program {
  readonly text: string;
  readonly tree: FileNode;
  readonly tokens: readonly Token[];
  readonly comments: readonly Comment[];
  /** Whether the text ends inside an unterminated comment. */
  readonly endsInComment: boolean;
  /** Errors of the parser, the type checker and the verifier. */
  readonly diagnostics: readonly Diagnostic[];
  /** The functions without errors. */
  readonly module: Module;
  readonly source: Source;
  readonly names: Names;
  /** The value bound by the name defined at this offset. */
  boundAt(name: { readonly start: number }): Lowered | undefined;
  /** The op that this expression was lowered to. */
  opAt(place: TextRange): Op | undefined;
}

/** A cache of the last few texts: an editor sends many requests for the same text. */
const kept = new Map<string, Program>();
const mostKept = 8;

/** Parses and type-checks a text. Never throws. */
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
  // The verifier would report false errors for an incomplete program.
  const diagnostics = refused.length > 0 ? refused : module.fns.flatMap(verifyFn);
  return {
    ...{ text, tree, tokens, comments, endsInComment, diagnostics, module, source, names: resolve(tree, tokens) },
    boundAt: ({ start }) => bound.get(start),
    opAt: (place) => made.get(key(place)),
  };
}

/** The function that contains `offset`. Without its `}` it extends to the next function, or to the end of the file. */
export function fnAt({ text, tree }: Program, offset: number): FnNode | undefined {
  const fn = tree.fns.findLast(({ span }) => span.start <= offset);
  if (fn === undefined) return undefined;
  const isClosed = text[fn.span.end - 1] === "}";
  return isClosed && offset >= fn.span.end ? undefined : fn;
}

/** The token that the caret is in or touches. Between two adjacent tokens, a word is preferred. */
export function tokenAt({ tokens }: Program, offset: number): Token | undefined {
  const touched = tokens.filter((token) => touches(token, offset));
  return touched.find(({ kind }) => kind === "name") ?? touched.at(-1);
}

/** A type in the language's syntax. */
export function printTypeNode({ element, shape, opaque }: TypeNode): string {
  const type: TensorType = { element, shape };
  return opaque ? "opaque" : printType(type);
}

/**
 * Splits tokens into pieces at keywords and braces, for `fmt` and for error recovery, so that an error in one statement
 * does not affect the next.
 *
 * - piece: the header of a function up to its `{`, a `let`, a `return`, `kernel {`, a brace, or `stray`: anything else.
 */

import * as statementErrors from "../diagnostics/areas/statements.ts";
import type { Diagnostic, Source, Span } from "../diagnostics/diagnostic.ts";
import { closest } from "../diagnostics/suggest.ts";
import { isClosing, isOpening } from "./brackets.ts";
import type { Token } from "./scan.ts";

export type PieceKind = "header" | "let" | "return" | "kernel" | "open" | "close" | "const" | "stray";

export interface Piece {
  readonly kind: PieceKind;
  /** Never empty. */
  readonly tokens: readonly Token[];
  /** The token after the piece in the file. */
  readonly next: Token | undefined;
  /** Begins like `name = ...`: the `let` among its tokens was inserted, it is not in the file. */
  readonly withoutLet: boolean;
}

/** Bounds the depth of every traversal of the tree; far above what readable programs need. */
export const nestingLimit = 200;

const keywordKinds: ReadonlyMap<string, PieceKind> = new Map([
  ["fn", "header"],
  ["let", "let"],
  ["return", "return"],
  ["kernel", "kernel"],
  ["const", "const"],
]);

/** Keywords of other languages, and their equivalents here. */
const foreignKeywords: ReadonlyMap<string, string> = new Map([
  ...["def", "func", "function", "fun", "proc"].map((word) => [word, "fn"] as const),
  ...["var", "val", "auto", "mut", "set"].map((word) => [word, "let"] as const),
  ...["ret", "yield"].map((word) => [word, "return"] as const),
]);

/** Tokens that never follow a keyword in a statement, so a keyword before one must be meant as a name. */
const marksName = new Set([":", ",", ")", "]", "+", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||"]);

export function spanOf(source: Source, first: Token, last = first): Span {
  return { source, start: first.start, end: last.end };
}

/** Whether a value can end with this token. */
export function endsOperand(token: Token): boolean {
  return token.kind === "symbol" ? isClosing(token) : !keywordKinds.has(token.text);
}

export function split(source: Source, tokens: readonly Token[], diagnostics: Diagnostic[]): Piece[] {
  const splitter = new Splitter(source, tokens, diagnostics);
  const pieces: Piece[] = [];
  for (let piece = splitter.next(); piece !== undefined; piece = splitter.next()) pieces.push(piece);
  return pieces;
}

class Splitter {
  private readonly source: Source;
  private readonly tokens: readonly Token[];
  private readonly diagnostics: Diagnostic[];
  private at = 0;

  constructor(source: Source, tokens: readonly Token[], diagnostics: Diagnostic[]) {
    this.source = source;
    this.tokens = tokens;
    this.diagnostics = diagnostics;
  }

  next(): Piece | undefined {
    const first = this.tokens[this.at];
    if (first === undefined) return undefined;
    if (first.text === "{") return this.piece("open", 1);
    if (first.text === "}") return this.piece("close", 1);
    const keyword = keywordKinds.get(first.text);
    if (keyword !== undefined) return this.statement(keyword);
    const meant = this.meantKeyword(this.at);
    if (meant !== undefined) {
      this.diagnostics.push(statementErrors.misspelled(spanOf(this.source, first), first.text, meant));
      return this.statement(keywordKinds.get(meant) as PieceKind, [{ ...first, text: meant }], 1);
    }
    if (this.beginsAssignment(this.at)) {
      const end = first.start;
      const inserted: Token = { ...first, text: "let", end };
      return this.statement("let", [inserted], 0, true);
    }
    return this.statement("stray");
  }

  /** The piece of the next `length` tokens, with `replaced` in place of the first `skip`. */
  private piece(kind: PieceKind, length: number, replaced: readonly Token[] = [], skip = 0, withoutLet = false): Piece {
    const tokens = [...replaced, ...this.tokens.slice(this.at + skip, this.at + length)];
    this.at += length;
    return { kind, tokens, next: this.tokens[this.at], withoutLet };
  }

  private statement(kind: PieceKind, replaced: readonly Token[] = [], skip = 0, withoutLet = false): Piece {
    let depth = 0;
    let end = this.at + 1;
    for (; end < this.tokens.length; end++) {
      const token = this.tokens[end] as Token;
      const { text } = token;
      if (text === "{" && (kind === "header" || kind === "kernel")) {
        end++;
        break;
      }
      if (kind === "kernel" || text === "{" || text === "}" || this.beginsKeyword(end)) break;
      if (kind !== "header" && depth <= 0 && this.beginsLine(end)) break;
      depth += Number(isOpening(token)) - Number(isClosing(token));
    }
    return this.piece(kind, end - this.at, replaced, skip, withoutLet);
  }

  /** Whether a statement begins with the keyword at `i`; a keyword in the place of a name does not begin one. */
  private beginsKeyword(i: number): boolean {
    const token = this.tokens[i] as Token;
    if (token.kind !== "name" || !keywordKinds.has(token.text)) return false;
    const next = this.tokens[i + 1];
    if (next !== undefined && marksName.has(next.text)) return false;
    if (token.startsLine) return true;
    const before = this.tokens[i - 1]?.text ?? "";
    if (next?.text === "}" && token.text !== "return") return false;
    return next?.text !== "=" && !["let", "fn", "const"].includes(before);
  }

  /** Whether the name at `i` cannot continue the expression before it, so that it must begin a statement. */
  private beginsLine(i: number): boolean {
    const token = this.tokens[i] as Token;
    const before = this.tokens[i - 1] as Token;
    if (!token.startsLine || token.kind !== "name") return false;
    if (endsOperand(before)) return true;
    return this.beginsAssignment(i) && ![":", "let", "const"].includes(before.text);
  }

  private beginsAssignment(i: number): boolean {
    return this.tokens[i]?.kind === "name" && this.tokens[i + 1]?.text === "=";
  }

  /** The keyword that the name at `i` was probably meant to be, judged by what follows it. */
  private meantKeyword(i: number): string | undefined {
    const [token, second, third] = this.tokens.slice(i, i + 3);
    if (token?.kind !== "name" || second === undefined || second.startsLine) return undefined;
    const meant = foreignKeywords.get(token.text) ?? closest(token.text, [...keywordKinds.keys()])[0];
    const isName = second.kind === "name";
    if (meant === "fn") return isName && third?.text === "(" ? meant : undefined;
    if (meant === "let") return isName && (third?.text === "=" || third?.text === ":") ? meant : undefined;
    if (meant === "return") return second.kind !== "symbol" && third?.text !== "=" ? meant : undefined;
    if (meant === "kernel") return second.text === "{" ? meant : undefined;
    return undefined;
  }
}

/** The first token nested deeper than the limit, counting brackets and the prefix operators before them. */
export function beyondNesting(tokens: readonly Token[]): Token | undefined {
  const levels: number[] = [];
  let depth = 0;
  let prefixes = 0;
  for (const [i, token] of tokens.entries()) {
    const before = tokens[i - 1];
    const isPrefix = (token.text === "-" || token.text === "!") && !(before !== undefined && endsOperand(before));
    if (isPrefix) {
      prefixes++;
    } else if (isOpening(token)) {
      levels.push(prefixes + 1);
      depth += prefixes + 1;
      prefixes = 0;
    } else {
      if (isClosing(token)) depth -= levels.pop() ?? 0;
      prefixes = 0;
    }
    if (depth + prefixes > nestingLimit) return token;
  }
  return undefined;
}

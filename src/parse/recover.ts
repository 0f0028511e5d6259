/**
 * Reads a file that the grammar does not match, to report its errors and to keep its valid parts. A statement with an
 * error is reported and replaced by an `error` node, and reading resumes at the next statement, so that every
 * independent error in a file is found.
 */

import type { Grammar } from "ohm-js";
import * as statementErrors from "../diagnostics/areas/statements.ts";
import * as syntaxErrors from "../diagnostics/areas/syntax.ts";
import type { Diagnostic, Source } from "../diagnostics/diagnostic.ts";
import type { HeaderNode } from "./build-tree.ts";
import { FnReader } from "./recover-fn.ts";
import { type Matched, PieceReader } from "./recover-piece.ts";
import { scan, type Token } from "./scan.ts";
import { type Piece, spanOf, split } from "./split.ts";
import type { ConstNode, FileNode, FnNode } from "./syntax.ts";

/** The readable parts of `source`, and the errors in the rest. */
export function recover(
  source: Source,
  grammar: Grammar,
  matched: Matched,
): { file: FileNode; diagnostics: Diagnostic[] } {
  const { tokens, diagnostics, endsInComment } = scan(source);
  const reader = new FileReader(new PieceReader(source, grammar, matched, diagnostics));
  for (const piece of split(source, tokens, diagnostics)) reader.read(piece);
  reader.end(tokens.at(-1), endsInComment);
  const { fns, consts } = reader;
  const file: FileNode = { kind: "file", consts, fns, span: { source, start: 0, end: source.text.length } };
  return { file, diagnostics };
}

const nothingBound: ReadonlyMap<string, unknown> = new Map();

/** Reads what is outside of functions, and hands the rest to the function that it is in. */
class FileReader {
  readonly fns: FnNode[] = [];
  readonly consts: ConstNode[] = [];
  private readonly pieces: PieceReader;
  private fn: FnReader | undefined;
  /** The number of open `{` outside of functions. */
  private blocks = 0;
  /** Whether the current run of pieces outside a function has been reported. */
  private outside = false;
  private headers = 0;
  /** Whether the previous piece had an error. */
  private afterWrong = false;

  constructor(pieces: PieceReader) {
    this.pieces = pieces;
  }

  read(piece: Piece): void {
    const before = this.pieces.errors;
    if (piece.kind === "header") this.header(piece);
    else if (this.fn === undefined) this.between(piece);
    else if (this.fn.read(piece, this.afterWrong)) this.finish(this.fn, (piece.tokens[0] as Token).end);
    this.afterWrong = this.pieces.errors > before;
  }

  /** Finishes reading at the end of the file; `last` is its last token. */
  end(last: Token | undefined, endsInComment: boolean): void {
    const { pieces, fn } = this;
    const at = last?.end ?? 0;
    const span = { source: pieces.source, start: at, end: at };
    if (fn !== undefined && !endsInComment) fn.reportUnclosed(span);
    if (fn !== undefined) this.finish(fn, at);
    if (this.headers === 0 && pieces.errors === 0) pieces.report(syntaxErrors.noFunction(span));
  }

  private header(piece: Piece): void {
    if (this.fn !== undefined) {
      this.fn.reportUnclosed(this.pieces.start(piece));
      this.finish(this.fn, (piece.tokens[0] as Token).start);
    }
    this.headers++;
    this.enter(this.pieces.match(piece, "FnHeader", nothingBound) as HeaderNode | undefined, piece);
  }

  private enter(header: HeaderNode | undefined, piece: Piece): void {
    this.blocks = 0;
    this.fn = new FnReader(this.pieces, header, piece);
  }

  private finish(fn: FnReader, end: number): void {
    const node = fn.node(end);
    if (node !== undefined) this.fns.push(node);
    this.outside = fn.hadBlock;
    this.fn = undefined;
  }

  /** A piece outside of functions. */
  private between(piece: Piece): void {
    if (piece.kind === "open") this.open(piece);
    else if (piece.kind === "close") this.close(piece);
    else if (piece.kind === "const") this.constant(piece);
    else this.reportOutside(piece);
  }

  private open(piece: Piece): void {
    if (this.outside && this.blocks === 0) {
      // Most likely the body of a function whose header was not recognized, which has been reported.
      this.enter(undefined, piece);
      return;
    }
    const isReported = this.afterWrong || this.blocks > 0;
    if (!isReported) this.pieces.report(statementErrors.block(this.pieces.span(piece)));
    this.outside = true;
    this.blocks++;
  }

  private close(piece: Piece): void {
    if (this.blocks > 0) this.blocks--;
    else this.pieces.report(syntaxErrors.unopenedBrace(this.pieces.span(piece)));
  }

  private constant(piece: Piece): void {
    this.outside = false;
    const [, name, sign] = piece.tokens;
    const isName = name?.kind === "name";
    if (isName && sign?.text === "=") {
      this.pieces.report(syntaxErrors.constType(spanOf(this.pieces.source, sign), name.text));
      this.consts.push(this.wrongConst(name, piece));
      return;
    }
    const node = this.pieces.match(piece, "Const", nothingBound) as ConstNode | undefined;
    if (node !== undefined) this.consts.push(node);
    else if (isName) this.consts.push(this.wrongConst(name, piece));
  }

  /** Declares the name of an invalid const, so that its uses are not reported. */
  private wrongConst(name: Token, piece: Piece): ConstNode {
    const [nameSpan, span] = [spanOf(this.pieces.source, name), this.pieces.span(piece)];
    const value = { kind: "error" as const, span };
    return { kind: "const", name: name.text, nameSpan, type: undefined, contract: undefined, value, span };
  }

  private reportOutside(piece: Piece): void {
    if (this.outside) return;
    this.outside = true;
    const { wrong } = piece.tokens[0] as Token;
    if (wrong && piece.kind === "stray") return;
    const what = wrong ? "a statement" : this.pieces.first(piece);
    this.pieces.report(syntaxErrors.outsideFunction(this.pieces.start(piece), what));
  }
}

/** Matches one piece of a file with errors, or says what is wrong with it. */

import type { Grammar } from "ohm-js";
import * as statementErrors from "../diagnostics/areas/statements.ts";
import type { Diagnostic, Source, Span } from "../diagnostics/diagnostic.ts";
import { errorLimit } from "../diagnostics/limit.ts";
import type { PieceNode } from "./build-tree.ts";
import { explainBrackets, explainFailure, shown } from "./explain-failure.ts";
import { type MatchedPiece, tokenLimit } from "./match-file.ts";
import { bracketShape, matchTokens, type PieceRule } from "./match-piece.ts";
import type { Token } from "./scan.ts";
import { beyondNesting, nestingLimit, type Piece, spanOf } from "./split.ts";

/** Pieces that the grammar has matched, by the offset at which they begin. */
export type Matched = ReadonlyMap<number, MatchedPiece>;

export class PieceReader {
  readonly source: Source;
  private readonly grammar: Grammar;
  private readonly matched: Matched;
  private readonly diagnostics: Diagnostic[];

  constructor(source: Source, grammar: Grammar, matched: Matched, diagnostics: Diagnostic[]) {
    this.source = source;
    this.grammar = grammar;
    this.matched = matched;
    this.diagnostics = diagnostics;
  }

  /** The number of errors so far. */
  get errors(): number {
    return this.diagnostics.length;
  }

  report(diagnostic: Diagnostic): undefined {
    this.diagnostics.push(diagnostic);
  }

  span({ tokens }: Piece): Span {
    return spanOf(this.source, tokens[0] as Token, tokens.at(-1));
  }

  /** The first token of a piece, which errors about the whole statement point at. */
  start({ tokens }: Piece): Span {
    return spanOf(this.source, tokens[0] as Token);
  }

  /** The first token of a piece, as messages show it. */
  first({ tokens }: Piece): string {
    return shown(this.source, tokens[0] as Token);
  }

  /** The node of a piece, or `undefined` if it does not match, which has been reported. @param bound the names of its function. */
  match(piece: Piece, rule: PieceRule, bound: ReadonlyMap<string, unknown>): PieceNode | undefined {
    const { source, grammar, diagnostics } = this;
    const { tokens } = piece;
    if (diagnostics.length > 10 * errorLimit) return undefined;
    const known = this.matched.get((tokens[0] as Token).start);
    if (known !== undefined && known.node.span.end === tokens.at(-1)?.end) {
      diagnostics.push(...known.diagnostics);
      return known.node;
    }
    const deep = beyondNesting(tokens);
    if (deep !== undefined) return this.report(statementErrors.tooDeep(spanOf(source, deep), nestingLimit));
    if (tokens.length > tokenLimit) return this.report(statementErrors.tooLong(this.start(piece), tokenLimit));
    // A failure to match is probably caused by an error already reported in the piece.
    const reported = tokens.some((token) => token.wrong);
    const brackets = bracketShape(tokens);
    if (brackets.deep && !brackets.balanced) {
      return reported ? undefined : this.report(explainBrackets({ source, ...piece }));
    }
    const node = matchTokens(rule, tokens, { grammar, source, diagnostics, bound });
    if (!("index" in node)) return node;
    if (reported) return undefined;
    const kind = node.isPart ? "return" : piece.kind;
    const next = node.isPart ? undefined : piece.next;
    return this.report(explainFailure({ source, kind, tokens: node.tokens, next }, node.index));
  }
}

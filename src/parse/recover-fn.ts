/** Reads the body of a function in a file with errors. */

import * as statementErrors from "../diagnostics/areas/statements.ts";
import * as syntaxErrors from "../diagnostics/areas/syntax.ts";
import { type Diagnostic, insertedBefore, proposal, type Source, type Span } from "../diagnostics/diagnostic.ts";
import { reservedWords } from "../ir/print.ts";
import { fnOf, type HeaderNode } from "./build-tree.ts";
import type { PieceReader } from "./recover-piece.ts";
import type { Token } from "./scan.ts";
import { endsOperand, type Piece, spanOf } from "./split.ts";
import type { ErrorNode, FnNode, KernelNode, LetNode, NameBinding, ReturnNode, StatementNode } from "./syntax.ts";

interface OpenKernel {
  readonly open: Span;
  readonly body: LetNode[];
}

export class FnReader {
  private readonly pieces: PieceReader;
  /** Missing if the header does not match; the body is still read to report its errors. */
  private readonly header: HeaderNode | undefined;
  private readonly name: string;
  private readonly open: Span;
  private readonly body: StatementNode[] = [];
  /** The parameters and `let`s so far. */
  private readonly bound: Map<string, Span>;
  private openKernel: OpenKernel | undefined;
  private returned: Span | undefined;
  /** Whether a statement after the `return` has been reported. */
  private pastReturn = false;
  /** Whether the `return` was in a kernel block, whose own `}` may follow or be missing. */
  private returnedInKernel = false;
  /** Whether the last piece was not a statement, and so may have been meant as the `return`. */
  private endsStray = false;
  /** The number of open `{` that belong to no construct of the language. */
  private blocks = 0;
  /** Whether there was such a block, so that its `}` may have been taken for the function's. */
  hadBlock = false;

  /** @param piece the header, or the `{` of a function whose header was not recognized. */
  constructor(pieces: PieceReader, header: HeaderNode | undefined, { tokens }: Piece) {
    const second = tokens[1];
    this.pieces = pieces;
    this.header = header;
    this.name = second?.kind === "name" ? `\`${second.text}\`` : "the function";
    this.open = spanOf(pieces.source, tokens.at(-1) as Token);
    this.bound = new Map(header?.params.map(({ name, nameSpan }) => [name, nameSpan]));
  }

  /** Reads the next piece, which is not a header. @returns whether it ends the function. */
  read(piece: Piece, afterWrong: boolean): boolean {
    this.endsStray = piece.kind === "stray" || (this.endsStray && piece.kind === "close");
    if (piece.kind === "close") return this.close(piece);
    if (piece.kind === "open") this.block(piece, afterWrong);
    else if (piece.kind === "const") this.constant(piece);
    else if (piece.kind === "let") this.let(piece);
    else if (piece.kind === "return") this.return(piece);
    else if (piece.kind === "kernel") this.kernel(piece);
    else this.stray(piece);
    return false;
  }

  private stray(piece: Piece): void {
    const error = this.strayError(piece);
    if (error !== undefined) this.pieces.report(error);
  }

  /** Reports that the function, or its kernel block, has no `}` before `at`. */
  reportUnclosed(at: Span): void {
    const open = this.openKernel?.open ?? this.open;
    // A header without its `{` has been reported.
    if (this.pieces.source.text[open.end - 1] !== "{") return;
    const what = this.openKernel === undefined ? this.name : "the `kernel` block";
    this.pieces.report(syntaxErrors.missingCloseBrace(at, what, open));
  }

  /** The function, which ends at the offset `end`; `undefined` if its header was not read. */
  node(end: number): FnNode | undefined {
    this.closeKernel(end);
    return this.header && fnOf(this.header, this.body, end);
  }

  private closeKernel(end: number): void {
    if (this.openKernel === undefined) return;
    const { open, body } = this.openKernel;
    const node: KernelNode = { kind: "kernel", body, span: { ...open, end } };
    this.body.push(node);
    this.openKernel = undefined;
  }

  private block(piece: Piece, afterWrong: boolean): void {
    const isReported = afterWrong || this.endsStray || this.blocks > 0;
    if (!isReported) this.pieces.report(statementErrors.block(this.pieces.span(piece)));
    this.hadBlock = true;
    this.blocks++;
  }

  private close(piece: Piece): boolean {
    if (this.blocks > 0) {
      this.blocks--;
      return false;
    }
    if (this.openKernel !== undefined) {
      this.closeKernel((piece.tokens[0] as Token).end);
      return false;
    }
    if (this.returnedInKernel && piece.next?.text === "}") {
      this.returnedInKernel = false;
      return false;
    }
    if (this.returned === undefined && !this.endsStray && this.header !== undefined) {
      const { name, nameSpan } = this.header;
      this.pieces.report(statementErrors.missingReturn(this.pieces.span(piece), name, nameSpan));
    }
    return true;
  }

  private constant(piece: Piece): void {
    this.pieces.report(syntaxErrors.constant(this.pieces.start(piece)));
    const name = piece.tokens[1];
    if (name?.kind === "name") this.bindErrors([{ name: name.text, span: spanOf(this.pieces.source, name) }], piece);
  }

  /** Whether a statement is allowed here; if not, that is reported once. */
  private mayStand(piece: Piece): boolean {
    if (this.returned === undefined) return true;
    if (!this.pastReturn) {
      const { pieces } = this;
      pieces.report(statementErrors.afterReturn(pieces.start(piece), pieces.first(piece), this.returned));
    }
    this.pastReturn = true;
    return false;
  }

  /** What is wrong with a piece that begins like no statement; `undefined` if that has been reported. */
  private strayError(piece: Piece): Diagnostic | undefined {
    const { pieces } = this;
    const [first, second, third] = piece.tokens as [Token, Token?, Token?];
    const span = pieces.start(piece);
    if (piece.tokens.some((token) => token.wrong) || this.pastReturn) return undefined;
    if (["if", "else", "for", "while"].includes(first.text)) return statementErrors.noControlFlow(span, first.text);
    const isCompound = second?.kind === "symbol" && third?.text === "=" && third.start === second.end;
    const known = this.bound.get(first.text);
    if (isCompound && known !== undefined) return statementErrors.reassigned(span, first.text, known);
    const text = pieces.source.text.slice(first.start, piece.tokens.at(-1)?.end);
    const isValue = endsOperand(first) && first.kind !== "symbol" && text.length <= 60 && !text.includes("\n");
    if (!isValue) return statementErrors.notAStatement(span, pieces.first(piece));
    const isLast = piece.next?.text === "}" && this.returned === undefined;
    const help = isLast
      ? proposal(`write \`return ${text}\``, insertedBefore(span, "return "))
      : `give it a name: \`let name = ${text}\``;
    return statementErrors.notAStatement(pieces.span(piece), `\`${text}\``, [help]);
  }

  private kernel(piece: Piece): void {
    const { pieces } = this;
    const node = pieces.match(piece, "KernelHeader", this.bound);
    const open = node?.span ?? pieces.span(piece);
    if (this.openKernel !== undefined) {
      pieces.report(statementErrors.inKernel(pieces.start(piece), "another `kernel`", this.openKernel.open));
      if (node !== undefined) this.blocks++;
      return;
    }
    this.mayStand(piece);
    this.openKernel = { open, body: [] };
  }

  private let(piece: Piece): void {
    const { pieces } = this;
    const name = piece.tokens[1];
    const first = name && this.bound.get(name.text);
    const isChange = piece.withoutLet && first !== undefined;
    const stands = this.mayStand(piece);
    if (piece.withoutLet && name !== undefined) {
      const span = spanOf(pieces.source, name);
      pieces.report(
        first === undefined
          ? statementErrors.missingLet(span, name.text)
          : statementErrors.reassigned(span, name.text, first),
      );
    }
    const node = pieces.match(piece, "Let", this.bound) as LetNode | undefined;
    if (isChange || !stands) return;
    if (node === undefined) this.bindErrors(boundNames(pieces.source, piece.tokens), piece);
    else this.add(node);
  }

  private add(node: LetNode): void {
    for (const { name, span } of node.names) if (!this.bound.has(name)) this.bound.set(name, span);
    (this.openKernel?.body ?? this.body).push(node);
  }

  /** Binds names to an error, so that their uses are not reported. */
  private bindErrors(names: readonly NameBinding[], piece: Piece): void {
    if (names.length === 0) return;
    const span = this.pieces.span(piece);
    this.add({ kind: "let", names, types: [], value: { kind: "error", span }, span });
  }

  private return(piece: Piece): void {
    const { pieces } = this;
    if (this.openKernel !== undefined) {
      pieces.report(statementErrors.inKernel(pieces.start(piece), "`return`", this.openKernel.open));
      this.closeKernel((piece.tokens[0] as Token).start);
      this.returnedInKernel = true;
    }
    const stands = this.mayStand(piece);
    const node = pieces.match(piece, "Return", this.bound) as ReturnNode | undefined;
    if (!stands) return;
    const span = pieces.span(piece);
    this.returned = span;
    const values = (this.header?.results ?? []).map((): ErrorNode => ({ kind: "error", span }));
    this.body.push(node ?? { kind: "return", values, span });
  }
}

/** The names bound by a `let` that did not match, as far as they can be determined. */
function boundNames(source: Source, tokens: readonly Token[]): NameBinding[] {
  const isName = (token: Token | undefined) => token?.kind === "name" && !reservedWords.has(token.text);
  const bind = (token: Token) => ({ name: token.text, span: spanOf(source, token) });
  const first = tokens[1];
  if (first?.text !== "(") return first !== undefined && isName(first) ? [bind(first)] : [];
  const end = tokens.findIndex((token) => token.text === ")");
  let depth = 0;
  const names = tokens.slice(2, Math.max(end, 2)).filter((token, i) => {
    if (token.text === "[") depth++;
    if (token.text === "]") depth--;
    return depth === 0 && tokens[i + 1]?.text !== ":" && isName(token);
  });
  return names.map(bind);
}

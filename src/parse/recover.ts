/**
 * Reads a file that the grammar does not match, to report its errors and to keep its valid parts. A statement with an
 * error is reported and replaced by an `error` node, and reading resumes at the next statement, so that every
 * independent error in a file is found.
 */

import type { Grammar } from "ohm-js";
import * as statementErrors from "../diagnostics/areas/statements.ts";
import * as syntaxErrors from "../diagnostics/areas/syntax.ts";
import { type Diagnostic, insertedBefore, proposal, type Source, type Span } from "../diagnostics/diagnostic.ts";
import { errorLimit } from "../diagnostics/limit.ts";
import { reservedWords } from "../ir/print.ts";
import { fnOf, type HeaderNode, type PieceNode } from "./build-tree.ts";
import { explainBrackets, explainFailure, shown } from "./explain-failure.ts";
import { type MatchedPiece, tokenLimit } from "./match-file.ts";
import { bracketShape, matchTokens, type PieceRule } from "./match-piece.ts";
import { scan, type Token } from "./scan.ts";
import { beyondNesting, endsOperand, nestingLimit, type Piece, spanOf, split } from "./split.ts";
import type {
  ConstNode,
  ErrorNode,
  FileNode,
  FnNode,
  KernelNode,
  LetNode,
  NameBinding,
  ReturnNode,
  StatementNode,
} from "./syntax.ts";

/** Pieces that the grammar has matched, by the offset at which they begin. */
type Matched = ReadonlyMap<number, MatchedPiece>;

/** The readable parts of `source`, and the errors in the rest. */
export function recover(
  source: Source,
  grammar: Grammar,
  matched: Matched,
): { file: FileNode; diagnostics: Diagnostic[] } {
  const { tokens, diagnostics, endsInComment } = scan(source);
  const reader = new FileReader(source, grammar, matched, diagnostics);
  for (const piece of split(source, tokens, diagnostics)) reader.read(piece);
  reader.end(tokens.at(-1), endsInComment);
  const { fns, consts } = reader;
  const file: FileNode = { kind: "file", consts, fns, span: { source, start: 0, end: source.text.length } };
  return { file, diagnostics };
}

interface OpenKernel {
  readonly open: Span;
  readonly body: LetNode[];
}

/** A function whose header has been read. */
interface OpenFn {
  /** Missing if the header does not match; the body is still read to report its errors. */
  readonly header: HeaderNode | undefined;
  readonly name: string;
  readonly open: Span;
  readonly body: StatementNode[];
  /** The parameters and `let`s so far. */
  readonly bound: Map<string, Span>;
  kernel: OpenKernel | undefined;
  returned: Span | undefined;
  /** Whether a statement after the `return` has been reported. */
  pastReturn: boolean;
  /** Whether the `return` was in a kernel block, whose own `}` may follow or be missing. */
  returnedInKernel: boolean;
  /** Whether the last piece was not a statement, and so may have been meant as the `return`. */
  endsStray: boolean;
}

const ruleOf = {
  const: "Const",
  header: "FnHeader",
  let: "Let",
  return: "Return",
  kernel: "KernelHeader",
} as const satisfies Partial<Record<Piece["kind"], PieceRule>>;

const nothingBound: ReadonlyMap<string, Span> = new Map();

class FileReader {
  readonly fns: FnNode[] = [];
  readonly consts: ConstNode[] = [];
  private readonly source: Source;
  private readonly grammar: Grammar;
  private readonly matched: Matched;
  private readonly diagnostics: Diagnostic[];
  private fn: OpenFn | undefined;
  /** The number of open `{` that belong to no construct of the language. */
  private blocks = 0;
  /** Whether the current run of pieces outside a function has been reported. */
  private outside = false;
  private headers = 0;
  /** Whether the previous piece had an error. */
  private afterWrong = false;

  constructor(source: Source, grammar: Grammar, matched: Matched, diagnostics: Diagnostic[]) {
    this.source = source;
    this.grammar = grammar;
    this.matched = matched;
    this.diagnostics = diagnostics;
  }

  read(piece: Piece): void {
    const before = this.diagnostics.length;
    this.dispatch(piece);
    this.afterWrong = this.diagnostics.length > before;
  }

  private dispatch(piece: Piece): void {
    const { fn } = this;
    if (fn !== undefined) fn.endsStray = piece.kind === "stray" || (fn.endsStray && piece.kind === "close");
    switch (piece.kind) {
      case "header":
        this.header(piece);
        break;
      case "open":
        this.open(piece);
        break;
      case "close":
        this.close(piece);
        break;
      case "const":
        this.constant(piece);
        break;
      default:
        if (fn === undefined) this.reportOutside(piece);
        else this.statement(piece, fn);
    }
  }

  private statement(piece: Piece, fn: OpenFn): void {
    if (piece.kind === "let") this.let(piece, fn);
    else if (piece.kind === "return") this.return(piece, fn);
    else if (piece.kind === "kernel") this.kernel(piece, fn);
    else this.stray(piece, fn);
  }

  /** Finishes reading at the end of the file; `last` is its last token. */
  end(last: Token | undefined, endsInComment: boolean): void {
    const { source, fn } = this;
    const at = last?.end ?? 0;
    if (fn !== undefined && !endsInComment) this.reportUnclosed(fn, { source, start: at, end: at });
    if (fn !== undefined) this.finish(fn, at);
    if (this.headers > 0 || this.diagnostics.length > 0) return;
    this.diagnostics.push(syntaxErrors.noFunction({ source, start: at, end: at }));
  }

  private span(piece: Piece): Span {
    return spanOf(this.source, piece.tokens[0] as Token, piece.tokens.at(-1));
  }

  /** The first token of a piece, which errors about the whole statement point at. */
  private start(piece: Piece): Span {
    return spanOf(this.source, piece.tokens[0] as Token);
  }

  /** The node of a piece, or `undefined` if it does not match, which has been reported. */
  private match(piece: Piece, rule: PieceRule): PieceNode | undefined {
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
    const node = matchTokens(rule, tokens, { grammar, source, diagnostics, bound: this.fn?.bound ?? nothingBound });
    if (!("index" in node)) return node;
    if (reported) return undefined;
    const kind = node.isPart ? "return" : piece.kind;
    const next = node.isPart ? undefined : piece.next;
    return this.report(explainFailure({ source, kind, tokens: node.tokens, next }, node.index));
  }

  private report(diagnostic: Diagnostic): undefined {
    this.diagnostics.push(diagnostic);
  }

  private header(piece: Piece): void {
    if (this.fn !== undefined) {
      this.reportUnclosed(this.fn, this.start(piece));
      this.finish(this.fn, (piece.tokens[0] as Token).start);
    }
    this.blocks = 0;
    this.headers++;
    const header = this.match(piece, ruleOf.header) as HeaderNode | undefined;
    this.enter(header, piece);
    for (const { name, nameSpan } of header?.params ?? []) this.fn?.bound.set(name, nameSpan);
  }

  private enter(header: HeaderNode | undefined, piece: Piece): void {
    const second = piece.tokens[1];
    this.outside = false;
    this.fn = {
      header,
      name: second?.kind === "name" ? `\`${second.text}\`` : "the function",
      open: spanOf(this.source, piece.tokens.at(-1) as Token),
      body: [],
      bound: new Map(),
      kernel: undefined,
      returned: undefined,
      pastReturn: false,
      returnedInKernel: false,
      endsStray: false,
    };
  }

  private reportUnclosed(fn: OpenFn, at: Span): void {
    const open = fn.kernel?.open ?? fn.open;
    // A header without its `{` has been reported.
    if (this.source.text[open.end - 1] !== "{") return;
    const what = fn.kernel === undefined ? fn.name : "the `kernel` block";
    this.diagnostics.push(syntaxErrors.missingCloseBrace(at, what, open));
  }

  private finish(fn: OpenFn, end: number): void {
    this.closeKernel(fn, end);
    this.fn = undefined;
    const made = fn.header && fnOf(fn.header, fn.body, end);
    if (made !== undefined) this.fns.push(made);
  }

  private closeKernel(fn: OpenFn, end: number): void {
    if (fn.kernel === undefined) return;
    const { open, body } = fn.kernel;
    const node: KernelNode = { kind: "kernel", body, span: { ...open, end } };
    fn.body.push(node);
    fn.kernel = undefined;
  }

  private open(piece: Piece): void {
    if (this.fn === undefined && this.outside && this.blocks === 0) {
      // Most likely the body of a function whose header was not recognized, which has been reported.
      this.enter(undefined, piece);
      return;
    }
    const isReported = this.afterWrong || this.fn?.endsStray === true || this.blocks > 0;
    if (!isReported) this.diagnostics.push(statementErrors.block(this.span(piece)));
    this.outside = true;
    this.blocks++;
  }

  private close(piece: Piece): void {
    const { fn } = this;
    const { end } = piece.tokens[0] as Token;
    if (this.blocks > 0) {
      this.blocks--;
    } else if (fn === undefined) {
      this.diagnostics.push(syntaxErrors.unopenedBrace(this.span(piece)));
    } else if (fn.kernel !== undefined) {
      this.closeKernel(fn, end);
    } else if (fn.returnedInKernel && piece.next?.text === "}") {
      fn.returnedInKernel = false;
    } else {
      if (fn.returned === undefined && !fn.endsStray && fn.header !== undefined) {
        this.diagnostics.push(statementErrors.missingReturn(this.span(piece), fn.header.name, fn.header.nameSpan));
      }
      this.finish(fn, end);
    }
  }

  private constant(piece: Piece): void {
    if (this.fn === undefined) {
      this.outside = false;
      const [, name, sign] = piece.tokens;
      if (name?.kind === "name" && sign?.text === "=") {
        this.diagnostics.push(syntaxErrors.constType(spanOf(this.source, sign), name.text));
        this.consts.push(this.wrongConst(name, piece));
        return;
      }
      const node = this.match(piece, ruleOf.const) as ConstNode | undefined;
      if (node !== undefined) this.consts.push(node);
      else if (name?.kind === "name") this.consts.push(this.wrongConst(name, piece));
      return;
    }
    this.diagnostics.push(syntaxErrors.constant(this.start(piece)));
    const name = piece.tokens[1];
    if (name?.kind === "name") this.bindErrors([{ name: name.text, span: spanOf(this.source, name) }], piece);
  }

  /** Declares the name of an invalid const, so that its uses are not reported. */
  private wrongConst(name: Token, piece: Piece): ConstNode {
    const [nameSpan, span] = [spanOf(this.source, name), this.span(piece)];
    const value = { kind: "error" as const, span };
    return { kind: "const", name: name.text, nameSpan, type: undefined, contract: undefined, value, span };
  }

  private reportOutside(piece: Piece): void {
    if (this.outside) return;
    this.outside = true;
    const span = this.start(piece);
    const first = piece.tokens[0] as Token;
    if (first.wrong && piece.kind === "stray") return;
    const what = first.wrong ? "a statement" : shown(this.source, first);
    this.diagnostics.push(syntaxErrors.outsideFunction(span, what));
  }

  /** Whether a statement is allowed here; if not, that is reported once. */
  private mayStand(piece: Piece, fn: OpenFn): boolean {
    if (fn.returned === undefined) return true;
    if (!fn.pastReturn) {
      const what = shown(this.source, piece.tokens[0] as Token);
      this.diagnostics.push(statementErrors.afterReturn(this.start(piece), what, fn.returned));
    }
    fn.pastReturn = true;
    return false;
  }

  private stray(piece: Piece, fn: OpenFn): void {
    const [first, second, third] = piece.tokens as [Token, Token?, Token?];
    const span = this.start(piece);
    if (piece.tokens.some((token) => token.wrong) || fn.pastReturn) return;
    if (["if", "else", "for", "while"].includes(first.text)) {
      this.diagnostics.push(statementErrors.noControlFlow(span, first.text));
      return;
    }
    const isCompound = second?.kind === "symbol" && third?.text === "=" && third.start === second.end;
    const known = fn.bound.get(first.text);
    if (isCompound && known !== undefined) {
      this.diagnostics.push(statementErrors.reassigned(span, first.text, known));
      return;
    }
    const text = this.source.text.slice(first.start, piece.tokens.at(-1)?.end);
    const isValue = endsOperand(first) && first.kind !== "symbol" && text.length <= 60 && !text.includes("\n");
    if (!isValue) {
      this.diagnostics.push(statementErrors.notAStatement(span, shown(this.source, first)));
      return;
    }
    const isLast = piece.next?.text === "}" && fn.returned === undefined;
    const help = isLast
      ? proposal(`write \`return ${text}\``, insertedBefore(span, "return "))
      : `give it a name: \`let name = ${text}\``;
    this.diagnostics.push(statementErrors.notAStatement(this.span(piece), `\`${text}\``, [help]));
  }

  private kernel(piece: Piece, fn: OpenFn): void {
    const node = this.match(piece, ruleOf.kernel);
    const open = node?.span ?? this.span(piece);
    if (fn.kernel !== undefined) {
      this.diagnostics.push(statementErrors.inKernel(this.start(piece), "another `kernel`", fn.kernel.open));
      if (node !== undefined) this.blocks++;
      return;
    }
    this.mayStand(piece, fn);
    fn.kernel = { open, body: [] };
  }

  private let(piece: Piece, fn: OpenFn): void {
    const name = piece.tokens[1];
    const first = name && fn.bound.get(name.text);
    const isChange = piece.withoutLet && name !== undefined && first !== undefined;
    const stands = this.mayStand(piece, fn);
    if (isChange) this.diagnostics.push(statementErrors.reassigned(spanOf(this.source, name), name.text, first));
    else if (piece.withoutLet && name !== undefined) {
      this.diagnostics.push(statementErrors.missingLet(spanOf(this.source, name), name.text));
    }
    const node = this.match(piece, ruleOf.let) as LetNode | undefined;
    if (isChange || !stands) return;
    if (node === undefined) this.bindErrors(boundNames(this.source, piece.tokens), piece);
    else this.add(node, fn);
  }

  private add(node: LetNode, fn: OpenFn): void {
    for (const { name, span } of node.names) if (!fn.bound.has(name)) fn.bound.set(name, span);
    (fn.kernel?.body ?? fn.body).push(node);
  }

  /** Binds names to an error, so that their uses are not reported. */
  private bindErrors(names: readonly NameBinding[], piece: Piece): void {
    if (this.fn === undefined || names.length === 0) return;
    const span = this.span(piece);
    this.add({ kind: "let", names, types: [], value: { kind: "error", span }, span }, this.fn);
  }

  private return(piece: Piece, fn: OpenFn): void {
    if (fn.kernel !== undefined) {
      this.diagnostics.push(statementErrors.inKernel(this.start(piece), "`return`", fn.kernel.open));
      this.closeKernel(fn, (piece.tokens[0] as Token).start);
      fn.returnedInKernel = true;
    }
    const stands = this.mayStand(piece, fn);
    const node = this.match(piece, ruleOf.return) as ReturnNode | undefined;
    if (!stands) return;
    const span = this.span(piece);
    fn.returned = span;
    const values = (fn.header?.results ?? []).map((): ErrorNode => ({ kind: "error", span }));
    fn.body.push(node ?? { kind: "return", values, span });
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

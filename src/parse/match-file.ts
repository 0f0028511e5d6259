/** Matches a whole file with the grammar: each part on its own, and then the sequence of parts. */

import { frameGrammar, grammar } from "../../grammar/tir.ts";
import type { Diagnostic, Source } from "../diagnostics/diagnostic.ts";
import { type CloseNode, fnOf, type HeaderNode, type KernelHeaderNode, type PieceNode } from "./build-tree.ts";
import { type CstNode, treeOf } from "./cst.ts";
import { cut, type Piece } from "./cut.ts";
import {
  bracketShape,
  levelsAtOnce,
  type MatchContext,
  matchText,
  matchTokens,
  type PieceRule,
} from "./match-piece.ts";
import { scan } from "./scan.ts";
import { beyondNesting } from "./split.ts";
import type { ConstNode, FileNode, FnNode, KernelNode, LetNode, ReturnNode, StatementNode } from "./syntax.ts";

/** The grammars of grammar/tir.ohm. */
export interface Grammars {
  readonly grammar: typeof grammar;
  readonly frameGrammar: typeof grammar;
}

export const tirGrammars: Grammars = { grammar, frameGrammar };

/** ohm needs about 7 kB per token, so a statement of this length still fits in 250 MB. */
export const tokenLimit = 32_768;

/** Longest piece passed to ohm unchanged, in UTF-16 units. Longer ones are mostly comments, recorded per character. */
const longestAsItStands = 4096;

/** The character that represents each kind of piece in the grammar Frame. */
const signOf: Readonly<Record<PieceRule, string>> = {
  Const: "c",
  FnHeader: "f",
  KernelHeader: "k",
  Let: "l",
  Return: "r",
  Close: "}",
};

/** A piece that matches, with the errors in its types and numbers. */
export interface MatchedPiece {
  readonly node: PieceNode;
  readonly diagnostics: readonly Diagnostic[];
}

/** The result for a file that the grammar does not match. */
interface Stopped {
  /** UTF-16 offset at which the match stopped. */
  readonly stopped: number;
  /** The pieces matched before that, by the offset at which they begin. */
  readonly matched: ReadonlyMap<number, MatchedPiece>;
}

interface MatchedFile {
  readonly file: FileNode;
  /** Errors in the types and numbers of a file that matches. */
  readonly diagnostics: Diagnostic[];
}

/** The tree of a file, or the offset up to which the grammar matches it. */
export function matchFile(source: Source, { grammar, frameGrammar }: Grammars): MatchedFile | Stopped {
  const pieces = cut(source.text);
  const matched = new Map<number, MatchedPiece>();
  const bound = new Map<string, unknown>();
  for (const piece of pieces) {
    if (piece.rule === "FnHeader" || piece.rule === "Const") bound.clear();
    const diagnostics: Diagnostic[] = [];
    const node = matchPiece(piece, { grammar, source, diagnostics, bound });
    if (typeof node === "number") return { stopped: node, matched };
    if (node.kind === "header") for (const { name } of node.params) bound.set(name, node);
    if (node.kind === "let") for (const { name } of node.names) bound.set(name, node);
    matched.set(node.span.start, { node, diagnostics });
  }
  const frame = frameGrammar.match(pieces.map(({ rule }) => signOf[rule]).join(""));
  if (frame.failed()) {
    return { stopped: pieces[frame.getRightmostFailurePosition()]?.start ?? source.text.length, matched };
  }
  const nodes = [...matched.values()];
  return {
    file: fileNode(
      treeOf(frame),
      nodes.map(({ node }) => node),
      source,
    ),
    diagnostics: nodes.flatMap(({ diagnostics }) => diagnostics),
  };
}

/** The node of a piece, or the offset at which the match stopped. */
function matchPiece({ rule, start, end, depth }: Piece, context: MatchContext): PieceNode | number {
  if (depth < levelsAtOnce && end - start <= longestAsItStands) return matchText(rule, start, end, context);
  const { name, text } = context.source;
  const { tokens, diagnostics } = scan({ name, text: text.slice(start, end) });
  const isWrong = diagnostics.length > 0 || tokens.length > tokenLimit || !bracketShape(tokens).balanced;
  if (isWrong || beyondNesting(tokens) !== undefined) return start;
  const placed = tokens.map((token) => ({ ...token, start: token.start + start, end: token.end + start }));
  const node = matchTokens(rule, placed, context);
  return "index" in node ? (node.tokens[node.index]?.start ?? end) : node;
}

/** Builds the file from the frame's tree, in which an offset is the index of a piece. */
function fileNode(tree: CstNode, nodes: readonly PieceNode[], source: Source): FileNode {
  const [before, first, after] = tree.children as [CstNode, CstNode, CstNode];
  const items = [...before.children, first, ...after.children.map((item) => item.child(0))];
  const consts = items.filter(({ rule }) => rule === "Const").map(({ start }) => nodes[start] as ConstNode);
  const fns = items.filter(({ rule }) => rule === "Fn").map((fn) => fnNode(fn, nodes));
  return {
    kind: "file",
    consts,
    fns: fns.filter((fn) => fn !== undefined),
    span: { source, start: 0, end: source.text.length },
  };
}

function fnNode(fn: CstNode, nodes: readonly PieceNode[]): FnNode | undefined {
  const [first, statements, last, close] = fn.children as [CstNode, CstNode, CstNode, CstNode];
  const header = nodes[first.start] as HeaderNode;
  const body = statements.children.map((statement): StatementNode => {
    const inner = statement.child(0);
    return inner.rule === "Kernel" ? kernelNode(inner, nodes) : (nodes[inner.start] as LetNode);
  });
  body.push(nodes[last.start] as ReturnNode);
  return fnOf(header, body, (nodes[close.start] as CloseNode).span.end);
}

function kernelNode(kernel: CstNode, nodes: readonly PieceNode[]): KernelNode {
  const [first, lets, close] = kernel.children as [CstNode, CstNode, CstNode];
  const { span } = nodes[first.start] as KernelHeaderNode;
  const { end } = (nodes[close.start] as CloseNode).span;
  return { kind: "kernel", body: lets.children.map(({ start }) => nodes[start] as LetNode), span: { ...span, end } };
}

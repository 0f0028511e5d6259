/**
 * Matches one piece with the grammar.
 *
 * ohm sees the tokens with one space between them, so that neither comments nor long runs of blanks cost anything and
 * a token about which something has been said can be replaced. It also recurses some ten frames a level of brackets, so what is nested
 * deep is folded: cut out, matched on its own, and represented by a name.
 */

import type { MatchResult } from "ohm-js";
import { grammar } from "../../grammar/tir.ts";
import type { Diagnostic, Source } from "../diagnostics/diagnostic.ts";
import { reservedWords } from "../ir/print.ts";
import { type BuildContext, buildTree, type PieceNode } from "./build-tree.ts";
import type { Token } from "./scan.ts";
import { closerOf } from "./split.ts";
import type { ExpressionNode } from "./syntax.ts";

export type StartRule = "Const" | "FnHeader" | "Let" | "Return" | "KernelHeader" | "Primary";

/** Where a match stopped: at the token of that index, or at the end. */
export interface Failure {
  readonly tokens: readonly Token[];
  readonly index: number;
  readonly isPart: boolean;
}

/** So many levels of brackets are matched at once. ohm fills the default stack of Node at about 95. */
const levelsAtOnce = 16;

export interface MatchContext {
  readonly source: Source;
  readonly diagnostics: Diagnostic[];
  /** Names that the function binds, which are no element types even if they look it. */
  readonly bound: ReadonlyMap<string, unknown>;
}

export function matchPiece(rule: StartRule, tokens: readonly Token[], context: MatchContext): PieceNode | Failure {
  const folded = new Map<Token, ExpressionNode>();
  const { parts, whole } = fold(tokens);
  for (const { tokens: part, stand } of parts) {
    const node = matchTokens("Primary", part, { ...context, folded });
    if ("index" in node) return { ...node, isPart: true };
    folded.set(stand, node as ExpressionNode);
  }
  return matchTokens(rule, whole, { ...context, folded });
}

type Shared = Omit<BuildContext, "tokenAt">;

function matchTokens(rule: StartRule, tokens: readonly Token[], shared: Shared): PieceNode | Failure {
  const shapes = tokens.map(shapeOf);
  const text = shapes.join(" ");
  const tokenIndexAt = new Uint32Array(text.length + 1);
  let position = 0;
  for (const [i, shape] of shapes.entries()) {
    // The space before a token counts as the token's.
    const end = position + shape.length + (i === 0 ? 0 : 1);
    tokenIndexAt.fill(i, position, end);
    position = end;
  }
  tokenIndexAt[text.length] = tokens.length;
  const match = matchShapes(rule, text);
  if (match.failed()) {
    const index = tokenIndexAt[match.getRightmostFailurePosition()] ?? tokens.length;
    return { tokens, index, isPart: false };
  }
  return buildTree(match, { ...shared, tokenAt: (offset) => tokens[tokenIndexAt[offset] as number] as Token });
}

/** Statements look much alike to ohm, and most of parsing is its time: what it made of a text before is kept. */
const matched = new Map<string, MatchResult>();
const mostMatched = 512;
const longestMatched = 256;

function matchShapes(rule: StartRule, text: string): MatchResult {
  const key = `${rule} ${text}`;
  const match = matched.get(key) ?? grammar.match(text, rule);
  // A failure may keep much more than itself, and is rare.
  if (match.succeeded() && text.length < longestMatched) {
    if (matched.size >= mostMatched) matched.clear();
    matched.set(key, match);
  }
  return match;
}

/** What ohm sees of a token: a text that the grammar treats alike. */
function shapeOf({ kind, text }: Token): string {
  if (kind === "name") return reservedWords.has(text) ? text : "a";
  if (kind === "number") return /^[0-9]+$/.test(text) ? "0" : "0.5";
  if (kind === "string") return '""';
  return kind === "bad" ? "?" : text;
}

interface Part {
  readonly tokens: readonly Token[];
  /** The name that represents it in the part around it. */
  readonly stand: Token;
}

/**
 * Cuts every call and bracket out whose depth is a multiple of `levelsAtOnce`; inner parts come before outer ones.
 * Brackets must be balanced, or less deep than that.
 */
function fold(tokens: readonly Token[]): { parts: Part[]; whole: readonly Token[] } {
  const parts: Part[] = [];
  const around: Token[][] = [];
  let current: Token[] = [];
  let depth = 0;
  for (const token of tokens) {
    if (closerOf.has(token.text) && ++depth % levelsAtOnce === 0) {
      const callee = current.at(-1)?.kind === "name" ? current.pop() : undefined;
      around.push(current);
      current = callee === undefined ? [] : [callee];
    }
    current.push(token);
    if ((token.text === ")" || token.text === "]") && depth-- % levelsAtOnce === 0 && around.length > 0) {
      const first = current[0] as Token;
      const stand: Token = { ...first, kind: "name", text: "_", end: token.end };
      parts.push({ tokens: current, stand });
      current = around.pop() as Token[];
      current.push(stand);
    }
  }
  return { parts, whole: [...around.flat(), ...current] };
}

/** The deepest bracket level, and whether each bracket meets its own kind. */
export function bracketShape(tokens: readonly Token[]): { deep: boolean; balanced: boolean } {
  const open: string[] = [];
  let deep = false;
  for (const { text } of tokens) {
    const closer = closerOf.get(text);
    if (closer !== undefined) open.push(closer);
    else if ((text === ")" || text === "]") && open.pop() !== text) return { deep, balanced: false };
    if (open.length >= levelsAtOnce) deep = true;
  }
  return { deep, balanced: open.length === 0 };
}

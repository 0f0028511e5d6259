/**
 * Matches one piece of a file with the grammar, in one of two ways:
 *
 * - as written, with its blanks and comments: for every ordinary piece.
 * - token by token, with one space between tokens. Long comments and runs of blanks then cost nothing, a token that has
 *   been reported can be replaced, and deep nesting is cut out (`fold`): the nested part is matched on its own and
 *   represented by a name, because ohm recurses about 75 frames per level of brackets.
 */

import type { Grammar } from "ohm-js";
import type { Diagnostic, Source } from "../diagnostics/diagnostic.ts";
import { closerOf, isClosing, isOpening } from "./brackets.ts";
import { type BuildContext, buildTree, type PieceNode } from "./build-tree.ts";
import { treeOf } from "./cst.ts";
import { recentMatch } from "./recent-matches.ts";
import type { Token } from "./scan.ts";
import type { ExpressionNode } from "./syntax.ts";

export type PieceRule = "Const" | "FnHeader" | "Let" | "Return" | "KernelHeader" | "Close";

/** Where a match stopped: the index of the token, or the number of tokens for the end. */
interface Failure {
  readonly tokens: readonly Token[];
  readonly index: number;
  readonly isPart: boolean;
}

/** Levels of brackets matched at once. ohm fills Node's default stack at about 110. */
export const levelsAtOnce = 16;

export interface MatchContext {
  readonly grammar: Grammar;
  readonly source: Source;
  readonly diagnostics: Diagnostic[];
  /** Names bound by the function; they shadow element types of the same name. */
  readonly bound: ReadonlyMap<string, unknown>;
}

/** The node of the piece from `start` to `end` of the source, or the offset at which the match stopped. */
export function matchText(rule: PieceRule, start: number, end: number, context: MatchContext): PieceNode | number {
  const { grammar, source } = context;
  const text = source.text.slice(start, end);
  const matched = recentMatch(grammar, rule, text, () => {
    const match = grammar.match(text, rule);
    return match.failed() ? match.getRightmostFailurePosition() : treeOf(match);
  });
  if (typeof matched === "number") return start + matched;
  return buildTree(matched, {
    ...context,
    text,
    place: (from, to) => ({ source, start: start + from, end: start + to }),
    folded: () => undefined,
  });
}

export function matchTokens(rule: PieceRule, tokens: readonly Token[], context: MatchContext): PieceNode | Failure {
  const folded = new Map<Token, ExpressionNode>();
  const { parts, whole } = fold(tokens);
  for (const { tokens: part, stand } of parts) {
    const node = matchJoined("Primary", part, folded, context);
    if ("index" in node) return { ...node, isPart: true };
    folded.set(stand, node as ExpressionNode);
  }
  return matchJoined(rule, whole, folded, context);
}

function matchJoined(
  rule: PieceRule | "Primary",
  tokens: readonly Token[],
  folded: ReadonlyMap<Token, ExpressionNode>,
  context: MatchContext,
): PieceNode | Failure {
  // A character that is not in the language must not become valid together with its neighbours.
  const texts = tokens.map(({ kind, text }) => (kind === "bad" ? "?" : text));
  const text = texts.join(" ");
  const tokenIndexAt = new Uint32Array(text.length + 1);
  let position = 0;
  for (const [i, { length }] of texts.entries()) {
    // The space before a token belongs to it.
    const end = position + length + (i === 0 ? 0 : 1);
    tokenIndexAt.fill(i, position, end);
    position = end;
  }
  tokenIndexAt[text.length] = tokens.length;
  const match = context.grammar.match(text, rule);
  if (match.failed()) {
    const index = tokenIndexAt[match.getRightmostFailurePosition()] ?? tokens.length;
    return { tokens, index, isPart: false };
  }
  const tokenAt = (offset: number) => tokens[tokenIndexAt[offset] as number] as Token;
  const built: BuildContext = {
    ...context,
    text,
    place: (start, end) => ({ source: context.source, start: tokenAt(start).start, end: tokenAt(end - 1).end }),
    folded: (offset) => folded.get(tokenAt(offset)),
  };
  return buildTree(treeOf(match), built);
}

interface Part {
  readonly tokens: readonly Token[];
  /** The name that represents the part in the enclosing tokens. */
  readonly stand: Token;
}

/**
 * Cuts out every call and bracket whose depth is a multiple of `levelsAtOnce`; inner parts come before outer ones.
 * Brackets must be balanced, or nested less deeply than that.
 */
function fold(tokens: readonly Token[]): { parts: Part[]; whole: readonly Token[] } {
  const parts: Part[] = [];
  const around: Token[][] = [];
  let current: Token[] = [];
  let depth = 0;
  for (const token of tokens) {
    if (isOpening(token) && ++depth % levelsAtOnce === 0) {
      const callee = current.at(-1)?.kind === "name" ? current.pop() : undefined;
      around.push(current);
      current = callee === undefined ? [] : [callee];
    }
    current.push(token);
    if (isClosing(token) && depth-- % levelsAtOnce === 0 && around.length > 0) {
      const first = current[0] as Token;
      const stand: Token = { ...first, kind: "name", text: "_", end: token.end };
      parts.push({ tokens: current, stand });
      current = around.pop() as Token[];
      current.push(stand);
    }
  }
  return { parts, whole: [...around.flat(), ...current] };
}

/** Whether brackets are nested deeper than is matched at once, and whether they are balanced. */
export function bracketShape(tokens: readonly Token[]): { deep: boolean; balanced: boolean } {
  const open: string[] = [];
  let deep = false;
  for (const token of tokens) {
    const closer = closerOf.get(token.text);
    if (closer !== undefined) open.push(closer);
    else if (isClosing(token) && open.pop() !== token.text) return { deep, balanced: false };
    if (open.length >= levelsAtOnce) deep = true;
  }
  return { deep, balanced: open.length === 0 };
}

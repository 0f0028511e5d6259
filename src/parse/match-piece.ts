/**
 * Matches one piece of a file with the grammar.
 *
 * - as it stands in the file, with its blanks and comments: the way of every piece that is not out of the ordinary.
 * - token by token, with one space between tokens. Neither long comments nor runs of blanks cost anything then, a token
 *   about which something has been said can be replaced, and what is nested deep is folded: cut out, matched on its own,
 *   and represented by a name. ohm recurses some 75 frames a level of brackets.
 */

import type { Grammar } from "ohm-js";
import type { Diagnostic, Source } from "../diagnostics/diagnostic.ts";
import { type BuildContext, buildTree, type PieceNode } from "./build-tree.ts";
import { treeOf } from "./cst.ts";
import { recentMatch } from "./recent-matches.ts";
import type { Token } from "./scan.ts";
import { closerOf } from "./split.ts";
import type { ExpressionNode } from "./syntax.ts";

export type PieceRule = "Const" | "FnHeader" | "Let" | "Return" | "KernelHeader" | "Close";

/** Where a match stopped: at the token of that index, or at the end. */
interface Failure {
  readonly tokens: readonly Token[];
  readonly index: number;
  readonly isPart: boolean;
}

/** So many levels of brackets are matched at once. ohm fills the default stack of Node at about 110. */
export const levelsAtOnce = 16;

export interface MatchContext {
  readonly grammar: Grammar;
  readonly source: Source;
  readonly diagnostics: Diagnostic[];
  /** Names that the function binds, which are no element types even if they look it. */
  readonly bound: ReadonlyMap<string, unknown>;
}

/** The piece from `start` to `end` of the source as a node, or the offset at which the match stopped. */
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
  // What begins nothing in the language must not become something beside its neighbours.
  const texts = tokens.map(({ kind, text }) => (kind === "bad" ? "?" : text));
  const text = texts.join(" ");
  const tokenIndexAt = new Uint32Array(text.length + 1);
  let position = 0;
  for (const [i, { length }] of texts.entries()) {
    // The space before a token counts as the token's.
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

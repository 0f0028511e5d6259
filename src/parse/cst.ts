/**
 * ohm's tree of a match, with places.
 *
 * ohm's own way to read it, a semantics, makes two objects and a `try` for each node, and takes longer than the match;
 * what it reads is kept under a name that ohm's types leave out.
 */

import type { MatchResult } from "ohm-js";

/** A node as ohm keeps it. The offsets of its children count from where the nearest rule around them begins. */
interface OhmNode {
  readonly ctorName: string;
  readonly matchLength: number;
  readonly children?: readonly OhmNode[];
  readonly childOffsets?: readonly number[];
  isNonterminal(): boolean;
}

interface OhmMatch {
  readonly _cst: OhmNode;
  readonly _cstOffset: number;
}

/** What one rule, one sign or one repetition matched. */
export class CstNode {
  /** UTF-16 offset into the text that was matched. */
  readonly start: number;
  private readonly node: OhmNode;
  private readonly base: number;

  constructor(node: OhmNode, start: number, base: number) {
    this.node = node;
    this.start = start;
    this.base = base;
  }

  get end(): number {
    return this.start + this.node.matchLength;
  }

  /** The rule that matched; `_terminal` for a sign, `_iter` for what is repeated or optional. */
  get rule(): string {
    return this.node.ctorName;
  }

  get size(): number {
    return this.node.children?.length ?? 0;
  }

  child(index: number): CstNode {
    const node = this.node.children?.[index] as OhmNode;
    const start = this.base + (this.node.childOffsets?.[index] as number);
    return new CstNode(node, start, node.isNonterminal() ? start : this.base);
  }

  get children(): CstNode[] {
    const children: CstNode[] = [];
    for (let i = 0; i < this.size; i++) children.push(this.child(i));
    return children;
  }
}

/** The tree of a match that succeeded. */
export function treeOf(match: MatchResult): CstNode {
  const { _cst: node, _cstOffset: start } = match as unknown as OhmMatch;
  return new CstNode(node, start, start);
}

/**
 * ohm's tree of a match, with source positions.
 *
 * ohm's own way to read the tree, a semantics, makes two objects and a `try` for each node and takes longer than the
 * match itself. The tree is read here from a field that ohm's types leave out.
 */

import type { MatchResult } from "ohm-js";

/** A node as ohm stores it. The offsets of its children are relative to the start of the nearest enclosing rule. */
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

/** The match of one rule, one terminal or one repetition. */
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

  /** The name of the rule; `_terminal` for a terminal, `_iter` for a repeated or optional part. */
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

/** The tree of a successful match. */
export function treeOf(match: MatchResult): CstNode {
  const { _cst: node, _cstOffset: start } = match as unknown as OhmMatch;
  return new CstNode(node, start, start);
}

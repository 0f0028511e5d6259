/**
 * What the grammar made of the pieces that it saw last: of an edited file, or of programs that are alike, most pieces
 * were matched before, and ohm takes microseconds for each character.
 */

import type { Grammar } from "ohm-js";
import type { CstNode } from "./cst.ts";

/** A tree, or the offset in the piece at which the match stopped. */
type Matched = CstNode | number;

/** UTF-16 units of text in either half. ohm's trees take some 130 bytes for each. */
const mostText = 2 ** 15;

/** In two halves: when the newer is full it becomes the older, which is forgotten but for what was asked for since. */
class RecentMatches {
  private newer = new Map<string, Matched>();
  private older = new Map<string, Matched>();
  private text = 0;

  find(key: string): Matched | undefined {
    const found = this.newer.get(key);
    if (found !== undefined) return found;
    const old = this.older.get(key);
    if (old !== undefined) this.keep(key, old);
    return old;
  }

  keep(key: string, matched: Matched): void {
    if (this.text + key.length > mostText) {
      this.older = this.newer;
      this.newer = new Map();
      this.text = 0;
    }
    this.newer.set(key, matched);
    this.text += key.length;
  }
}

const byGrammar = new WeakMap<Grammar, RecentMatches>();

/** What `match` says of the text and the rule, or said before. */
export function recentMatch(grammar: Grammar, rule: string, text: string, match: () => Matched): Matched {
  const recent = byGrammar.get(grammar) ?? new RecentMatches();
  byGrammar.set(grammar, recent);
  const key = `${rule} ${text}`;
  const found = recent.find(key);
  if (found !== undefined) return found;
  const matched = match();
  recent.keep(key, matched);
  return matched;
}

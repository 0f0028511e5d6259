/**
 * Caches the grammar's matches of recent pieces: most pieces of an edited file, or of similar programs, have been
 * matched before, and ohm takes microseconds per character.
 */

import type { Grammar } from "ohm-js";
import { getOrInsert } from "../ir/groups.ts";
import type { CstNode } from "./cst.ts";

/** A tree, or the offset in the piece at which the match stopped. */
type Matched = CstNode | number;

/** Most text in each generation, in UTF-16 units. ohm's trees take about 130 bytes per unit. */
const mostText = 2 ** 15;

/** Two generations: when the newer one is full it becomes the older one, from which only entries in use survive. */
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

/** The cached result of `match` for this rule and text; calls `match` if there is none. */
export function recentMatch(grammar: Grammar, rule: string, text: string, match: () => Matched): Matched {
  const recent = getOrInsert(byGrammar, grammar, () => new RecentMatches());
  const key = `${rule} ${text}`;
  const found = recent.find(key);
  if (found !== undefined) return found;
  const matched = match();
  recent.keep(key, matched);
  return matched;
}

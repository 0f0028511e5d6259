/** Texts with marks: `|` is a caret, and `«` and `»` enclose a range. */

import type { TextRange } from "../../src/language/index.ts";

/** The text without its one `|`, and where that stood. */
export function caret(marked: string): { text: string; offset: number } {
  const offset = marked.indexOf("|");
  if (offset < 0 || marked.includes("|", offset + 1)) throw new Error(`not one | in: ${marked}`);
  return { text: marked.replace("|", ""), offset };
}

/** `text` with `«` and `»` around ranges. */
export function mark(text: string, ranges: readonly TextRange[]): string {
  const sorted = [...ranges].sort((a, b) => b.start - a.start);
  return sorted.reduce(
    (now, { start, end }) => `${now.slice(0, start)}«${now.slice(start, end)}»${now.slice(end)}`,
    text,
  );
}

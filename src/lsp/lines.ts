/** Converts between offsets and the protocol's positions: a line and a UTF-16 code unit in it, both counted from 0. */

import type { TextEdit, TextRange } from "../language/index.ts";

export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

/** The lines of a text, which end with `\n`, `\r\n` or `\r`. */
export class Lines {
  readonly text: string;
  private readonly starts: readonly number[];

  constructor(text: string) {
    this.text = text;
    this.starts = [0, ...[...text.matchAll(/\r\n|\n|\r/g)].map((found) => found.index + found[0].length)];
  }

  position(offset: number): Position {
    const at = Math.min(Math.max(offset, 0), this.text.length);
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] as number) <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low, character: at - (this.starts[low] as number) };
  }

  range({ start, end }: TextRange): Range {
    return { start: this.position(start), end: this.position(end) };
  }

  /** Clamps a character past the end of its line to that end, and a line past the last one to the end of the text. */
  offset({ line, character }: Position): number {
    const start = this.starts[line];
    if (start === undefined) return this.text.length;
    const next = this.starts[line + 1];
    const end = next === undefined ? this.text.length : next - (this.text.slice(start, next).endsWith("\r\n") ? 2 : 1);
    return Math.min(start + character, end);
  }
}

/** One edit that turns `before` into `after`, without their common prefix and suffix; `undefined` if they are equal. */
export function difference(before: string, after: string): TextEdit | undefined {
  if (before === after) return undefined;
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let tail = 0;
  while (tail < shorter - start && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  // The protocol has no position between the two characters of a line break.
  if (before.slice(start - 1, start + 1) === "\r\n") start--;
  if (tail > 0 && before.slice(-1 - tail).startsWith("\r\n")) tail--;
  const end = before.length - tail;
  return { start, end, newText: after.slice(start, after.length - tail) };
}

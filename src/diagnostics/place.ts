/** Lines and columns of spans, as people and editors count them. */

import { lineColumn, lineText, type Source, type Span } from "./source.ts";

/** Where a span begins and ends, as people count. */
export interface Place {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in code points; a byte order mark is not counted. */
  readonly col: number;
  readonly endLine: number;
  /** 1-based, in code points; the first column after the span. */
  readonly endCol: number;
}

const byteOrderMark = "\uFEFF";

/** A line as it is shown: without its line break, and without a byte order mark. */
export function shownLine(source: Source, line: number): string {
  const text = lineText(source, line);
  return line === 1 && text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

/** Line (1-based) and UTF-16 offset (0-based) into `shownLine` of an offset into the source. */
export function offsetInLine(source: Source, offset: number): { line: number; offset: number } {
  const { line, column } = lineColumn(source, offset);
  const mark = line === 1 && source.text.startsWith(byteOrderMark) ? 1 : 0;
  return { line, offset: Math.max(0, column - 1 - mark) };
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

export function placeOf({ source, start, end }: Span): Place {
  const first = at(source, start);
  const last = at(source, Math.max(start, end));
  return { file: source.name, line: first.line, col: first.col, endLine: last.line, endCol: last.col };
}

function at(source: Source, offset: number): { line: number; col: number } {
  const place = offsetInLine(source, offset);
  return { line: place.line, col: codePoints(shownLine(source, place.line).slice(0, place.offset)) + 1 };
}

/**
 * A diagnostic for people:
 *
 *   file:3:11: error[E0203]: message
 *     |
 *   3 |   let h = x + residual
 *     |           ^^^^^^^^^^^^
 *     |           - a label
 *     = note: a fact
 *     = help: what to do
 */

import { checkDiagnostic } from "./arguments.ts";
import type { Diagnostic, Severity, Source, Span } from "./diagnostic.ts";
import { oneLine, placePrefix, visible } from "./lines.ts";
import { offsetInLine, shownLine } from "./place.ts";

/** How `renderPretty` writes. */
export interface PrettyOptions {
  /** Whether to write ANSI colors. */
  readonly color?: boolean;
}

/** Longer lines are cut around the place. */
const widestLine = 110;
/** The number of columns that remain before the place in a line that is cut. */
const columnsBefore = 40;
const tabWidth = 4;

const severityColor = { error: "31", warning: "33", remark: "36" } as const satisfies Record<Severity, string>;

/** The diagnostic as text, without a final line break. @throws TircError E0901 */
export function renderPretty(diagnostic: Diagnostic, { color = false }: PrettyOptions = {}): string {
  checkDiagnostic("renderPretty", diagnostic);
  const { severity, code, message, span, labels, notes, help } = diagnostic;
  const paint = (text: string, style: string) => (color ? `\u001B[${style}m${text}\u001B[0m` : text);
  const title = paint(`${severity}[${code}]`, `1;${severityColor[severity]}`);
  const marks: Mark[] = labels.map((label) => markOf(label.span, "-", ` ${oneLine(label.message)}`));
  if (span !== undefined) marks.unshift(markOf(span, "^", ""));
  const margin = " ".repeat(String(Math.max(0, ...marks.map((mark) => mark.line))).length);
  return [
    `${placePrefix(span)}${title}: ${paint(oneLine(message), "1")}`,
    ...excerpts(marks, margin, (text) => paint(text, `1;${severityColor[severity]}`)),
    ...notes.map((note) => `${margin} = ${paint("note", "1")}: ${oneLine(note)}`),
    ...help.map((text) => `${margin} = ${paint("help", "1")}: ${oneLine(text)}`),
  ].join("\n");
}

/** One line of a source and the part that is underlined. */
interface Mark {
  readonly source: Source;
  readonly span: Span;
  readonly line: number;
  /** UTF-16 offsets into the shown line. */
  readonly start: number;
  readonly end: number;
  readonly sign: "^" | "-";
  readonly message: string;
}

/** The mark of a span; for a span of several lines, in the first line. */
function markOf(span: Span, sign: Mark["sign"], message: string): Mark {
  const { source, start, end } = span;
  const first = offsetInLine(source, start);
  const last = offsetInLine(source, end);
  const lineEnd = shownLine(source, first.line).length;
  const stop = last.line === first.line ? last.offset : lineEnd;
  return { source, span, line: first.line, start: first.offset, end: Math.max(first.offset, stop), sign, message };
}

function excerpts(marks: readonly Mark[], margin: string, paint: (text: string) => string): string[] {
  const sources = [...new Set(marks.map((mark) => mark.source))];
  return sources.flatMap((source, i) => {
    const here = marks.filter((mark) => mark.source === source);
    const lines = [...new Set(here.map((mark) => mark.line))].sort((a, b) => a - b);
    const body = lines.flatMap((line, k) => {
      const gap = k === 0 ? 0 : line - (lines[k - 1] as number) - 1;
      const between = gap === 1 ? [sourceRow(source, line - 1, margin)] : gap > 1 ? ["..."] : [];
      return [...between, ...lineWithMarks(here, line, margin, paint)];
    });
    return [i === 0 ? `${margin} |` : `${margin} ::: ${otherFile(here[0] as Mark)}`, ...body];
  });
}

function otherFile({ span }: Mark): string {
  return placePrefix(span).slice(0, -2);
}

function row(number: number | string, margin: string, text: string): string {
  return `${String(number).padStart(margin.length)} | ${text}`.trimEnd();
}

function sourceRow(source: Source, line: number, margin: string): string {
  return row(line, margin, drawn(shownLine(source, line), { start: 0, end: 0 }).text);
}

/** The line, and a row under it for each mark; a line that is cut is shown again for each. */
function lineWithMarks(
  marks: readonly Mark[],
  line: number,
  margin: string,
  paint: (text: string) => string,
): string[] {
  const here = marks.filter((mark) => mark.line === line);
  let shown: string | undefined;
  return here.flatMap((mark) => {
    const { text, indent, length } = drawn(shownLine(mark.source, line), mark);
    const under = mark.sign.repeat(length) + mark.message;
    const rows = [row("", margin, " ".repeat(indent) + paint(under))];
    if (text !== shown) rows.unshift(row(line, margin, text));
    shown = text;
    return rows;
  });
}

interface Drawn {
  /** The line for a terminal. */
  readonly text: string;
  /** Columns before the underline. */
  readonly indent: number;
  /** Columns of the underline, at least 1. */
  readonly length: number;
}

/** Lays a line out in columns: tabs are expanded, wide characters take two columns, and a long line is cut. */
function drawn(line: string, { start, end }: { start: number; end: number }): Drawn {
  // Only the part near the place is visible, so only that part is laid out.
  const from = line.length <= widestLine ? 0 : safeCut(line, Math.max(0, start - columnsBefore));
  const cells: { text: string; width: number; offset: number }[] = [];
  let width = 0;
  let offset = from;
  for (const char of line.slice(from, from + 2 * widestLine)) {
    const text = char === "\t" ? " ".repeat(tabWidth - (width % tabWidth)) : visible(char);
    const cell = { text, width: char === "\t" ? text.length : columnsOf(char), offset };
    if (width + cell.width > widestLine) break;
    cells.push(cell);
    width += cell.width;
    offset += char.length;
  }
  const head = from > 0 ? "..." : "";
  const tail = offset < line.length ? "..." : "";
  const sum = (part: typeof cells) => part.reduce((total, cell) => total + cell.width, 0);
  const before = sum(cells.filter((cell) => cell.offset < start));
  const under = sum(cells.filter((cell) => cell.offset >= start && cell.offset < end));
  const text = head + cells.map((cell) => cell.text).join("") + tail;
  return { text, indent: head.length + before, length: Math.max(1, under) };
}

/** `at`, or one less if it would split a surrogate pair. */
function safeCut(text: string, at: number): number {
  return /[\uDC00-\uDFFF]/.test(text[at] ?? "") ? at - 1 : at;
}

const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;

/** The number of columns that a character takes in a terminal. */
function columnsOf(char: string): number {
  if (char < "\u0300") return 1;
  if (/\p{Mn}|\p{Me}|[\u200B-\u200D]/u.test(char)) return 0;
  return wide.test(char) || (char.codePointAt(0) as number) >= 0x20000 ? 2 : 1;
}

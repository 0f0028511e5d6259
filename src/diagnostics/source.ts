/** Texts, and places in them. */

/** A text with a name; every place in a diagnostic points into one. */
export interface Source {
  /** Shown before the line number: a path, or `<stdin>`. */
  readonly name: string;
  readonly text: string;
  /** Names in the original, if the text was generated from something else, such as a model. */
  readonly labels?: Labels;
}

/** For messages, the names of a program's ops and values in the model that it was imported from: "`Add_12` (Add)". */
export interface Labels {
  /** The node from which the ops whose span begins at this offset were made. */
  maker(start: number): string | undefined;
  /** An input or a weight, by its name in the program. */
  leaf(name: string): string | undefined;
  /** A result of the function, by its name in the program. */
  result(name: string): string;
}

/** A half-open range of UTF-16 offsets, 0-based, into `source.text`. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

interface LineColumn {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units. */
  readonly column: number;
}

const lineStartsOf = new WeakMap<Source, number[]>();

/** The offsets at which the lines of a source begin, computed once for each source. */
function lineStarts(source: Source): number[] {
  let starts = lineStartsOf.get(source);
  if (starts === undefined) {
    starts = [0];
    for (let i = source.text.indexOf("\n"); i >= 0; i = source.text.indexOf("\n", i + 1)) starts.push(i + 1);
    lineStartsOf.set(source, starts);
  }
  return starts;
}

/** Line and column of an offset (clamped to the text). */
export function lineColumn(source: Source, offset: number): LineColumn {
  const starts = lineStarts(source);
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const mid = (low + high + 1) >> 1;
    if ((starts[mid] as number) <= offset) low = mid;
    else high = mid - 1;
  }
  return { line: low + 1, column: Math.min(offset, source.text.length) - (starts[low] as number) + 1 };
}

/** The text of a 1-based line, without its line break. */
export function lineText(source: Source, line: number): string {
  const starts = lineStarts(source);
  const start = starts[line - 1] ?? source.text.length;
  const end = starts[line] ?? source.text.length + 1;
  return source.text.slice(start, end - 1).replace(/\r$/, "");
}

/** The smallest span that covers both. */
export function joinSpans(a: Span, b: Span): Span {
  return { source: a.source, start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}

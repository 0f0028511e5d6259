/** Ranges of a text. */

/** A half-open range of UTF-16 offsets, 0-based. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** Whether a caret at `offset` is inside the range or at either end of it. */
export function touches({ start, end }: TextRange, offset: number): boolean {
  return start <= offset && offset <= end;
}

/** Only the range of an object that has more properties, such as a span. */
export function rangeOf({ start, end }: TextRange): TextRange {
  return { start, end };
}

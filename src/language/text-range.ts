/** Places in a text. */

/** A half-open range of UTF-16 offsets, 0-based. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A caret touches a word from before its first letter to after its last. */
export function touches({ start, end }: TextRange, offset: number): boolean {
  return start <= offset && offset <= end;
}

/** The range alone, of something that has more. */
export function rangeOf({ start, end }: TextRange): TextRange {
  return { start, end };
}

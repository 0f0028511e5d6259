/** Maps lines of a kernel to the program. Plain JSON data, like the manifest. */

import type { Source, Span } from "../diagnostics/diagnostic.ts";

/** Offsets into the text of the program: half-open, 0-based, in UTF-16 units. */
export type TextRange = readonly [start: number, end: number];

/** The part of the program that each line of a kernel computes. */
export interface SourceMap {
  readonly source: Source;
  /**
   * Indexed by the line of the WGSL, from 0: the op that it computes, or the parameter that it declares or loads;
   * `null` if it belongs to several or to none.
   */
  readonly lines: readonly (TextRange | null)[];
}

/**
 * @param source the source of the function. Ops with another source, which user-defined passes may add, are left out.
 */
export function makeSourceMap(source: Source, lines: readonly { readonly span?: Span | undefined }[]): SourceMap {
  return { source, lines: lines.map(({ span }) => (span?.source === source ? [span.start, span.end] : null)) };
}

/** The span that a line of the WGSL comes from. `line` is 1-based, as in compiler messages. */
export function spanOfLine(map: SourceMap | undefined, line: number): Span | undefined {
  const range = map?.lines[line - 1];
  return map && range ? { source: map.source, start: range[0], end: range[1] } : undefined;
}

/** Which line of a kernel computes what of the program. Plain JSON data, like the manifest. */

import type { Source, Span } from "../diagnostics/diagnostic.ts";

/** Offsets into the text of the program: half-open, 0-based, in UTF-16 units. */
export type TextRange = readonly [start: number, end: number];

/** For each line of a kernel, the part of the program that it computes. */
export interface SourceMap {
  readonly source: Source;
  /**
   * By line of the WGSL, the first at 0: the op that it computes, or the parameter that it declares or loads; `null` where
   * it serves several, or none.
   */
  readonly lines: readonly (TextRange | null)[];
}

/** @param source that of the function; a pass of somebody's own may bring ops from elsewhere, which are left out. */
export function makeSourceMap(source: Source, lines: readonly { readonly span?: Span | undefined }[]): SourceMap {
  return { source, lines: lines.map(({ span }) => (span?.source === source ? [span.start, span.end] : null)) };
}

/** Where the line of the WGSL, 1-based as compilers count, comes from. */
export function spanOfLine(map: SourceMap | undefined, line: number): Span | undefined {
  const range = map?.lines[line - 1];
  return map && range ? { source: map.source, start: range[0], end: range[1] } : undefined;
}

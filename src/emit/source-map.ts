/**
 * A kernel's source map in the standard format, for editors and browsers.
 *
 * Source Map revision 3 (ECMA-426): https://tc39.es/ecma426/
 */

import { checkArgument, isRecord } from "../diagnostics/arguments.ts";
import type { Source } from "../diagnostics/diagnostic.ts";
import { offsetInLine } from "../diagnostics/place.ts";
import type { SourceMap } from "../target/source-map.ts";

/** The JSON of a source map. */
export interface SourceMapV3 {
  readonly version: 3;
  /** The file with the WGSL. */
  readonly file?: string;
  readonly sources: readonly [string];
  readonly sourcesContent: readonly [string];
  readonly names: readonly string[];
  readonly mappings: string;
}

/** The names of the files. */
export interface RenderSourceMapOptions {
  /** The file with the WGSL, relative to the map. */
  readonly file?: string;
  /** The program, relative to the map; by default the name with which it was parsed. */
  readonly source?: string;
}

/** Maps each whole line to the start of the span that it computes. */
export function renderSourceMap(map: SourceMap, options: RenderSourceMapOptions = {}): SourceMapV3 {
  checkArgument("the first argument", "renderSourceMap", map, {
    what: "the source map of a kernel",
    holds: (value) => isRecord(value) && isRecord(value.source) && Array.isArray(value.lines),
    help: (value) => [isRecord(value) && "sourceMap" in value ? "pass its `sourceMap`" : "it is `kernel.sourceMap`"],
  });
  const { source, lines } = map;
  let [line, column] = [0, 0];
  const segments = lines.map((range) => {
    if (range === null) return "";
    const place = from0(source, range[0]);
    // The column in the WGSL, the index of the source, and line and column there, as differences from the previous segment.
    const segment = [0, 0, place.line - line, place.column - column].map(vlq).join("");
    ({ line, column } = place);
    return segment;
  });
  return {
    version: 3,
    ...(options.file === undefined ? {} : { file: options.file }),
    sources: [options.source ?? source.name],
    sourcesContent: [source.text],
    names: [],
    mappings: segments.join(";"),
  };
}

/** The 0-based line and column, in UTF-16 units. */
function from0(source: Source, at: number): { line: number; column: number } {
  const { line, offset } = offsetInLine(source, at);
  return { line: line - 1, column: offset };
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Base64 digits of five bits, lowest first, with a continuation bit. The first bit is the sign. */
function vlq(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = "";
  do {
    const digit = rest & 31;
    rest >>>= 5;
    text += digits[rest > 0 ? digit | 32 : digit];
  } while (rest > 0);
  return text;
}

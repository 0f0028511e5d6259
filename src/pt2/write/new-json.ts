/** JSON in the style of Python, in which parts of the original file keep their text. */

import { Fields } from "../fields.ts";

/** JSON that is written as it is. */
class Verbatim {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** A value to write; the keys of a map keep their order, even if they are numbers. */
export type NewJson =
  | (null | boolean | number | string)
  | (readonly NewJson[] | { readonly [key: string]: NewJson } | ReadonlyMap<string, NewJson>)
  | (Fields | Verbatim);

/** Python's `json.dumps`: a space after each comma and colon, and ASCII only. */
export function jsonText(value: NewJson): string {
  if (value instanceof Fields || value instanceof Verbatim) return value.source;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = value instanceof Map ? [...(value as ReadonlyMap<string, NewJson>)] : Object.entries(value);
    return `{${entries.map(([key, one]) => `${jsonText(key)}: ${jsonText(one)}`).join(", ")}}`;
  }
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A part of the file, and what replaces it. */
export type Edit = readonly [part: Fields, now: NewJson];

/** A value of the file with parts replaced, which must not overlap; the text between them stays. */
export function edited({ source, json: { start } }: Fields, edits: readonly Edit[]): Verbatim {
  const texts: string[] = [];
  let at = 0;
  for (const [{ json }, now] of edits.toSorted(([a], [b]) => a.json.start - b.json.start)) {
    texts.push(source.slice(at, json.start - start), jsonText(now));
    at = json.end - start;
  }
  return new Verbatim(texts.join("") + source.slice(at));
}

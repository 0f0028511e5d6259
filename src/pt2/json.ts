/**
 * JSON as Python writes it, with the place of every value in the text, so that one value can be exchanged and the rest stays
 * as it is. Unlike `JSON.parse` it takes NaN and Infinity, and no key twice.
 */

type JsonValue = null | boolean | number | string | readonly Json[] | ReadonlyMap<string, Json>;

/** A value, and where it stands in the text. */
export interface Json {
  readonly value: JsonValue;
  readonly start: number;
  readonly end: number;
}

/** Why a text is no JSON; the offset counts UTF-16 units. */
export class JsonError extends Error {
  readonly at: number;

  constructor(reason: string, at: number) {
    super(reason);
    this.at = at;
  }
}

/** Deeper than a graph nests. */
const deepest = 100;

const number = /-?(?:Infinity|0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const word = /NaN|true|false|null/y;
const space = /[ \t\n\r]*/y;
const words: Readonly<Record<string, JsonValue>> = { NaN: Number.NaN, true: true, false: false, null: null };

/** @throws JsonError */
export function parseJson(text: string): Json {
  const parser = new JsonParser(text);
  const whole = parser.value(0);
  parser.end();
  return whole;
}

class JsonParser {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
    this.skip();
  }

  end(): void {
    if (this.at < this.text.length) this.fail("something follows the value");
  }

  private fail(reason: string): never {
    throw new JsonError(reason, this.at);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private skip(): void {
    this.match(space);
  }

  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    this.skip();
    return true;
  }

  value(depth: number): Json {
    if (depth > deepest) this.fail(`values nest more than ${deepest} deep`);
    const start = this.at;
    const value = this.read(depth);
    const end = this.at;
    this.skip();
    return { value, start, end };
  }

  private read(depth: number): JsonValue {
    const first = this.text[this.at];
    if (first === '"') return this.string();
    if (first === "{") return this.object(depth);
    if (first === "[") return this.list(depth);
    const named = this.match(word);
    if (named !== undefined) return words[named] as JsonValue;
    const digits = this.match(number);
    return digits === undefined ? this.fail("no value stands there") : Number(digits);
  }

  private string(): string {
    const start = this.at;
    for (let at = start + 1; at < this.text.length; at++) {
      const char = this.text[at];
      if (char === "\\") at++;
      else if (char === '"') {
        this.at = at + 1;
        try {
          return JSON.parse(this.text.slice(start, this.at)) as string;
        } catch {
          this.at = start;
          this.fail("the string is not sound");
        }
      }
    }
    return this.fail("a string does not end");
  }

  private list(depth: number): Json[] {
    const items: Json[] = [];
    this.take("[");
    if (this.closes("]")) return items;
    for (;;) {
      items.push(this.value(depth + 1));
      if (this.closes("]")) return items;
      if (!this.take(",")) this.fail("a list does not end");
    }
  }

  private object(depth: number): Map<string, Json> {
    const entries = new Map<string, Json>();
    this.take("{");
    if (this.closes("}")) return entries;
    for (;;) {
      if (this.text[this.at] !== '"') this.fail("no key stands there");
      const key = this.string();
      if (entries.has(key)) this.fail(`an object has the key ${JSON.stringify(key)} twice`);
      this.skip();
      if (!this.take(":")) this.fail("no value follows a key");
      entries.set(key, this.value(depth + 1));
      if (this.closes("}")) return entries;
      if (!this.take(",")) this.fail("an object does not end");
    }
  }

  /** Whether a list or an object ends here; what follows it is not passed over, so that its end is known. */
  private closes(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }
}

/** What stands in the place of a part of a text. */
export interface JsonEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text with its edits, which do not overlap; those at one place stand in the order of the list. */
export function editedText(text: string, edits: readonly JsonEdit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    parts.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  return parts.join("") + text.slice(at);
}

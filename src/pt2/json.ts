/**
 * Parses JSON as Python writes it, with the position of every value, so that a value can be replaced without changing the
 * rest of the text. Unlike `JSON.parse`, it accepts NaN and Infinity, and rejects duplicate keys.
 */

type JsonValue = null | boolean | number | string | readonly Json[] | ReadonlyMap<string, Json>;

/** A value, and its range in the text. */
export interface Json {
  readonly value: JsonValue;
  readonly start: number;
  readonly end: number;
}

/** A syntax error; `at` is an offset in UTF-16 code units. */
export class JsonError extends Error {
  readonly at: number;

  constructor(reason: string, at: number) {
    super(reason);
    this.at = at;
  }
}

/** No real graph is nested more deeply. */
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
    if (this.at < this.text.length) this.fail("there is text after the value");
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
    return digits === undefined ? this.fail("a value is expected") : Number(digits);
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
          this.fail("a string has an invalid escape or character");
        }
      }
    }
    return this.fail("a string is not terminated");
  }

  private list(depth: number): Json[] {
    const items: Json[] = [];
    this.take("[");
    if (this.closes("]")) return items;
    for (;;) {
      items.push(this.value(depth + 1));
      if (this.closes("]")) return items;
      if (!this.take(",")) this.fail("`,` or `]` is expected");
    }
  }

  private object(depth: number): Map<string, Json> {
    const entries = new Map<string, Json>();
    this.take("{");
    if (this.closes("}")) return entries;
    for (;;) {
      if (this.text[this.at] !== '"') this.fail("a key is expected");
      const key = this.string();
      if (entries.has(key)) this.fail(`an object has the key ${JSON.stringify(key)} twice`);
      this.skip();
      if (!this.take(":")) this.fail("`:` is expected");
      entries.set(key, this.value(depth + 1));
      if (this.closes("}")) return entries;
      if (!this.take(",")) this.fail("`,` or `}` is expected");
    }
  }

  /** Consumes the end of a list or an object, but not the space behind it, which is not part of the value. */
  private closes(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }
}

/** Typed access to an archive's JSON; errors name the path of the value. */

import * as archiveErrors from "../diagnostics/areas/archives.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import type { Json } from "./json.ts";

export class Fields {
  readonly file: string;
  /** The path in messages: `graph_module.graph`. */
  readonly path: string;
  readonly json: Json;
  private readonly document: string;

  /** @param document the text that ranges refer to. */
  constructor(file: string, path: string, json: Json, document: string) {
    this.file = file;
    this.path = path;
    this.json = json;
    this.document = document;
  }

  /** Its text in the file. */
  get source(): string {
    return this.document.slice(this.json.start, this.json.end);
  }

  private at(path: string, json: Json): Fields {
    return new Fields(this.file, path, json, this.document);
  }

  refuse(reason: string): never {
    fail(archiveErrors.badValue(this.file, this.path, reason));
  }

  private get entries(): ReadonlyMap<string, Json> {
    const { value } = this.json;
    return value instanceof Map ? value : this.refuse("is not an object");
  }

  get keys(): string[] {
    return [...this.entries.keys()];
  }

  /** The value of a key; undefined if it is missing or null. */
  optional(key: string): Fields | undefined {
    const json = this.entries.get(key);
    if (json === undefined || json.value === null) return undefined;
    return this.at(this.path === "" ? key : `${this.path}.${key}`, json);
  }

  get(key: string): Fields {
    return this.optional(key) ?? this.refuse(`has no \`${key}\``);
  }

  get items(): Fields[] {
    const { value } = this.json;
    if (!Array.isArray(value)) this.refuse("is not a list");
    return value.map((json: Json, i) => this.at(`${this.path}[${i}]`, json));
  }

  /** A tagged union: an object whose only key, such as `as_tensor`, is the kind of its value. */
  get kind(): { readonly name: string; readonly of: Fields } {
    const [name, ...others] = this.keys;
    if (name === undefined || others.length > 0) this.refuse(`has ${this.keys.length} keys where one is expected`);
    return { name, of: this.at(`${this.path}.${name}`, this.entries.get(name) as Json) };
  }

  get text(): string {
    const { value } = this.json;
    return typeof value === "string" ? value : this.refuse("is not a string");
  }

  /** NaN and infinity may be strings. */
  get number(): number {
    const { value } = this.json;
    if (typeof value === "string" && /^(-?Infinity|NaN)$/.test(value)) return Number(value);
    return typeof value === "number" ? value : this.refuse("is not a number");
  }

  /** Clamped to safe integers: PyTorch writes 2^63 - 1 for the end of an axis. */
  get integer(): number {
    const { number } = this;
    if (!Number.isInteger(number)) this.refuse("is not an integer");
    return Math.min(Math.max(number, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  }

  get flag(): boolean {
    const { value } = this.json;
    return typeof value === "boolean" ? value : this.refuse("is neither true nor false");
  }
}

/** Values of an archive's JSON by their paths: what is missing or of another kind is said with the path. */

import * as archiveErrors from "../diagnostics/areas/archives.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import type { Json } from "./json.ts";

export class Fields {
  readonly file: string;
  /** As a message says it: `graph_module.graph`. */
  readonly path: string;
  readonly json: Json;

  constructor(file: string, path: string, json: Json) {
    this.file = file;
    this.path = path;
    this.json = json;
  }

  refuse(reason: string): never {
    fail(archiveErrors.badValue(this.file, this.path, reason));
  }

  private get entries(): ReadonlyMap<string, Json> {
    const { value } = this.json;
    return value instanceof Map ? value : this.refuse("is no object");
  }

  get keys(): string[] {
    return [...this.entries.keys()];
  }

  get isNull(): boolean {
    return this.json.value === null;
  }

  /** The value of a key; nothing where there is none, or it is null. */
  optional(key: string): Fields | undefined {
    const json = this.entries.get(key);
    if (json === undefined || json.value === null) return undefined;
    return new Fields(this.file, this.path === "" ? key : `${this.path}.${key}`, json);
  }

  get(key: string): Fields {
    return this.optional(key) ?? this.refuse(`has no \`${key}\``);
  }

  get items(): Fields[] {
    const { value } = this.json;
    if (!Array.isArray(value)) this.refuse("is no list");
    return value.map((json: Json, i) => new Fields(this.file, `${this.path}[${i}]`, json));
  }

  /** The one key of an object that says of which kind its value is, as `as_tensor`, and the value. */
  get kind(): { readonly name: string; readonly of: Fields } {
    const [name, ...others] = this.keys;
    if (name === undefined || others.length > 0) this.refuse("says not of which kind it is");
    const json = this.entries.get(name) as Json;
    return { name, of: new Fields(this.file, `${this.path}.${name}`, json) };
  }

  get text(): string {
    const { value } = this.json;
    return typeof value === "string" ? value : this.refuse("is no string");
  }

  /** What is no finite number may be written as a string. */
  get number(): number {
    const { value } = this.json;
    if (typeof value === "string" && /^(-?Infinity|NaN)$/.test(value)) return Number(value);
    return typeof value === "number" ? value : this.refuse("is no number");
  }

  /** One that is not exact stands for the end of an axis, wherever that is. */
  get integer(): number {
    const { number } = this;
    if (!Number.isInteger(number)) this.refuse("is no integer");
    return Math.min(Math.max(number, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  }

  get flag(): boolean {
    const { value } = this.json;
    return typeof value === "boolean" ? value : this.refuse("is neither true nor false");
  }
}

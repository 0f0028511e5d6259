/** Reads the parameters of requests. Errors name the path of the parameter that does not conform to the protocol. */

import type { Position, Range } from "./lines.ts";
import { errorCodes, RequestError } from "./messages.ts";

/** Part of the parameters, with its path for error messages. */
export class Params {
  private readonly value: unknown;
  private readonly path: string;

  constructor(value: unknown, path = "params") {
    this.value = value;
    this.path = path;
  }

  /** Whether the parameter is present and not `null`. */
  get isGiven(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  at(key: string): Params {
    const isObject = typeof this.value === "object" && this.value !== null && !Array.isArray(this.value);
    if (!isObject) throw this.refusal("an object");
    const object = this.value as Record<string, unknown>;
    return new Params(Object.hasOwn(object, key) ? object[key] : undefined, `${this.path}.${key}`);
  }

  /** Like repeated `at`, but every part of the path may be missing. */
  maybe(...keys: readonly string[]): Params {
    return keys.reduce<Params>((part, key) => (part.isGiven ? part.at(key) : part), this);
  }

  string(): string {
    if (typeof this.value !== "string") throw this.refusal("a string");
    return this.value;
  }

  integer(): number {
    if (!Number.isSafeInteger(this.value)) throw this.refusal("an integer");
    return this.value as number;
  }

  isTrue(): boolean {
    return this.value === true;
  }

  list(): Params[] {
    if (!Array.isArray(this.value)) throw this.refusal("a list");
    return this.value.map((item: unknown, i) => new Params(item, `${this.path}[${i}]`));
  }

  position(): Position {
    const [line, character] = [this.at("line").count(), this.at("character").count()];
    return { line, character };
  }

  range(): Range {
    return { start: this.at("start").position(), end: this.at("end").position() };
  }

  private count(): number {
    const number = this.integer();
    if (number < 0) throw this.refusal("zero or more");
    return number;
  }

  private refusal(wanted: string): RequestError {
    return new RequestError(errorCodes.invalidParams, `${this.path} must be ${wanted}`);
  }
}

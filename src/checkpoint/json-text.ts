/** A text of JSON with one member of its outer object changed, and all else as somebody wrote it. */

import { type Json, parseJson } from "../pt2/json.ts";

/** @param text of an object, with no key twice. Its member `key` gets the value, at its place or behind the last. */
export function withMember(text: string, key: string, value: unknown): string {
  const indent = /^\{\s*\n([ \t]+)"/.exec(text)?.[1];
  const written = indented(JSON.stringify(value, null, indent), indent);
  const found = memberRange(text, key);
  if (found.value !== undefined) return text.slice(0, found.value.start) + written + text.slice(found.value.end);
  const before = text.slice(0, found.end).trimEnd();
  const separator = before.endsWith("{") ? "" : ",";
  const line = indent === undefined ? "" : `\n${indent}`;
  const colon = indent === undefined ? ":" : ": ";
  const close = indent === undefined ? "" : "\n";
  return `${before}${separator}${line}${JSON.stringify(key)}${colon}${written}${close}${text.slice(found.end)}`;
}

const indented = (text: string, indent: string | undefined) => text.replaceAll("\n", `\n${indent ?? ""}`);

/** Where the value of the outer object's member stands, and the brace that closes the object. */
function memberRange(text: string, key: string): { readonly end: number; readonly value: Json | undefined } {
  const whole = parseJson(text);
  if (!(whole.value instanceof Map)) throw new Error("the text is no object");
  return { end: whole.end - 1, value: whole.value.get(key) };
}

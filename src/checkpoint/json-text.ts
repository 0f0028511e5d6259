/** Edits JSON text without reformatting it. */

import { type Json, parseJson } from "../pt2/json.ts";

/** Sets the member `key` of the object in `text`; a new member is appended. */
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

/** The value of a member of the outer object, and the position of the object's closing brace. */
function memberRange(text: string, key: string): { readonly end: number; readonly value: Json | undefined } {
  const whole = parseJson(text);
  if (!(whole.value instanceof Map)) throw new Error("the text is not a JSON object");
  return { end: whole.end - 1, value: whole.value.get(key) };
}

/** Values of an archive's JSON, as Python writes them. */

/** A text that is JSON. */
export type JsonText = string;

/** `json.dumps` of Python: a blank behind each comma and colon, and nothing but ASCII. */
export function jsonText(value: unknown): JsonText {
  if (Array.isArray(value)) return listText(value.map(jsonText));
  if (typeof value === "object" && value !== null)
    return objectText(Object.entries(value).map(([key, one]) => [key, jsonText(one)]));
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export const listText = (items: readonly JsonText[]): JsonText => `[${items.join(", ")}]`;

export const objectText = (entries: readonly (readonly [string, JsonText])[]): JsonText =>
  `{${entries.map(([key, text]) => `${jsonText(key)}: ${text}`).join(", ")}}`;

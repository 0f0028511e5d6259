/** JSON in the style of Python. */

/** Text that is valid JSON. */
export type JsonText = string;

/** Python's `json.dumps`: a space after each comma and colon, and ASCII only. */
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

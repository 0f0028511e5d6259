/** A text of JSON with one member of its outer object changed, and all else as somebody wrote it. */

/** @param text of an object. Its member `key` gets the value, at its place or behind the last. */
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
function memberRange(text: string, key: string) {
  // A string, or one of the signs that open, close and separate.
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;
  let depth = 0;
  let name: string | undefined;
  let open: number | undefined;
  let value: { start: number; end: number } | undefined;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    const isOuter = depth === 1;
    if (isOuter && open !== undefined && (token === "," || token === "}")) {
      value = { start: open, end: index };
      open = undefined;
    }
    if (isOuter && token.startsWith('"')) name = JSON.parse(token) as string;
    if (isOuter && token === ":" && name === key) open = index + 1;
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
    if (depth === 0) return { end: index, value: value && trimmed(text, value) };
  }
  throw new Error("the text is no object");
}

function trimmed(text: string, { start, end }: { start: number; end: number }) {
  const part = text.slice(start, end);
  return { start: start + part.length - part.trimStart().length, end: start + part.trimEnd().length };
}

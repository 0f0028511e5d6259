/** Finds a duplicate key in an object, which `JSON.parse` accepts silently, keeping the last value. */

/** The first key that is a duplicate within its object, and its offset in the text, which must be valid JSON. */
export function duplicateKey(text: string): { readonly key: string; readonly at: number } | undefined {
  /** The keys of each enclosing object; undefined for a list. */
  const around: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{") around.push(new Set());
    else if (char === "[") around.push(undefined);
    else if (char === "}" || char === "]") around.pop();
    else if (char === '"') {
      const start = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
      if (!isColonNext(text, at + 1)) continue;
      const key = JSON.parse(text.slice(start, at + 1)) as string;
      const keys = around.at(-1);
      if (keys?.has(key)) return { key, at: start };
      keys?.add(key);
    }
  }
  return undefined;
}

function isColonNext(text: string, from: number): boolean {
  let at = from;
  while (/\s/.test(text[at] ?? "")) at++;
  return text[at] === ":";
}

/** Wrong programs for fuzzing, the same for the same seed. */

export { randomNumbers } from "../../src/ir/random.ts";

/** Fragments of the language and of languages that are often confused with it. */
const parts = [
  ..."(){}[],:=<>+-*/%!&|;.#@^~?'\"\\\n\t ",
  ...["fn", "let", "return", "kernel", "const", "inf", "nan", "true", "->", "==", "<=", "&&", "||", "//", "/*", "*/"],
  ...[
    "x",
    "f32",
    "gelu",
    "layernorm(",
    "axes = [-1]",
    "1",
    "1.",
    "1e-5",
    "1e999",
    "\r\n",
    "\uFEFF",
    "\u0000",
    "é",
    "😀",
  ],
  ...["let y = ", "fn f(x: f32[n]) -> f32[n] {", "return x }", "\uD800", "constructor", "__proto__", "-".repeat(300)],
];

/** Up to 60 random bytes, read as UTF-8 or each as a character. */
export function randomBytes(random: () => number): string {
  const bytes = Uint8Array.from({ length: Math.floor(random() * 60) }, () => random() * 256);
  return random() < 0.5 ? new TextDecoder().decode(bytes) : String.fromCharCode(...bytes);
}

/** `text` after a few edits: something inserted, removed, doubled, moved or replaced. */
export function mutated(text: string, random: () => number): string {
  let result = text;
  for (let edits = 1 + Math.floor(random() * 4); edits > 0; edits--) {
    const at = Math.floor(random() * (result.length + 1));
    const end = Math.min(result.length, at + Math.floor(random() * random() * 40));
    const part = parts[Math.floor(random() * parts.length)] as string;
    const inserted = [part, "", result.slice(at, end).repeat(2), part.repeat(3), randomBytes(random).slice(0, 4)];
    const kept = random() < 0.5 ? at : end;
    result = result.slice(0, at) + inserted[Math.floor(random() * inserted.length)] + result.slice(kept);
  }
  return result;
}

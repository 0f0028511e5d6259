export function textmateGrammar(
  opNames: readonly string[],
  elementTypes: readonly string[],
  words: Readonly<Record<"keywords" | "literalWords" | "modifiers", readonly string[]>>,
): string;

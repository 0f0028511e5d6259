export function textmateGrammar(opNames: readonly string[], elementTypes: readonly string[]): string;

export function buildGrammar(): void;
export function wordsModule(): string;

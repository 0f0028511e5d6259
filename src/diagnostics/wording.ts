/** Phrases that messages share. */

import { type Help, isComplete, replaced, replacing, type Span } from "./diagnostic.ts";
import { didYouMean } from "./suggest.ts";

/** How an inline code span is written in messages. */
export const code = (text: string) => `\`${text}\``;

/** Names as code, separated by commas. */
export const codes = (names: readonly string[]) => names.map(code).join(", ");

/** A count that does not fit 32 bits, and the extents whose product it is. */
export interface TooMany {
  readonly what: string;
  readonly extents: readonly number[];
  readonly count: number;
}

/** `4294967296 rows (65536 x 65536)`. */
export function counted({ what, extents, count }: TooMany): string {
  const factors = extents.filter((extent) => extent !== 1);
  return factors.length > 1 ? `${count} ${what} (${factors.join(" x ")})` : `${count} ${what}`;
}

/** Suggests a known name that is close, or lists all known names. @param owner what has them, if only that has. */
export function suggest(name: string, known: readonly string[], owner?: string, span?: Span): Help[] {
  const close = didYouMean(name, known, span);
  const all = owner === undefined ? `there ${known.length === 1 ? "is" : "are"}` : `${owner} has`;
  return close.length > 0 ? close : [`${all} ${listing(known.map(code))}`];
}

/** `rows = 4` for each dimension. */
export const extentsText = (dims: Readonly<Record<string, number>>): string[] =>
  Object.entries(dims).map(([name, extent]) => `${name} = ${extent}`);

/** The name of a token in messages: the token as written, or the end of something. */
export interface Found {
  readonly span: Span;
  /** "`)`", "the end of the file". */
  readonly what: string;
}

/** "a", "a and b", "a, b and c". */
export function listing(items: readonly string[], word = "and"): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} ${word} ${items.at(-1)}`;
}

/** The text of a span for a message; `long` replaces texts of more than a part of a line. */
export function quoted(span: Span | undefined, long = "..."): string {
  const text = span?.source.text.slice(span.start, span.end) ?? "";
  return text === "" || text.length > 40 || text.includes("\n") ? long : text;
}

/** What was probably meant: a text, and the span that it replaces. */
export interface Instead {
  readonly text: string;
  readonly span: Span;
}

/** A line of help with the edit that it proposes, if the text is complete. */
export const insteadOf = (line: string, { text, span }: Instead): Help => replacing(line, text, span);

/** ``write `a` or `b` ``, and a change for each. */
export function oneOf(all: readonly Instead[]): Help {
  const choices = all.filter(({ text }) => isComplete(text));
  const fixes = choices.map(({ text, span }) => ({ title: `write ${code(text)}`, edits: [replaced(span, text)] }));
  const texts = all.map(({ text }) => code(text));
  return { line: `write ${listing(texts, "or")}`, fixes };
}

/** Single lines of text for a terminal, and a diagnostic as one. */

import { placeOf } from "./place.ts";
import type { Span } from "./source.ts";

/** The length at which messages are cut; only messages that quote something very long exceed it. */
const longestMessage = 500;

/** The part of a diagnostic that fits one line. */
export interface Headline {
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly span?: Span | undefined;
}

/** `file:line:col: error[E0203]: message`, without the place if the diagnostic has none. */
export function headline({ severity, code, message, span }: Headline): string {
  return `${placePrefix(span)}${severity}[${code}]: ${oneLine(message)}`;
}

/** `file:line:col: `, or nothing. */
export function placePrefix(span: Span | undefined): string {
  if (span === undefined) return "";
  const { file, line, col } = placeOf(span);
  return `${oneLine(file)}:${line}:${col}: `;
}

/** Text for a terminal: on one line, of limited length, and without control characters, which could move the cursor. */
export function oneLine(text: string): string {
  const cut = text.length > longestMessage ? `${text.slice(0, longestMessage - 3)}...` : text;
  return visibleLine(cut.replaceAll("\n", " "));
}

const controlPictures = 0x2400;

/** A line for a terminal, without a limit on its length. */
export function visibleLine(text: string): string {
  return [...text].map(visible).join("");
}

/** A visible character: control characters become their pictures, line separators and bidirectional controls U+FFFD. */
export function visible(char: string): string {
  const code = char.codePointAt(0) as number;
  if (code < 0x20) return String.fromCharCode(controlPictures + code);
  if (code === 0x7f) return "\u2421";
  const isHidden = (code >= 0x80 && code < 0xa0) || /[\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/u.test(char);
  return isHidden ? "\uFFFD" : char;
}

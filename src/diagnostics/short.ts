/** A diagnostic in one line, as `grep` and editors read it (`--diagnostics short`). */

import type { Diagnostic } from "./diagnostic.ts";
import { placeOf } from "./place.ts";

/** Longer messages quote something that nobody reads to its end. */
const longestMessage = 500;

/** `file:line:col: error[E0203]: message`; without the place where there is none. */
export function renderShort({ severity, code, message, span }: Diagnostic): string {
  return `${placePrefix(span)}${severity}[${code}]: ${oneLine(message)}`;
}

/** `file:line:col: `, or nothing. */
export function placePrefix(span: Diagnostic["span"]): string {
  if (span === undefined) return "";
  const { file, line, col } = placeOf(span);
  return `${oneLine(file)}:${line}:${col}: `;
}

/** Text for a terminal: on one line, of bearable length, and without control characters, which could move the cursor. */
export function oneLine(text: string): string {
  const cut = text.length > longestMessage ? `${text.slice(0, longestMessage - 3)}...` : text;
  return visibleLine(cut.replaceAll("\n", " "));
}

const controlPictures = 0x2400;

/** The whole of a line for a terminal. */
export function visibleLine(text: string): string {
  return [...text].map(visible).join("");
}

/** A character that shows: control characters as their pictures, and what breaks lines or turns text around as U+FFFD. */
export function visible(char: string): string {
  const code = char.codePointAt(0) as number;
  if (code < 0x20) return String.fromCharCode(controlPictures + code);
  if (code === 0x7f) return "\u2421";
  const isHidden = (code >= 0x80 && code < 0xa0) || /[\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/u.test(char);
  return isHidden ? "\uFFFD" : char;
}

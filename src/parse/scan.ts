/**
 * Splits text into tokens, in one pass.
 *
 * - wrong: a token that has been reported. Its `text` is then what was probably meant, so that the rest of the file can
 *   still be read; errors that follow from it are not reported again.
 */

import type { Everywhere } from "../diagnostics/areas/lexical.ts";
import * as lexicalErrors from "../diagnostics/areas/lexical.ts";
import type { Diagnostic, Source, Span } from "../diagnostics/diagnostic.ts";

type TokenKind = "name" | "number" | "string" | "symbol" | "bad";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** UTF-16 offsets into the source. */
  readonly start: number;
  readonly end: number;
  /** Whether there is a line break between this token and the previous one. */
  readonly startsLine: boolean;
  readonly wrong: boolean;
}

export interface Comment {
  /** Includes the comment markers; a `//` comment has no trailing blanks. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

interface Scan {
  readonly tokens: readonly Token[];
  readonly comments: readonly Comment[];
  readonly diagnostics: Diagnostic[];
  /** Whether a comment is still open at the end of the file: what seems missing may be inside it. */
  readonly endsInComment: boolean;
}

const nameStart = /[A-Za-z_]/;
const word = /[A-Za-z_][A-Za-z0-9_]*/y;
/** Everything that looks like part of a number; `numberForm` decides whether it is one. */
const numberLike = /\.?[0-9](?:[eE][+-]|\.(?![A-Za-z_])|\.(?=[eE][+-]?[0-9])|[0-9A-Za-z_])*/y;
const numberForm = /^[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const symbols = ["->", "==", "!=", "<=", ">=", "&&", "||", ..."(){}[],:=<>+-*/%!"];
const symbolStart = new Set(symbols.map((symbol) => symbol[0]));
const blank = /[ \t\r\n]/;

/** Mathematical and typographic symbols, and their equivalents in the language. */
const lookAlikes: ReadonlyMap<string, string> = new Map([
  ["−", "-"],
  ["–", "-"],
  ["×", "*"],
  ["·", "*"],
  ["÷", "/"],
  ["≤", "<="],
  ["≥", ">="],
  ["≠", "!="],
  ["→", "->"],
  ["，", ","],
  ["（", "("],
  ["）", ")"],
]);

export function scan(source: Source): Scan {
  return new Scanner(source).run();
}

class Scanner {
  private readonly source: Source;
  private readonly text: string;
  private readonly tokens: Token[] = [];
  private readonly comments: Comment[] = [];
  private readonly diagnostics: Diagnostic[] = [];
  /** Mistakes reported once with all their places: a `;` after each line is one habit. */
  private readonly reported = new Map<string, [Span, ...Span[]]>();
  private at = 0;
  private knownLineEnd = -1;
  private startsLine = true;
  private endsInComment = false;

  constructor(source: Source) {
    this.source = source;
    this.text = source.text;
  }

  run(): Scan {
    // Some editors begin a file with a byte order mark, which has no meaning.
    if (this.text.startsWith("\uFEFF")) this.at = 1;
    while (this.at < this.text.length) this.step();
    const { tokens, comments, diagnostics, endsInComment } = this;
    return { tokens, comments, diagnostics, endsInComment };
  }

  private step(): void {
    const char = this.text[this.at] as string;
    if (blank.test(char)) {
      if (char === "\n") this.startsLine = true;
      this.at++;
    } else if (nameStart.test(char)) {
      this.word();
    } else if (this.match(numberLike) !== undefined) {
      this.number();
    } else if (char === '"') {
      this.string();
    } else if (this.beginsComment(this.at)) {
      if (this.text[this.at + 1] === "/") this.lineComment();
      else this.blockComment();
    } else if (this.match(/@(?:centered|trained)(?![A-Za-z0-9_])/y) !== undefined) {
      this.push("symbol", this.text[this.at + 1] === "c" ? "@centered".length : "@trained".length);
    } else if (!this.foreignSymbol(char)) {
      this.symbol(char);
    }
  }

  private beginsComment(offset: number): boolean {
    return this.text.startsWith("//", offset) || this.text.startsWith("/*", offset);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text)?.[0];
  }

  private span(length: number): Span {
    return { source: this.source, start: this.at, end: this.at + length };
  }

  private push(kind: TokenKind, length: number, replaced?: string): void {
    const start = this.at;
    const end = start + length;
    const text = replaced ?? this.text.slice(start, end);
    this.tokens.push({ kind, text, start, end, startsLine: this.startsLine, wrong: replaced !== undefined });
    this.startsLine = false;
    this.at = end;
  }

  private report(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic);
  }

  private reportOnce(key: string, span: Span, make: (all: Everywhere) => Diagnostic): void {
    const known = this.reported.get(key);
    if (known !== undefined) {
      known.push(span);
      return;
    }
    const all: [Span, ...Span[]] = [span];
    this.reported.set(key, all);
    this.report(make(all));
  }

  /** The offset of the next line break. */
  private lineEnd(): number {
    // Cached until passed, so that a line of a million strings is searched once.
    if (this.knownLineEnd < this.at) {
      const line = this.text.indexOf("\n", this.at);
      this.knownLineEnd = line < 0 ? this.text.length : line;
    }
    return this.knownLineEnd;
  }

  /** Reads a comment up to the line break, which is left. */
  private lineComment(): void {
    const end = this.lineEnd();
    this.comments.push({ text: this.text.slice(this.at, end).trimEnd(), start: this.at, end });
    this.at = end;
  }

  private blockComment(): void {
    const end = this.text.indexOf("*/", this.at + 2);
    if (end >= 0) {
      const text = this.text.slice(this.at, end + 2);
      if (text.includes("\n")) this.startsLine = true;
      this.comments.push({ text, start: this.at, end: end + 2 });
      this.at = end + 2;
      return;
    }
    this.report(lexicalErrors.unterminatedComment(this.span(2)));
    this.endsInComment = true;
    this.at = this.text.length;
  }

  private word(): void {
    const text = this.match(word) as string;
    const letters = this.foreignLetters(text.length);
    if (letters > 0) this.foreignWord(text.length + letters);
    else this.push("name", text.length);
  }

  private number(): void {
    const text = this.match(numberLike) as string;
    const letters = this.foreignLetters(text.length);
    if (letters === 0 && numberForm.test(text)) {
      this.push("number", text.length);
      return;
    }
    const { reason, meant, instead } = explainNumber(text);
    this.report(lexicalErrors.badNumber(this.span(text.length), text, reason, instead));
    this.push("number", text.length, meant);
  }

  private string(): void {
    const lineEnd = this.lineEnd();
    const close = this.text.indexOf('"', this.at + 1);
    if (close >= 0 && close < lineEnd) {
      this.push("string", close + 1 - this.at);
      return;
    }
    const length = this.text.slice(this.at, lineEnd).trimEnd().length;
    this.report(lexicalErrors.unterminatedString(this.span(length)));
    this.push("string", length, '""');
  }

  private symbol(char: string): void {
    if (!symbolStart.has(char)) {
      this.stray();
      return;
    }
    const symbol = symbols.find((candidate) => this.text.startsWith(candidate, this.at));
    if (symbol === undefined) this.foreignOperator(char, char + char);
    else this.push("symbol", symbol.length);
  }

  /** Reports a symbol of other languages that this one does not have. Returns whether it was one. */
  private foreignSymbol(char: string): boolean {
    const two = this.text.slice(this.at, this.at + 2);
    if (char === ";") {
      this.reportOnce(";", this.span(1), lexicalErrors.separator);
      this.at++;
    } else if (char === "#") {
      this.reportOnce("#", this.span(1), lexicalErrors.hashComment);
      this.lineComment();
    } else if (char === "'" || char === "`") {
      this.singleQuoted(char);
    } else if (two === "*/" && !this.beginsComment(this.at + 1)) {
      this.report(lexicalErrors.strayCommentEnd(this.span(2)));
      this.push("bad", 2, two);
    } else if (two === "=>") {
      this.foreignOperator(two, "->");
    } else if (two === "**" || two === "<<" || two === ">>" || two === "++") {
      this.foreignOperator(two, undefined);
    } else if ((char === "&" || char === "|") && two !== char + char) {
      this.foreignOperator(char, char + char);
    } else if (char === ".") {
      this.report(lexicalErrors.method(this.span(1)));
      this.push("bad", 1, ".");
    } else if ("^~@?$\\".includes(char)) {
      this.foreignOperator(char, undefined);
    } else {
      return false;
    }
    return true;
  }

  /** Reports an operator that is not in the language and puts `meant` in its place if that is clear. */
  private foreignOperator(text: string, meant: string | undefined): void {
    this.report(lexicalErrors.foreignOperator(this.span(text.length), text));
    this.push(meant === undefined ? "bad" : "symbol", text.length, meant ?? text);
  }

  private singleQuoted(quote: string): void {
    const close = this.text.indexOf(quote, this.at + 1);
    const onLine = close >= 0 && close < this.lineEnd();
    const length = onLine ? close + 1 - this.at : 1;
    this.report(lexicalErrors.quotes(this.span(length), quote));
    if (onLine) this.push("string", length, `"${this.text.slice(this.at + 1, close).replaceAll('"', "")}"`);
    else this.push("bad", length, quote);
  }

  /** Reports a run of characters that begin nothing, as one mistake. */
  private stray(): void {
    const char = String.fromCodePoint(this.text.codePointAt(this.at) as number);
    const meant = lookAlikes.get(char);
    if (meant !== undefined) {
      this.report(lexicalErrors.lookAlike(this.span(char.length), char, meant));
      this.push("symbol", char.length, meant);
      return;
    }
    if (/[\s\u200B-\u200F\u2060\uFEFF]/.test(char)) {
      this.reportOnce("blank", this.span(char.length), (all) => lexicalErrors.strayBlank(all, char));
      this.at += char.length;
      return;
    }
    const letters = this.foreignLetters(0);
    if (letters > 0) {
      this.foreignWord(letters);
      return;
    }
    const length = Math.max(char.length, this.match(/[^\s\x20-\x7E]+/y)?.length ?? 0);
    this.report(lexicalErrors.strayCharacter(this.span(length), char));
    this.push("bad", length, char);
  }

  /** The number of UTF-16 units, starting `offset` units from here, in a name with letters beyond ASCII. */
  private foreignLetters(offset: number): number {
    const pattern = /[\p{L}\p{M}][\p{L}\p{M}\p{N}_]*/uy;
    pattern.lastIndex = this.at + offset;
    return pattern.exec(this.text)?.[0].length ?? 0;
  }

  private foreignWord(length: number): void {
    const text = this.text.slice(this.at, this.at + length);
    this.reportOnce(`word ${text}`, this.span(length), ([span]) => lexicalErrors.foreignLetters(span, text));
    this.push("bad", length, text);
  }
}

const right = (reason: string, meant: string) => ({ reason, meant, instead: meant });

/** Why something that begins like a number is not one, the number that was probably meant, and what to write. */
function explainNumber(text: string): { reason: string; meant: string; instead?: string } {
  const whole = /^[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/.exec(text)?.[0] ?? "0";
  const plain = text.replaceAll("_", "");
  if (/^0[xXbBoO]/.test(text)) {
    const value = Number(plain);
    const reason = "numbers are written in base ten";
    return Number.isFinite(value) ? right(reason, String(value)) : { reason, meant: "0" };
  }
  if (plain !== text && numberForm.test(plain)) return right(`write it without \`_\`: \`${plain}\``, plain);
  if (text.startsWith(".") && numberForm.test(`0${text}`)) {
    return right(`a digit goes before the point: \`0${text}\``, `0${text}`);
  }
  const pointed = text.replace(/\.(?=$|[eE])/, ".0");
  if (pointed !== text && numberForm.test(pointed)) {
    return right(`a digit goes after the point: \`${pointed}\``, pointed);
  }
  if (/^[0-9.]+[eE][+-]?$/.test(text)) return right(`the exponent has no digits: \`${whole}e0\``, `${whole}e0`);
  if (/^[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?(?:[fh]|[fiu](?:8|16|32|64))$/.test(text)) {
    return right(`a number takes the element type of the tensor it meets: \`${whole}\``, whole);
  }
  const rest = text.slice(whole.length);
  if (nameStart.test(rest)) {
    const instead = `${whole} * ${rest}`;
    return { reason: `a name begins with a letter; a product is written \`${instead}\``, meant: whole, instead };
  }
  return { reason: "it has more than one point", meant: whole };
}

/**
 * The canonical layout of a program (`tirc fmt`): two spaces of indent, one space around operators, lines of up to 100
 * columns, one blank line between functions. Comments stay in place, and so do parentheses, except pairs around a whole
 * operand.
 */

import { fail, type Source } from "../diagnostics/diagnostic.ts";
import { limited } from "../diagnostics/limit.ts";
import { isClosing, isOpening } from "./brackets.ts";
import { type Atom, flat, layout, widestLine } from "./layout.ts";
import { checkText } from "./parse.ts";
import { parseSyntax } from "./parse-syntax.ts";
import { type Comment, scan, type Token } from "./scan.ts";
import { endsOperand, type Piece, split } from "./split.ts";

/** Options of `format`. */
export interface FormatOptions {
  /** The file name used in messages. */
  readonly file?: string;
}

/**
 * Formats a text. The result parses to the same tree, and formatting it again changes nothing. Names and types are not
 * checked.
 * @throws TircError with every syntax error (E01xx).
 */
export function format(text: string, options: FormatOptions = {}): string {
  checkText("format", text, options);
  const { file = "<input>" } = options;
  const source: Source = { name: file, text: text.replaceAll("\r\n", "\n") };
  const { diagnostics } = parseSyntax(source);
  if (diagnostics.length > 0) fail(...limited(parseSyntax({ name: file, text }).diagnostics));
  const { tokens, comments } = scan(source);
  const formatter = new Formatter(source.text, comments);
  for (const piece of split(source, tokens, [])) formatter.piece(piece);
  return formatter.end();
}

const hangingIndent = 4;

class Formatter {
  private readonly text: string;
  private readonly comments: readonly Comment[];
  private nextComment = 0;
  private readonly lines: string[] = [];
  /** The number of open braces. */
  private depth = 0;
  /** The offset in the text at which the last token or comment written ends. */
  private last = 0;
  private justOpened = true;
  private justClosedFn = false;

  constructor(text: string, comments: readonly Comment[]) {
    this.text = text;
    this.comments = comments;
  }

  end(): string {
    this.commentsBefore(this.text.length);
    return `${this.lines.join("\n")}\n`;
  }

  piece(piece: Piece): void {
    const { kind, tokens } = piece;
    const first = tokens[0] as Token;
    const end = (tokens.at(-1) as Token).end;
    this.commentsBefore(first.start);
    if (kind === "close") this.depth--;
    if (kind !== "close") this.blankLine(first.start);
    const inner = this.take(end);
    const atoms = atomsOf(withoutExtraParentheses(tokens, inner), inner);
    const indent = 2 * this.depth;
    this.lines.push(...(kind === "header" ? headerLines(atoms) : layout(atoms, indent, indent + hangingIndent)));
    this.last = end;
    this.justOpened = kind === "header" || kind === "kernel";
    this.justClosedFn = kind === "close" && this.depth === 0;
    if (this.justOpened) this.depth++;
  }

  /** Writes the comments that end before `offset`, either at the end of the previous line or on lines of their own. */
  private commentsBefore(offset: number): void {
    for (const comment of this.take(offset)) {
      const text = comment.text;
      const isBehind = this.lines.length > 0 && !this.text.slice(this.last, comment.start).includes("\n");
      if (isBehind) this.lines.push(`${this.lines.pop()} ${text}`);
      else {
        this.blankLine(comment.start);
        this.lines.push(" ".repeat(2 * this.depth) + text);
        this.justOpened = false;
      }
      this.last = comment.end;
    }
  }

  /** Removes and returns the pending comments that begin before `offset`. */
  private take(offset: number): Comment[] {
    const from = this.nextComment;
    while ((this.comments[this.nextComment]?.start ?? Infinity) < offset) this.nextComment++;
    return this.comments.slice(from, this.nextComment);
  }

  /** Writes one blank line where the author left any, and after each function, but none at the edges of a body. */
  private blankLine(start: number): void {
    const gap = this.text.slice(this.last, start);
    const isWanted = this.justClosedFn || gap.split("\n").length > 2;
    if (isWanted && !this.justOpened) this.lines.push("");
    this.justClosedFn = false;
  }
}

/** The header on one line, or with parameters aligned after `(` and the results after them or on their own line. */
function headerLines(atoms: readonly Atom[]): string[] {
  const whole = flat(atoms);
  const hasLineComment = atoms.some((atom) => atom.endsLine);
  if (whole.length <= widestLine && !hasLineComment) return [whole];
  const arrow = atoms.findIndex((atom) => atom.text === "->");
  const params = atoms.slice(0, arrow);
  const results = atoms.slice(arrow);
  const lines = filled(params, alignment(params, 0));
  const last = lines.at(-1) as string;
  const behind = `${last} ${flat(results)}`;
  const fits = behind.length <= widestLine && !hasLineComment;
  if (fits) return [...lines.slice(0, -1), behind];
  return [...lines, ...layout(results, hangingIndent, alignment(results, hangingIndent))];
}

/** The author's line breaks if every line fits, else as few lines as possible. */
function filled(atoms: readonly Atom[], hang: number): string[] {
  const kept = layout(atoms, 0, hang);
  const wanted = 1 + atoms.filter((atom) => atom.beginsLine || atom.endsLine).length;
  if (kept.length <= wanted) return kept;
  return layout(
    atoms.map((atom) => ({ ...atom, beginsLine: false })),
    0,
    hang,
  );
}

/** The column after the first `(`, or a plain indent if that is too far to the right. */
function alignment(atoms: readonly Atom[], indent: number): number {
  const open = atoms.findIndex((atom) => atom.text === "(");
  const column = indent + flat(atoms.slice(0, open + 1)).length;
  return open < 0 || column > widestLine / 2 ? 2 * hangingIndent : column;
}

/** Tokens and comments in order, with the spaces between them and the places where a line may be broken. */
function atomsOf(tokens: readonly Token[], comments: readonly Comment[]): Atom[] {
  const atoms: Atom[] = [];
  let depth = 0;
  let next = 0;
  let before: Token | undefined;
  let afterPrefix = false;
  // How parameters are grouped in lines is informative, so the author's line breaks are kept.
  const keepsBreaks = tokens[0]?.text === "fn";
  for (const token of tokens) {
    for (; (comments[next]?.start ?? Infinity) < token.start; next++) {
      const { text } = comments[next] as Comment;
      atoms.push({ text, spaced: true, breakDepth: undefined, beginsLine: false, endsLine: text.startsWith("//") });
    }
    if (isClosing(token)) depth--;
    const isInfix = before !== undefined && endsOperand(before) && infix.has(token.text);
    const followsComment = atoms.at(-1)?.text.startsWith("/") === true && comments.length > 0;
    const spaced = followsComment || (before !== undefined && !afterPrefix && spaceBetween(before, token));
    const breaks = isInfix || token.text === "->" || before?.text === ",";
    const beginsLine = keepsBreaks && depth === 1 && before?.text === "," && token.startsLine;
    const breakDepth = breaks ? depth : undefined;
    atoms.push({ text: token.text, spaced, breakDepth, beginsLine, endsLine: false });
    afterPrefix = !isInfix && (token.text === "-" || token.text === "!");
    if (isOpening(token)) depth++;
    before = token;
  }
  return atoms;
}

const infix = new Set(["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"]);
const words = new Set(["let", "return"]);

function spaceBetween(before: Token, token: Token): boolean {
  if (["(", "[", "@centered"].includes(before.text)) return false;
  if ([")", "]", ",", ":"].includes(token.text)) return false;
  const isCall = before.kind === "name" && !words.has(before.text);
  return !(isCall && (token.text === "(" || token.text === "["));
}

/** The tokens that may come directly before or after a whole operand. */
const beginsWhole = new Set(["(", "[", ",", "=", "return"]);
const endsWhole = new Set([")", "]", ","]);

/**
 * Removes parentheses around a whole value, attribute or operand: `return (x)`, `gelu((x))`. Others stay, as precedence
 * or the author may need them, and all stay in a statement with comments inside.
 */
function withoutExtraParentheses(tokens: readonly Token[], comments: readonly Comment[]): readonly Token[] {
  const keyword = tokens[0]?.text ?? "";
  if (comments.length > 0 || !words.has(keyword)) return tokens;
  const closeOf = matchParentheses(tokens);
  const extra = new Set<number>();
  // The parentheses in `let (a) = x` are a pattern: the value begins after `=`.
  const start = keyword === "let" ? tokens.findIndex((token) => token.text === "=") : 0;
  for (const [open, close] of [...closeOf].sort(([a], [b]) => a - b)) {
    if (open < start || close === open + 1) continue;
    let before = open - 1;
    while (extra.has(before)) before--;
    let after = close + 1;
    while (extra.has(after)) after++;
    const follows = tokens[after]?.text;
    const isWhole = beginsWhole.has(tokens[before]?.text ?? "") && (follows === undefined || endsWhole.has(follows));
    if (isWhole) extra.add(open).add(close);
  }
  return extra.size === 0 ? tokens : tokens.filter((_, i) => !extra.has(i));
}

/** The index of the matching `)` for the index of each `(`. */
function matchParentheses(tokens: readonly Token[]): Map<number, number> {
  const closeOf = new Map<number, number>();
  const open: number[] = [];
  for (const [i, { text }] of tokens.entries()) {
    if (text === "(") open.push(i);
    else if (text === ")") closeOf.set(open.pop() as number, i);
  }
  return closeOf;
}

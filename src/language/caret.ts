/** What the text before a caret expects next. Works on tokens, since an unfinished statement has no syntax tree. */

import { keywords, reservedWords } from "../ir/print.ts";
import { elementTypes } from "../ir/types.ts";
import type { Token } from "../parse/scan.ts";
import type { Program } from "./program.ts";
import { firstFrom } from "./resolve.ts";
import type { TextRange } from "./text-range.ts";

/** A call whose `)` comes after the caret. */
export interface OpenCall {
  readonly callee: string;
  /** Names of the arguments already passed by name. */
  readonly given: ReadonlySet<string>;
}

interface Common {
  /** The partly typed word at the caret; empty if there is none. */
  readonly range: TextRange;
  /** Offset of the start of the statement. */
  readonly statement: number;
}

export type Caret = Common &
  (
    | { readonly place: "nothing" | "item" | "statement" | "type" | "contract" | "dimension" | "expression" }
    | { readonly place: "argument"; readonly call: OpenCall }
    | { readonly place: "attributeValue"; readonly call: OpenCall; readonly attribute: string }
  );

/** A bracket that is open at the caret. */
interface OpenBracket {
  /** Index of its token. */
  readonly at: number;
  readonly text: string;
  /** The name just before the bracket, if any. */
  readonly callee: string | undefined;
}

/** Keywords that start a statement or an item. */
const beginners = new Set<string>(keywords);
const openers = new Set(["(", "["]);
const isWord = (token: Token | undefined, text: string) => token?.text === text && token.kind !== "string";

export function caretAt(program: Program, offset: number): Caret {
  const { tokens, comments, text } = program;
  const from = firstFrom(tokens, offset);
  const last = tokens[from - 1];
  const isInside = last !== undefined && last.end > offset;
  const isTyped = last?.kind === "name" && last.end >= offset;
  const isNumber = last?.kind === "number" && last.end >= offset;
  const range = isTyped ? { start: last.start, end: Math.max(offset, last.end) } : { start: offset, end: offset };
  const before = tokens.slice(0, isTyped ? from - 1 : from);
  const inOpenComment = program.endsInComment && from === tokens.length && offset > (last?.end ?? 0);
  const inComment =
    inOpenComment ||
    comments.some(({ start, end, text: comment }) => {
      // At the end of a line comment, the next letter typed would still be part of it.
      return start < offset && (offset < end || (comment.startsWith("//") && !text.slice(end, offset).includes("\n")));
    });
  if (inComment || isNumber || (isInside && !isTyped)) return { range, statement: range.start, place: "nothing" };
  const begin = before.findLastIndex(({ text: word, kind }) => kind === "name" && beginners.has(word));
  return { range, ...placeAfter(before, begin, program, range.start) } as Caret;
}

type Place = Caret extends infer C ? (C extends Common ? Omit<C, "range"> : never) : never;

/** `begin` is the index of the first token of the last statement before the caret, or -1. */
function placeAfter(before: readonly Token[], begin: number, { text }: Program, start: number): Place {
  const last = before.at(-1);
  const keyword = before[begin];
  const depth = braceDepth(before);
  const statement = keyword?.start ?? start;
  const isOver = before.slice(begin + 1).some((token) => token.text === "{" || token.text === "}");
  const brackets = isOver ? [] : openBrackets(before, Math.max(begin, 0));
  const open = brackets.at(-1);
  const common = { statement };
  if (text[start - 1] === "@") return { ...common, place: "contract" };
  if (last === undefined || isOver) return { statement: start, place: depth > 0 ? "statement" : "item" };
  const startsLine = text.slice(last.end, start).includes("\n");
  if (open === undefined && startsLine && endsStatement(last)) {
    return { statement: start, place: depth > 0 ? "statement" : "item" };
  }
  if (isWord(last, ":") || isWord(last, "->")) return { ...common, place: "type" };
  if (isWord(last, "let") || isWord(last, "fn") || isWord(last, "const")) return { ...common, place: "nothing" };
  if (open?.text === "[" && isType(before, open)) return { ...common, place: "dimension" };
  const isDeclaring = keyword?.text === "fn" || !before.slice(begin).some((token) => token.text === "=");
  if (isDeclaring && keyword?.text !== "return") return { ...common, place: "nothing" };
  return inExpression(before, brackets, common);
}

function inExpression(
  before: readonly Token[],
  brackets: readonly OpenBracket[],
  common: { statement: number },
): Place {
  const last = before.at(-1) as Token;
  const open = brackets.at(-1);
  const around = open?.text === "[" ? brackets.at(-2) : open;
  const isCall = around?.text === "(" && around.callee !== undefined;
  const name = open && before[open.at - 2];
  if (open?.text === "[" && isCall && before[open.at - 1]?.text === "=" && name !== undefined) {
    return { ...common, place: "attributeValue", call: callOf(before, around), attribute: name.text };
  }
  if (endsStatement(last)) return { ...common, place: "nothing" };
  if (open === undefined || open.text === "[" || !isCall) return { ...common, place: "expression" };
  const call = callOf(before, open);
  if (last.text === "(" || last.text === ",") return { ...common, place: "argument", call };
  const attribute = before.at(-2);
  if (last.text === "=" && attribute !== undefined) {
    return { ...common, place: "attributeValue", call, attribute: attribute.text };
  }
  return { ...common, place: "expression" };
}

/** Whether a statement may end with this token, which means that no operand can follow it. */
function endsStatement({ kind, text }: Token): boolean {
  if (kind === "symbol") return [")", "]", "{", "}"].includes(text);
  return kind !== "name" || !beginners.has(text);
}

function braceDepth(tokens: readonly Token[]): number {
  let depth = 0;
  for (const { text } of tokens) {
    if (text === "{") depth++;
    else if (text === "}") depth = Math.max(0, depth - 1);
  }
  return depth;
}

function openBrackets(tokens: readonly Token[], from: number): OpenBracket[] {
  const open: OpenBracket[] = [];
  for (let at = from; at < tokens.length; at++) {
    const { text } = tokens[at] as Token;
    const name = tokens[at - 1];
    const isCallee = name?.kind === "name" && !reservedWords.has(name.text);
    if (openers.has(text)) open.push({ at, text, callee: isCallee ? name.text : undefined });
    else if (text === ")" || text === "]") open.pop();
  }
  return open;
}

/** Whether the bracket belongs to a type: `x: f32[`, `-> f32[`, `(f32[`. */
function isType(tokens: readonly Token[], { at, callee }: OpenBracket): boolean {
  return (elementTypes as readonly string[]).includes(callee ?? "") && tokens[at - 2] !== undefined;
}

function callOf(tokens: readonly Token[], { at, callee = "" }: OpenBracket): OpenCall {
  const given = tokens.slice(at + 1).flatMap(({ text }, i) => (text === "=" ? [tokens[at + i]?.text ?? ""] : []));
  return { callee, given: new Set(given) };
}

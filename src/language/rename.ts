/** Renames a binding everywhere, or explains why that is not possible. */

import { lineColumn } from "../diagnostics/source.ts";
import { isOpName } from "../ir/ops/index.ts";
import { reservedWords } from "../ir/print.ts";
import { isElementType } from "../ir/types.ts";
import { type Program, programOf, tokenAt } from "./program.ts";
import { refusals } from "./refusals.ts";
import { type Binding, type BindingKind, bindingAt, placesOf } from "./resolve.ts";
import type { TextRange } from "./text-range.ts";

/** Replaces the range by `newText`. */
export interface TextEdit extends TextRange {
  readonly newText: string;
}

/** The edits, or the reason for refusing the rename. */
export type Rename =
  | { readonly ok: true; readonly edits: readonly TextEdit[] }
  | { readonly ok: false; readonly message: string };

const refuse = (message: string) => ({ ok: false, message }) as const;

/** The name at `offset`, or the reason why it cannot be renamed. */
export function renameTarget(
  text: string,
  offset: number,
): { readonly ok: true; readonly range: TextRange; readonly name: string } | { ok: false; message: string } {
  const program = programOf(text);
  const found = bindingAt(program.names, offset);
  if (found !== undefined) return { ok: true, range: found.place, name: found.binding.name };
  const token = tokenAt(program, offset);
  const isKnown = token?.kind === "name" && (isOpName(token.text) || isWord(token.text));
  return refuse(isKnown ? refusals.builtIn(token.text) : refusals.noName());
}

const isWord = (name: string) => reservedWords.has(name) || isElementType(name);

/** The edits that rename the binding at `offset`. They never change the meaning of the program. */
export function rename(text: string, offset: number, newName: string): Rename {
  const target = renameTarget(text, offset);
  if (!target.ok) return target;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(newName)) return refuse(refusals.notAName(newName));
  if (reservedWords.has(newName)) return refuse(refusals.reserved(newName));
  const program = programOf(text);
  const { binding } = bindingAt(program.names, offset) as { binding: Binding };
  if (newName === binding.name) return { ok: true, edits: [] };
  const problem = taken(program, binding, newName) ?? hidden(program, binding);
  if (problem !== undefined) return refuse(problem);
  const edits = placesOf(binding).map((place) => ({ ...place, newText: newName }));
  return meansTheSame(program, edits) ? { ok: true, edits } : refuse(refusals.captured(newName));
}

/** The namespace of each kind. Names in one namespace are unique within a function; those of the file everywhere. */
const groupOf: Readonly<Record<BindingKind, "function" | "value" | "result" | "dimension">> = {
  ...{ function: "function", result: "result", dimension: "dimension" },
  ...{ const: "value", parameter: "value", value: "value" },
};

const described: Readonly<Record<BindingKind, string>> = {
  ...{ function: "a function", const: "a const", parameter: "a parameter" },
  ...{ result: "a result", value: "a value", dimension: "a dimension" },
};

function taken({ tree, names }: Program, { kind, fn }: Binding, newName: string): string | undefined {
  const other = names.bindings.find((one) => {
    const meets = one.fn === undefined || fn === undefined || one.fn === fn;
    return one.name === newName && meets && groupOf[one.kind] === groupOf[kind];
  });
  if (other === undefined) return undefined;
  const { line } = lineColumn(tree.span.source, other.definition.start);
  return refusals.taken(newName, described[other.kind], line);
}

/** Refuses if the name may also occur in a part of the text that did not parse, which the rename would miss. */
function hidden({ tokens, tree, names }: Program, { name, fn }: Binding): string | undefined {
  const known = new Set<number>();
  for (const binding of names.bindings) for (const { start } of placesOf(binding)) known.add(start);
  const left = tokens.find((token, i) => {
    const isInside = fn === undefined || (token.start >= fn.span.start && token.end <= fn.span.end);
    if (!isInside || token.kind !== "name" || token.text !== name || known.has(token.start)) return false;
    // Ops, attributes and element types have namespaces of their own.
    return !["(", "="].includes(tokens[i + 1]?.text ?? "") && !isElementType(name);
  });
  return left && refusals.hidden(name, lineColumn(tree.span.source, left.start).line);
}

/** Whether every name still refers to the same binding after the edits. */
function meansTheSame(before: Program, edits: readonly TextEdit[]): boolean {
  const after = programOf(applyEdits(before.text, edits));
  const moved = (offset: number) => {
    const earlier = edits.filter(({ start }) => start < offset);
    return earlier.reduce((at, { start, end, newText }) => at + newText.length - (end - start), offset);
  };
  const shape = ({ names }: Program, at: (offset: number) => number) =>
    names.bindings.map((binding) => placesOf(binding).map(({ start }) => at(start)));
  const same = JSON.stringify(shape(before, moved)) === JSON.stringify(shape(after, (offset) => offset));
  return same && after.diagnostics.length <= before.diagnostics.length;
}

/** Applies edits to a text. They must not overlap. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const sorted = [...edits].sort((a, b) => b.start - a.start);
  return sorted.reduce((now, { start, end, newText }) => now.slice(0, start) + newText + now.slice(end), text);
}

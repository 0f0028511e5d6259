/** Converts results of `tirc/language` to the protocol's types. */

import type { Completion, CompletionKind, Diagnostic, FileSymbol, Hover, TextEdit } from "../language/index.ts";
import type { Document } from "./documents.ts";
import type { Lines, Range } from "./lines.ts";

const severities = { error: 1, warning: 2, remark: 3 } as const;

/** `related`: whether the editor shows related locations. */
export function diagnosticShape({ uri, lines }: Document, diagnostic: Diagnostic, related: boolean) {
  const { severity, code, message, span, labels, notes, help } = diagnostic;
  const lead = [message, ...notes.map((note) => `note: ${note}`), ...help.map((line) => `help: ${line}`)];
  const places = labels.map((label) => ({ location: { uri, range: lines.range(label.span) }, message: label.message }));
  return {
    range: lines.range(span ?? { start: 0, end: 0 }),
    severity: severities[severity],
    code,
    source: "tirc",
    message: lead.join("\n"),
    ...(related && places.length > 0 ? { relatedInformation: places } : {}),
  };
}

/** One code action per fix. A single fix is preferred, so editors can apply it with one key. */
export function fixShapes(document: Document, diagnostic: Diagnostic, related: boolean) {
  const { uri, lines } = document;
  const { fixes } = diagnostic;
  return fixes.map(({ title, edits }) => ({
    ...{ title, kind: "quickfix", isPreferred: fixes.length === 1 },
    diagnostics: [diagnosticShape(document, diagnostic, related)],
    edit: {
      changes: {
        [uri]: edits.map(({ span: { start, end }, text }) => editShape(lines, { start, end, newText: text })),
      },
    },
  }));
}

export function hoverShape(lines: Lines, { range, code, prose }: Hover) {
  const value = ["```tir", code, "```", ...(prose === "" ? [] : ["", prose])].join("\n");
  return { contents: markdown(value), range: lines.range(range) };
}

const markdown = (value: string) => ({ kind: "markdown", value });

/** Numbers of `CompletionItemKind`. */
const completionKinds: Readonly<Record<CompletionKind, number>> = {
  ...{ op: 3, function: 3, attribute: 10, operand: 10, type: 25, keyword: 14, literal: 12 },
  ...{ value: 6, parameter: 6, result: 6, const: 21, dimension: 25 },
};

/** Completions specific to the place come before those available everywhere. */
const ranks: Readonly<Record<CompletionKind, number>> = {
  ...{ attribute: 0, operand: 1, value: 2, parameter: 2, const: 2, result: 2, function: 2, dimension: 2 },
  ...{ type: 2, op: 3, keyword: 4, literal: 4 },
};

export function completionShape(range: Range, { kind, label, insert, detail, prose }: Completion) {
  return {
    label,
    kind: completionKinds[kind],
    ...(detail === "" ? {} : { detail }),
    ...(prose === "" ? {} : { documentation: markdown(prose) }),
    sortText: `${ranks[kind]}${label}`,
    textEdit: { range, newText: insert },
  };
}

export function editShape(lines: Lines, { newText, ...range }: TextEdit) {
  return { range: lines.range(range), newText };
}

/** Numbers of `SymbolKind`. */
const symbolKinds: Readonly<Record<FileSymbol["kind"], number>> = { function: 12, const: 14, parameter: 13, value: 13 };

interface SymbolShape {
  readonly name: string;
  readonly children: readonly SymbolShape[];
}

export function symbolShape(lines: Lines, { kind, name, detail, range, nameRange, children }: FileSymbol): SymbolShape {
  const shape = { name, detail, kind: symbolKinds[kind], range: lines.range(range) };
  const inner = children.map((child) => symbolShape(lines, child));
  return { ...shape, selectionRange: lines.range(nameRange), children: inner } as SymbolShape;
}

/** The outline as a flat list, for editors that do not support trees. */
export function flatSymbols(document: Document, symbols: readonly FileSymbol[], container?: string): unknown[] {
  const { uri, lines } = document;
  return symbols.flatMap(({ kind, name, range, children }) => [
    {
      ...{ name, kind: symbolKinds[kind], location: { uri, range: lines.range(range) } },
      ...(container === undefined ? {} : { containerName: container }),
    },
    ...flatSymbols(document, children, name),
  ]);
}

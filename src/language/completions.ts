/** Code completion. */

import { callableNames, isLeafName, isOpName, ops } from "../ir/ops/index.ts";
import { literalWords } from "../ir/print.ts";
import { elementTypes } from "../ir/types.ts";
import { type Caret, caretAt, type OpenCall } from "./caret.ts";
import { attributeProse, attributeSignature, opProse, opSignature } from "./describe.ts";
import { typeText } from "./hover.ts";
import { fnAt, type Program, programOf } from "./program.ts";
import type { Binding, BindingKind } from "./resolve.ts";
import type { TextRange } from "./text-range.ts";
import { elementSummaries, keywordSummaries } from "./words.ts";

/** The kind of name or word that a completion inserts. */
export type CompletionKind = BindingKind | "op" | "attribute" | "operand" | "type" | "keyword" | "literal";

/** One completion. */
export interface Completion {
  readonly kind: CompletionKind;
  /** The text shown in the list, which editors match against the word being typed. */
  readonly label: string;
  /** The text inserted. */
  readonly insert: string;
  /** A signature or a type; may be empty. */
  readonly detail: string;
  /** Markdown; may be empty. */
  readonly prose: string;
}

/** All completions at a caret. */
export interface Completions {
  /** The partly typed word that a completion replaces; empty if there is none. */
  readonly range: TextRange;
  readonly items: readonly Completion[];
}

type Parts = Partial<Omit<Completion, "kind" | "label">>;

function item(kind: CompletionKind, label: string, { insert = label, detail = "", prose = "" }: Parts = {}) {
  return { kind, label, insert, detail, prose };
}

/** All completions valid at `offset`, not filtered by the word typed so far. */
export function completions(text: string, offset: number): Completions {
  const program = programOf(text);
  const caret = caretAt(program, offset);
  return { range: caret.range, items: itemsAt(program, caret) };
}

function itemsAt(program: Program, caret: Caret): Completion[] {
  switch (caret.place) {
    case "nothing":
      return [];
    case "item":
      return keywordItems("fn", "const");
    case "statement":
      return keywordItems("let", "return", "kernel");
    case "type":
      return elementTypes.map((label) => item("type", label, { prose: elementSummaries[label] }));
    case "contract":
      return [
        item("keyword", "centered", {
          insert: "centered(-1)",
          prose: "Promises that the mean over these axes is zero.",
        }),
        item("keyword", "trained", { prose: "A trained weight: its centering stays in the graph." }),
      ];
    case "dimension":
      return bound(program, caret, "dimension");
    case "attributeValue":
      return attributeValues(program, caret, caret.call, caret.attribute);
    case "argument":
      return [...argumentItems(caret.call), ...expressionItems(program, caret)];
    case "expression":
      return expressionItems(program, caret);
    default:
      return caret satisfies never;
  }
}

function keywordItems(...words: (keyof typeof keywordSummaries)[]): Completion[] {
  return words.map((label) => item("keyword", label, { prose: keywordSummaries[label] }));
}

const opItems = () =>
  callableNames.map((label) => item("op", label, { detail: opSignature(label), prose: opProse(label) }));

function expressionItems(program: Program, caret: Caret): Completion[] {
  const names = bound(program, caret, "value", "parameter", "const");
  return [...names, ...opItems(), ...literalWords.map((label) => item("literal", label))];
}

/** Names in scope at the caret: bound by the file, or by the function before this statement. The latest comes first. */
function bound(program: Program, { range, statement }: Caret, ...kinds: readonly BindingKind[]): Completion[] {
  const fn = fnAt(program, range.start);
  const seen = ({ kind, fn: owner, node, definition }: Binding) => {
    if (!kinds.includes(kind) || (owner !== undefined && owner !== fn)) return false;
    if (kind !== "value") return definition.start !== range.start;
    return node !== undefined && node.span.end <= statement;
  };
  const found = program.names.bindings.filter(seen).reverse();
  const unique = new Map(found.map((binding) => [binding.name, binding]));
  return [...unique.values()].map((one) => item(one.kind, one.name, { detail: typeText(program, one) ?? "" }));
}

/** Attributes that the call does not set yet, and optional operands, which can be passed by name. */
function argumentItems({ callee, given }: OpenCall): Completion[] {
  if (!isOpName(callee) || isLeafName(callee)) return [];
  const { attributes, operands } = ops[callee];
  const free = ([name]: [string, unknown]) => !given.has(name);
  const optional = operands.filter(({ name, optional }) => optional === true && !given.has(name));
  return [
    ...Object.entries(attributes)
      .filter(free)
      .map(([name, def]) =>
        item("attribute", name, {
          insert: `${name} = `,
          detail: attributeSignature(name, def),
          prose: attributeProse(def),
        }),
      ),
    ...optional.map(({ name }) => item("operand", name, { insert: `${name} = `, detail: `operand of ${callee}` })),
  ];
}

function attributeValues(program: Program, caret: Caret, { callee }: OpenCall, attribute: string): Completion[] {
  const attributes = isOpName(callee) ? ops[callee].attributes : {};
  const def = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
  switch (def?.type) {
    case undefined:
      return expressionItems(program, caret);
    case "element":
      return elementTypes.map((label) => item("type", label, { prose: elementSummaries[label] }));
    case "boolean":
      return [item("literal", "true"), item("literal", "false")];
    case "choice":
      return def.choices.map((choice) => item("literal", `"${choice}"`));
    case "shape":
      return bound(program, caret, "dimension");
    default:
      return [];
  }
}

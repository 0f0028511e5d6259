/** Describes the name, op or keyword under the caret: a line of code and a few lines of prose. */

import type { Op } from "../ir/ir.ts";
import { isLeafName, isOpName, type OpName, ops } from "../ir/ops/index.ts";
import { isElementType, printType } from "../ir/types.ts";
import type { CallNode } from "../parse/syntax.ts";
import { attributeProse, attributeSignature, opProse, opSignature } from "./describe.ts";
import { type Program, printTypeNode, programOf, tokenAt } from "./program.ts";
import { type Binding, bindingAt } from "./resolve.ts";
import { rangeOf, type TextRange, touches } from "./text-range.ts";
import { elementSummaries, keywordSummaries } from "./words.ts";

/** What an editor shows beside the caret. */
export interface Hover {
  /** The part of the text that is described. */
  readonly range: TextRange;
  /** In the language's syntax: a name with its type, or the signature of an op. */
  readonly code: string;
  /** Markdown; may be empty. */
  readonly prose: string;
}

/** Describes the name, op, attribute or keyword at `offset`; `undefined` if there is none. */
export function hover(text: string, offset: number): Hover | undefined {
  const program = programOf(text);
  const found = bindingAt(program.names, offset);
  if (found !== undefined) return { range: found.place, ...describeBinding(program, found.binding) };
  return hoverCall(program, offset) ?? hoverOperator(program, offset) ?? hoverWord(program, offset);
}

/** The inferred type of a name, or else its declared type; `undefined` if neither is known. */
export function typeText(program: Program, { definition, type }: Binding): string | undefined {
  const bound = program.boundAt(definition);
  if (bound?.kind === "value") return printType(bound.value.type);
  return type && printTypeNode(type);
}

function describeBinding(program: Program, binding: Binding): Omit<Hover, "range"> {
  const { kind, name, fn, definition } = binding;
  const type = typeText(program, binding);
  const typed = type === undefined ? name : `${name}: ${type}`;
  const of = fn === undefined ? "" : ` of \`${fn.name}\``;
  switch (kind) {
    case "value": {
      const isNumber = program.boundAt(definition)?.kind === "literal";
      const unknown = type === undefined && !isNumber ? "Its type is not known: its expression has an error." : "";
      return {
        code: `let ${typed}`,
        prose: isNumber ? "A number: it takes the element type of the operand that it is combined with." : unknown,
      };
    }
    case "parameter":
      return { code: typed, prose: `A parameter${of}.${contractProse(binding)}` };
    case "result":
      return { code: typed, prose: `A result${of}.` };
    case "const":
      return { code: `const ${typed}`, prose: `A constant of the file.${contractProse(binding)}` };
    case "dimension":
      return { code: name, prose: `A dimension${of}: one extent in the whole function.` };
    case "function":
      return { code: headerText(program, binding), prose: "" };
    default:
      return kind satisfies never;
  }
}

function contractProse({ node }: Binding): string {
  const axes = node !== undefined && "contract" in node ? node.contract?.axes : undefined;
  const isTrained = node !== undefined && "trained" in node && node.trained !== undefined;
  const centered = axes === undefined ? "" : ` Its mean over the axes ${axes.join(", ")} is promised to be zero.`;
  return isTrained ? `${centered} It is trained, so its centering stays in the graph.` : centered;
}

/** `fn f(x: f32[n]) -> f32[n]` on one line. */
export function headerText({ text }: Program, { node, definition, name }: Binding): string {
  if (node === undefined || !("resultsSpan" in node)) return name;
  const params = text.slice(definition.end, node.resultsSpan.start);
  const results = text.slice(node.resultsSpan.start, node.resultsSpan.end);
  return `fn ${name}${params}${results}`.replace(/\s+/g, " ");
}

function hoverCall(program: Program, offset: number): Hover | undefined {
  for (const call of program.names.calls) {
    const { callee, calleeSpan, args } = call;
    if (touches(calleeSpan, offset)) return hoverOp(callee, rangeOf(calleeSpan), program.opAt(call.span));
    for (const { name, nameSpan } of args) {
      if (name !== undefined && nameSpan !== undefined && touches(nameSpan, offset)) {
        return hoverArgument(call, name, rangeOf(nameSpan));
      }
    }
  }
  return undefined;
}

function hoverOp(name: string, range: TextRange, made: Op | undefined): Hover | undefined {
  if (!isOpName(name) || isLeafName(name)) return undefined;
  return { range, code: opSignature(name), prose: [...resultProse(made), opProse(name)].join("\n\n") };
}

function resultProse(made: Op | undefined): string[] {
  if (made === undefined) return [];
  return [`Here it gives ${made.results.map(({ type }) => `\`${printType(type)}\``).join(", ")}.`];
}

function hoverArgument({ callee }: CallNode, name: string, range: TextRange): Hover | undefined {
  if (!isOpName(callee)) return undefined;
  const { attributes, operands } = ops[callee as OpName];
  const def = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  if (def !== undefined) return { range, code: attributeSignature(name, def), prose: attributeProse(def) };
  const operand = operands.find((one) => one.name === name);
  if (operand === undefined) return undefined;
  const may = operand.optional === true ? ", which may be left out" : "";
  return { range, code: name, prose: `An operand of \`${callee}\`${may}.` };
}

function hoverOperator(program: Program, offset: number): Hover | undefined {
  const found = program.names.operators.find((use) => touches(use, offset));
  return found && hoverOp(found.op, rangeOf(found), program.opAt(found.whole));
}

function hoverWord(program: Program, offset: number): Hover | undefined {
  const token = tokenAt(program, offset);
  if (token?.kind !== "name") return undefined;
  const { text } = token;
  if (isElementType(text)) return { range: rangeOf(token), code: text, prose: elementSummaries[text] };
  const summaries: Readonly<Record<string, string>> = keywordSummaries;
  const prose = Object.hasOwn(summaries, text) ? summaries[text] : undefined;
  return prose === undefined ? undefined : { range: rangeOf(token), code: text, prose };
}

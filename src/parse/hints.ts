/** What was probably meant by a call that is wrong, as text of the language; errors-types.ts words it. */

import { quoted, type Rewording } from "../diagnostics/errors-types.ts";
import { foreignArguments, foreignElements, idiomOf, pairwise, written } from "../diagnostics/idioms.ts";
import { exampleOf } from "../ir/infer.ts";
import type { AttributeDef } from "../ir/ops/def.ts";
import { type OpName, ops } from "../ir/ops/index.ts";
import { isElementType } from "../ir/types.ts";
import type { ArgumentNode, CallNode, ExpressionNode } from "./syntax.ts";

/** The source of an expression that may stand as an operand anywhere; `undefined` for what is long or takes parentheses. */
function operandText({ kind, span }: ExpressionNode): string | undefined {
  const text = quoted(span);
  const isAtom = kind === "name" || kind === "number" || kind === "call" || kind === "boolean";
  return isAtom && text !== "..." ? text : undefined;
}

function isWhole(node: ExpressionNode): boolean {
  if (node.kind === "unary") return node.operator === "-" && isWhole(node.operand);
  return node.kind === "number" && Number.isInteger(node.value);
}

function isNumber(node: ExpressionNode): boolean {
  return node.kind === "number" || (node.kind === "unary" && node.operator === "-" && isNumber(node.operand));
}

/** `node` as it is written for such an attribute; `undefined` where it is not one. */
function valueText({ type }: AttributeDef, node: ExpressionNode): string | undefined {
  const text = quoted(node.span);
  switch (type) {
    case "axes":
    case "permutation":
    case "shape":
      return node.kind === "list" ? text : isWhole(node) ? `[${text}]` : undefined;
    case "axis":
    case "integer":
      return isWhole(node) ? text : undefined;
    case "number":
      return isNumber(node) ? text : undefined;
    case "boolean":
      return node.kind === "boolean" || /^(true|false)$/i.test(text) ? text.toLowerCase() : undefined;
    case "element":
      return isElementType(text) ? text : foreignElements.get(text);
    case "choice":
    case "text":
    case "name":
      return node.kind === "string" ? text : undefined;
    default:
      return type satisfies never;
  }
}

/** What to write for a call of another framework's op, if that is known. */
export function rewordingOf({ callee, args }: CallNode): Rewording | undefined {
  const idiom = idiomOf(callee);
  if (idiom === undefined) return undefined;
  const positional = args.filter(({ name }) => name === undefined).map(({ value }) => value);
  const extra = positional[idiom.operands.length];
  const named = args.find(({ name }) => name !== undefined && (foreignArguments.get(name) ?? [name]).includes("axes"));
  const axes = named?.value ?? extra;
  return {
    lines: written(idiom, positional.map(operandText), axes && valueText({ type: "axes", summary: "" }, axes)),
    note: idiom.note,
  };
}

/** `shape = [64, 1, 1]` for a list that stands in an operand's place: the first attribute that could take it. */
export function attributeOf(op: OpName, node: ExpressionNode, given: ReadonlySet<string>): string | undefined {
  for (const [name, def] of Object.entries(ops[op].attributes)) {
    const text = given.has(name) ? undefined : valueText(def, node);
    // A list of extents beside a norm names the axes by their lengths, as PyTorch's `normalized_shape` does.
    if (text !== undefined)
      return `${name} = ${ops[op].kind === "norm" && def.type === "axes" && !text.includes("-") ? exampleOf.axes : text}`;
  }
  return undefined;
}

/** What an operand too many was meant as: an attribute, an op of two tensors, or an addition after the norm. */
export function insteadOfExtra(
  op: OpName,
  call: CallNode,
  { value }: ArgumentNode,
  given: ReadonlySet<string>,
): string[] {
  const found: string[] = [];
  const [x, second, third] = call.args.filter(({ name }) => name === undefined).map((argument) => argument.value);
  const pair = pairwise.get(op);
  // `max(x, 0)` may mean a number or an axis; nobody calls `sum` to add a number.
  const isPair = value.kind !== "list" && (!isNumber(value) || op === "max" || op === "min");
  if (pair !== undefined && x !== undefined && value === second && isPair) {
    found.push(pair(quoted(x.span), quoted(value.span)));
  }
  const attribute = attributeOf(op, value, given);
  if (attribute !== undefined) found.push(attribute);
  if (op === "rmsnorm" && value === third && found.length === 0) {
    found.push(`rmsnorm(${quoted(x?.span)}, ${quoted(second?.span)}, axes = [-1]) + ${quoted(value.span)}`);
  }
  return found;
}

/** What an argument that the op does not have is called here, with its value. */
export function argumentOf(op: OpName, { name = "", value }: ArgumentNode): string | undefined {
  const { operands, attributes } = ops[op];
  for (const own of foreignArguments.get(name) ?? []) {
    const def = attributes[own];
    if (def !== undefined) return `${own} = ${valueText(def, value) ?? exampleOf[def.type]}`;
    if (operands.some((operand) => operand.name === own)) return `${own} = ${quoted(value.span)}`;
  }
  return undefined;
}

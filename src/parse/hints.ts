/** What an invalid call probably meant, as source text; src/diagnostics/areas words the messages. */

import type { Rewording } from "../diagnostics/areas/calls.ts";
import { foreignArguments, foreignElements, idiomOf, pairwise, written } from "../diagnostics/idioms.ts";
import { expressionAt } from "../diagnostics/rewriting.ts";
import { joinSpans } from "../diagnostics/source.ts";
import { type Instead, quoted } from "../diagnostics/wording.ts";
import { typeOfAttribute } from "../ir/attribute-types.ts";
import type { AttributeDef } from "../ir/ops/attributes.ts";
import { type OpName, ops } from "../ir/ops/index.ts";
import { isElementType } from "../ir/types.ts";
import type { ArgumentNode, CallNode, ExpressionNode } from "./syntax.ts";

/** The source of an expression that can be an operand anywhere; `undefined` if it is long or needs parentheses. */
function operandText({ kind, span }: ExpressionNode): string | undefined {
  const text = quoted(span);
  const isAtom = kind === "name" || kind === "number" || kind === "call" || kind === "boolean";
  return isAtom && text !== "..." ? text : undefined;
}

function isWhole(node: ExpressionNode): boolean {
  if (node.kind === "unary") return node.operator === "-" && isWhole(node.operand);
  return node.kind === "number" && Number.isInteger(node.value);
}

export function isNumber(node: ExpressionNode): boolean {
  return node.kind === "number" || (node.kind === "unary" && node.operator === "-" && isNumber(node.operand));
}

/** `node` as written for an attribute of this type; `undefined` if it cannot be one. */
function valueText({ type }: AttributeDef, node: ExpressionNode): string | undefined {
  const text = quoted(node.span);
  const bare = node.kind === "string" ? node.value : text;
  switch (type) {
    case "axes":
    case "permutation":
    case "integers":
    case "shape":
      return node.kind === "list" ? text : isWhole(node) ? `[${text}]` : undefined;
    case "axis":
    case "integer":
      return isWhole(node) ? text : undefined;
    case "number":
    case "size":
      return isNumber(node) ? text : undefined;
    case "boolean":
      return node.kind === "boolean" || /^(true|false)$/i.test(text) ? text.toLowerCase() : undefined;
    case "element":
      return isElementType(bare) ? bare : foreignElements.get(bare);
    case "choice":
    case "text":
    case "name":
      return node.kind === "string" ? text : undefined;
    default:
      return type satisfies never;
  }
}

/** What to write for a call of another framework's op, if it is a known one. */
export function rewordingOf({ callee, args, span }: CallNode): Rewording | undefined {
  const idiom = idiomOf(callee);
  if (idiom === undefined) return undefined;
  const positional = args.filter(({ name }) => name === undefined).map(({ value }) => value);
  const extra = positional[idiom.operands.length];
  const named = args.find(
    ({ name }) => name !== undefined && (name === "axes" || foreignArguments.get(name)?.includes("axes")),
  );
  const axes = named?.value ?? extra;
  const operands = positional.map(operandText);
  const lines = written(idiom, operands, axes && valueText({ type: "axes", summary: "" }, axes));
  const isWhole =
    idiom.operands.every((_, i) => operands[i] !== undefined) && !lines.some((line) => example.test(line));
  return { lines, note: idiom.note, whole: isWhole ? span : undefined };
}

/** Rewordings whose numbers are only examples. */
const example = /\bshape = |\bperm = |\bslice\(/;

/** `shape = [64, 1, 1]` for a list in the place of an operand: the first attribute that could take it. */
export function attributeOf(op: OpName, node: ExpressionNode, given: ReadonlySet<string>): string | undefined {
  for (const [name, def] of Object.entries(ops[op].attributes)) {
    const text = given.has(name) ? undefined : valueText(def, node);
    // A list of extents after a norm names the axes by their lengths, as PyTorch's `normalized_shape` does.
    if (text !== undefined)
      return `${name} = ${ops[op].kind === "norm" && def.type === "axes" && !text.includes("-") ? typeOfAttribute({ type: "axes" }).example : text}`;
  }
  return undefined;
}

/** What an extra operand probably meant: an attribute, an op of two tensors, or an addition after the norm. */
export function insteadOfExtra(
  op: OpName,
  call: CallNode,
  { value }: ArgumentNode,
  given: ReadonlySet<string>,
): Instead[] {
  const found: Instead[] = [];
  const [x, second, third] = call.args.filter(({ name }) => name === undefined).map((argument) => argument.value);
  const pair = pairwise.get(op);
  // `max(x, 0)` may mean a number or an axis; nobody calls `sum` to add a number.
  const isPair = value.kind !== "list" && (!isNumber(value) || op === "max" || op === "min");
  if (pair !== undefined && x !== undefined && value === second && isPair) {
    found.push(inPlaceOf(call, pair(quoted(x.span), quoted(value.span))));
  }
  const attribute = attributeOf(op, value, given);
  if (attribute !== undefined) found.push({ text: attribute, span: value.span });
  if (found.length > 0) return found;
  const isBinary = ops[op].kind === "elementwise" && ops[op].operands.length === 2;
  if (isBinary && value === third) {
    return [inPlaceOf(call, `${op}(${op}(${quoted(x?.span)}, ${quoted(second?.span)}), ${quoted(value.span)})`)];
  }
  return op === "rmsnorm" && value === third ? [inPlaceOf(call, withBeta(call, value))] : [];
}

const inPlaceOf = ({ span }: CallNode, text: string): Instead => ({ text: expressionAt(span, text), span });

/** `rmsnorm` has no beta, so beta is added afterwards. */
function withBeta({ args }: CallNode, beta: ExpressionNode): string {
  const kept = args.filter(({ value }) => value !== beta).map(({ span }) => quoted(span));
  const hasAxes = args.some(({ name }) => name === "axes");
  return `rmsnorm(${[...kept, ...(hasAxes ? [] : ["axes = [-1]"])].join(", ")}) + ${quoted(beta.span)}`;
}

/** Extra operands that together are one list: `reshape(x, n, 8, 8)`. */
export function listOfExtras(op: OpName, { args }: CallNode): Instead[] | undefined {
  const { operands, attributes } = ops[op];
  const extras = args.filter(({ name }) => name === undefined).slice(operands.length);
  const [name, def] = Object.entries(attributes)[0] ?? [];
  if (extras.length < 2 || def === undefined) return undefined;
  const isList = def.type === "shape" || def.type === "permutation";
  const areItems = extras.every(({ value }) => isWhole(value) || (def.type === "shape" && value.kind === "name"));
  if (!isList || !areItems) return undefined;
  // PyTorch's `transpose(x, 0, 1)` swaps two axes; `permute` takes the whole order.
  const swaps = def.type === "permutation" && extras.length === 2;
  const text = `${name} = ${swaps ? typeOfAttribute({ type: "permutation" }).example : `[${extras.map(({ span }) => quoted(span)).join(", ")}]`}`;
  const [first, last] = [extras[0], extras.at(-1)] as [ArgumentNode, ArgumentNode];
  return [{ text, span: joinSpans(first.span, last.span) }];
}

/** `concat([x, y])`: the tensors are separate operands here. */
export function joined(op: OpName, call: CallNode, { value }: ArgumentNode): Instead | undefined {
  if (op !== "concat" || value.kind !== "list") return undefined;
  const rest = call.args.filter((argument) => argument.value !== value).map(({ span }) => quoted(span));
  return inPlaceOf(call, `concat(${[...value.items.map(({ span }) => quoted(span)), ...rest].join(", ")})`);
}

/** Whether an arithmetic expression contains one of these names. */
export function mentions(node: ExpressionNode, names: ReadonlySet<string>): boolean {
  if (node.kind === "chain")
    return [node.first, ...node.rest.map(({ operand }) => operand)].some(
      (part) => mentions(part, names) || (part.kind === "name" && names.has(part.name)),
    );
  return node.kind === "unary" && mentions(node.operand, names);
}

/** The equivalent here of an argument the op does not have, with its value. */
export function argumentOf(op: OpName, call: CallNode, argument: ArgumentNode): Instead | undefined {
  const { operands, attributes } = ops[op];
  const { name = "", value, span } = argument;
  if (name === "unbiased" && attributes.correction !== undefined) {
    return { text: `correction = ${/false/i.test(quoted(value.span)) ? 0 : 1}`, span };
  }
  if (op === "rmsnorm" && (name === "beta" || foreignArguments.get(name)?.includes("beta"))) {
    return inPlaceOf(call, withBeta({ ...call, args: call.args.filter((other) => other !== argument) }, value));
  }
  for (const own of foreignArguments.get(name) ?? []) {
    const def = attributes[own];
    if (def !== undefined) return { text: `${own} = ${valueText(def, value) ?? typeOfAttribute(def).example}`, span };
    if (operands.some((operand) => operand.name === own)) return { text: `${own} = ${quoted(value.span)}`, span };
  }
  return undefined;
}

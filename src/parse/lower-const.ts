/** The constant tensors of a file. */

import { type Diagnostic, fail, type Span, TircError } from "../diagnostics/diagnostic.ts";
import { constErrors } from "../diagnostics/errors-const.ts";
import { typeErrors } from "../diagnostics/errors-types.ts";
import type { Const, ConstData } from "../ir/ir.ts";
import { elementCount } from "../ir/tensor.ts";
import { printShape, printType, type TensorType, tensorType } from "../ir/types.ts";
import { type Literal, literalProblem } from "./literals.ts";
import type { ConstNode, ExpressionNode, TypeNode } from "./syntax.ts";

/** Names of consts with their types; of one that is wrong the type is missing. */
export type Declared = ReadonlyMap<string, DeclaredConst>;

export interface DeclaredConst {
  readonly span: Span;
  readonly type: TensorType | undefined;
  /** Of a scalar that is written out, its number: it needs no buffer. */
  readonly number: number | undefined;
}

export function lowerConsts(
  nodes: readonly ConstNode[],
  diagnostics: Diagnostic[],
): { sound: readonly Const[]; declared: Declared } {
  const declared = new Map<string, DeclaredConst>();
  const sound: Const[] = [];
  for (const node of nodes) {
    const first = declared.get(node.name);
    if (first !== undefined) diagnostics.push(typeErrors.duplicate(node.nameSpan, "const", node.name, first.span));
    const lowered = attempt(() => lowerConst(node), diagnostics);
    if (lowered !== undefined) sound.push(lowered);
    // A value that is wrong does not make the type unknown.
    const type = node.type && attempt(() => typeOf(node.name, node.type as TypeNode), []);
    const data = lowered?.type.shape.length === 0 ? lowered.data : undefined;
    const number = data?.kind === "values" ? data.values[0] : undefined;
    if (first === undefined) declared.set(node.name, { span: node.nameSpan, type, number });
  }
  return { sound, declared };
}

function attempt<T>(work: () => T, diagnostics: Diagnostic[]): T | undefined {
  try {
    return work();
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    diagnostics.push(...caught.diagnostics);
    return undefined;
  }
}

function lowerConst({ name, type, value, span }: ConstNode): Const | undefined {
  if (type === undefined || value.kind === "error") return undefined;
  const declared = typeOf(name, type);
  return { name, type: declared, data: dataOf(name, declared, value), span };
}

function typeOf(name: string, { element, shape, dimSpans, span }: TypeNode): TensorType {
  const problems = shape.flatMap((dim, i) => {
    const at = dimSpans[i] ?? span;
    if (typeof dim === "string") return [constErrors.symbolicDimension(at, name, dim)];
    return dim < 2 ** 32 ? [] : [typeErrors.badExtent(at, String(dim))];
  });
  const type = tensorType(element, shape);
  if (problems.length > 0) fail(...problems);
  if (elementCount(shape as number[]) > 2 ** 32) fail(typeErrors.hugeShape(span, printType(type)));
  return type;
}

function dataOf(name: string, type: TensorType, node: ExpressionNode): ConstData {
  if (node.kind === "call" && node.callee === "load") {
    const texts = node.args.map(({ name: key, value }) =>
      key === undefined && value.kind === "string" ? value.value : "",
    );
    const [file, tensor] = texts;
    if (file === undefined || texts.includes("") || texts.length > 2) fail(constErrors.loadArguments(node.span));
    return { kind: "load", file, tensor };
  }
  const values: number[] = [];
  const problems: Diagnostic[] = [];
  collect(name, type, node, 0, values, problems);
  if (problems.length > 0) fail(...problems);
  return { kind: "values", values };
}

/** Numbers in row-major order. The lists must have the declared extents. */
function collect(
  name: string,
  type: TensorType,
  node: ExpressionNode,
  axis: number,
  values: number[],
  problems: Diagnostic[],
): void {
  const extent = type.shape[axis];
  if (node.kind === "error") return;
  if (node.kind === "list" && extent !== undefined) {
    if (node.items.length !== extent) {
      const got = `a list of ${node.items.length} where ${extent} are wanted`;
      problems.push(constErrors.wrongShape(node.span, name, got, printType(type)));
      return;
    }
    for (const item of node.items) collect(name, type, item, axis + 1, values, problems);
    return;
  }
  const literal = literalOf(node);
  if (literal !== undefined && extent === undefined) {
    const problem = literalProblem(literal, type.element);
    if (problem !== undefined) problems.push(problem);
    values.push(literal.value);
  } else if (literal !== undefined || node.kind === "list") {
    const got =
      node.kind === "list"
        ? "a list where a number is wanted"
        : `one number, not ${printShape(type.shape.slice(axis))}`;
    problems.push(constErrors.wrongShape(node.span, name, got, printType(type)));
  } else problems.push(constErrors.notAValue(node.span, name));
}

function literalOf(node: ExpressionNode): Literal | undefined {
  if (node.kind === "number") return { kind: "literal", value: node.value, boolean: false, span: node.span };
  if (node.kind === "boolean") return { kind: "literal", value: Number(node.value), boolean: true, span: node.span };
  const inner = node.kind === "unary" && node.operator === "-" ? literalOf(node.operand) : undefined;
  return inner && !inner.boolean ? { ...inner, value: -inner.value, span: node.span } : undefined;
}

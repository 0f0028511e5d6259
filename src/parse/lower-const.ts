/** Lowers the constant tensors of a file. */

import * as constErrors from "../diagnostics/areas/consts.ts";
import * as elementErrors from "../diagnostics/areas/elements.ts";
import * as externErrors from "../diagnostics/areas/extern.ts";
import * as shapeErrors from "../diagnostics/areas/shapes.ts";
import * as valueErrors from "../diagnostics/areas/values.ts";
import { type Diagnostic, fail, type Span, TircError } from "../diagnostics/diagnostic.ts";
import { Builder, makeOp } from "../ir/builder.ts";
import { checkedAxes } from "../ir/infer.ts";
import { type ComputedData, type Const, type ConstData, definedBy } from "../ir/ir.ts";
import { floats } from "../ir/ops/def.ts";
import { elementCount } from "../ir/tensor.ts";
import { isComputedFloat, printShape, printType, sameType, type TensorType, tensorType } from "../ir/types.ts";
import { type Literal, literalProblem } from "./literals.ts";
import { ExpressionLowering } from "./lower-expression.ts";
import type { ConstNode, ContractNode, ExpressionNode, TypeNode } from "./syntax.ts";

/** The types of consts by name; the type is missing if it is invalid. */
export type Declared = ReadonlyMap<string, DeclaredConst>;

export interface DeclaredConst {
  readonly span: Span;
  readonly type: TensorType | undefined;
  /** The value of a scalar written as a literal, which needs no buffer. */
  readonly number: number | undefined;
}

export function lowerConsts(
  nodes: readonly ConstNode[],
  diagnostics: Diagnostic[],
): { sound: readonly Const[]; declared: Declared } {
  const types = new Map<string, DeclaredConst>();
  for (const { name, nameSpan, type } of nodes) {
    const first = types.get(name);
    if (first !== undefined) diagnostics.push(valueErrors.duplicate(nameSpan, "const", name, first.span));
    // An invalid value does not make the type unknown.
    else types.set(name, { span: nameSpan, type: type && attempt(() => typeOf(name, type), []), number: undefined });
  }
  const declared = new Map<string, DeclaredConst>(types);
  const sound = nodes.flatMap((node) => attempt(() => lowerConst(node, types, diagnostics), diagnostics) ?? []);
  for (const { name, type, data } of sound) {
    const number = type.shape.length === 0 && data.kind === "values" ? data.values[0] : undefined;
    declared.set(name, { ...(declared.get(name) as DeclaredConst), number });
  }
  diagnostics.push(...cycles(sound));
  return { sound, declared };
}

/** The axes of a contract; reports invalid ones. */
export function lowerContract(
  node: ContractNode | undefined,
  { element, shape }: TensorType,
  diagnostics: Diagnostic[],
): readonly number[] {
  if (node === undefined) return [];
  const axes = attempt(() => {
    if (!isComputedFloat(element)) fail(elementErrors.elementRefused(node.span, "@centered", element, floats));
    return checkedAxes("@centered", node.axes, shape, node.span);
  }, diagnostics);
  return axes ?? [];
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

function lowerConst(node: ConstNode, declared: Declared, diagnostics: Diagnostic[]): Const | undefined {
  const { name, type: typeNode, value, span } = node;
  if (typeNode === undefined || value.kind === "error") return undefined;
  const type = typeOf(name, typeNode);
  const centered = lowerContract(node.contract, type, diagnostics);
  const data = dataOf(name, type, value, declared, diagnostics);
  return data && { name, type, data, centered, span };
}

function typeOf(name: string, { element, opaque, shape, dimSpans, span }: TypeNode): TensorType {
  if (opaque) fail(externErrors.opaquePlace(span, "a const"));
  const problems = shape.flatMap((dim, i): Diagnostic[] => {
    const at = dimSpans[i] ?? span;
    if (typeof dim === "string") return [constErrors.symbolicDimension(at, name, dim)];
    return dim < 2 ** 32 ? [] : [shapeErrors.badExtent(at, String(dim))];
  });
  const type = tensorType(element, shape);
  if (problems.length > 0) fail(...problems);
  if (elementCount(shape as number[]) > 2 ** 32) fail(shapeErrors.hugeShape(span, printType(type)));
  return type;
}

function dataOf(
  name: string,
  type: TensorType,
  node: ExpressionNode,
  declared: Declared,
  diagnostics: Diagnostic[],
): ConstData | undefined {
  if (node.kind === "call" && node.callee !== "load") return computedOf(name, type, node, declared, diagnostics);
  if (node.kind === "call") {
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

/** The value of a const given as one op of other consts. */
function computedOf(
  name: string,
  type: TensorType,
  node: ExpressionNode,
  declared: Declared,
  diagnostics: Diagnostic[],
): ComputedData | undefined {
  const builder = new Builder(node.span);
  const lookup = (other: string) => {
    const found = declared.get(other);
    if (found === undefined) return undefined;
    if (found.type === undefined) return { kind: "poison" as const };
    const op = makeOp("global", [], { name: other, ...found.type }, { places: { op: node.span } });
    return { kind: "value" as const, value: builder.add(op).result };
  };
  const names = () => () => [...declared.keys()];
  const lowered = new ExpressionLowering({ builder, dims: new Set(), diagnostics, lookup, names }).one(node);
  if (lowered.kind === "poison") return undefined;
  const op = lowered.kind === "value" ? lowered.value.def : undefined;
  const operands = op?.operands.map((operand) => definedBy(operand, "global")?.attributes.name);
  if (op === undefined || operands?.some((other, i) => other === undefined && op.operands[i] !== undefined)) {
    fail(constErrors.notAValue(node.span, name));
  }
  if (!sameType(op.result.type, type)) {
    fail(constErrors.wrongShape(node.span, name, printType(op.result.type), printType(type)));
  }
  return { kind: "computed", op: op.name, operands: operands ?? [], attributes: op.attributes };
}

/** Reports consts that depend on themselves, one message for each cycle. */
function cycles(consts: readonly Const[]): Diagnostic[] {
  const found: Diagnostic[] = [];
  const operands = new Map(consts.map(({ name, data }) => [name, data.kind === "computed" ? data.operands : []]));
  const state = new Map<string, "open" | "done">();
  for (const { name, span } of consts) {
    const path = state.has(name) ? [] : [{ name, next: 0 }];
    for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
      state.set(at.name, "open");
      const list = operands.get(at.name) ?? [];
      const operand = list[at.next++];
      if (at.next > list.length) {
        state.set(at.name, "done");
        path.pop();
      } else if (operand !== undefined && state.get(operand) === "open") {
        const ring = path.slice(path.findIndex((step) => step.name === operand)).map((step) => step.name);
        found.push(constErrors.cycle(consts.find((constant) => constant.name === operand)?.span ?? span, ring));
      } else if (operand !== undefined && !state.has(operand)) path.push({ name: operand, next: 0 });
    }
  }
  return found;
}

/** The numbers in row-major order. The lists must have the declared extents. */
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
      const got = `a list of ${node.items.length} where ${extent} are expected`;
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
        ? "a list where a number is expected"
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

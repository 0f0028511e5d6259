/** Builds syntax tree nodes from ohm's match of one piece, and reports errors in a piece that matches. */

import * as lexicalErrors from "../diagnostics/areas/lexical.ts";
import * as syntaxErrors from "../diagnostics/areas/syntax.ts";
import type { Diagnostic, Source, Span } from "../diagnostics/diagnostic.ts";
import { elementTypes, isElementType, opaqueType } from "../ir/types.ts";
import type { CstNode } from "./cst.ts";
import type {
  ArgumentNode,
  ChainLink,
  ConstNode,
  ContractNode,
  ExpressionNode,
  FnNode,
  InfixOperator,
  LetNode,
  NameBinding,
  ParamNode,
  PrefixOperator,
  ResultNode,
  ReturnNode,
  TypeNode,
} from "./syntax.ts";

/** The matched text and what is needed to build nodes from it. */
export interface BuildContext {
  readonly source: Source;
  readonly diagnostics: Diagnostic[];
  /** Names bound by the function; they shadow element types of the same name. */
  readonly bound: ReadonlyMap<string, unknown>;
  /** The text that ohm matched. */
  readonly text: string;
  /** The span in the source of the range from `start` to `end` of `text`. */
  place(start: number, end: number): Span;
  /** The node of the part that the name at an offset of `text` stands for, if that part was matched before. */
  folded(offset: number): ExpressionNode | undefined;
}

/** A header is built even if some of its types are invalid; `wrong` is set then. */
export interface HeaderNode extends Omit<FnNode, "kind" | "body"> {
  readonly kind: "header";
  readonly wrong: boolean;
}

/** The function of a header, a body and the end of its last brace; `undefined` if a type of the header is invalid. */
export function fnOf({ wrong, span, ...header }: HeaderNode, body: FnNode["body"], end: number): FnNode | undefined {
  return wrong ? undefined : { ...header, kind: "fn", body, span: { ...span, end } };
}

/** The `{` of a kernel block; it carries nothing but its place. */
export interface KernelHeaderNode {
  readonly kind: "kernelHeader";
  readonly span: Span;
}

/** The `}` of a function or of a kernel block. */
export interface CloseNode {
  readonly kind: "close";
  readonly span: Span;
}

export type PieceNode = ConstNode | HeaderNode | LetNode | ReturnNode | KernelHeaderNode | CloseNode | ExpressionNode;

/** A type as written; `undefined` if its element type does not exist. */
type MaybeType = TypeNode | undefined;

/** A name bound by a `let`, and its declared type if it has one. */
interface Binding {
  readonly name: NameBinding;
  readonly type: MaybeType;
}

export function buildTree(node: CstNode, context: BuildContext): PieceNode {
  return build<PieceNode>(node, context);
}

type Action = (context: BuildContext, node: CstNode, ...parts: CstNode[]) => unknown;

// Unchecked: each action below declares the type of its result, and its callers rely on that.
function build<T>(node: CstNode, context: BuildContext): T {
  const action = actions[node.rule];
  return (action === undefined ? build(node.child(0), context) : action(context, node, ...node.children)) as T;
}

/** The nodes of a comma-separated list; empty if the list is absent. */
function buildList<T>(list: CstNode, context: BuildContext): T[] {
  if (list.rule === "ListOf" || list.rule === "_iter") return list.size === 0 ? [] : buildList(list.child(0), context);
  if (list.size === 0) return [];
  const [first, , rest] = list.children as [CstNode, CstNode, CstNode];
  return [first, ...rest.children].map((child) => build<T>(child, context));
}

/** The node of an optional part; `undefined` if the part is absent. */
function buildOptional<T>(node: CstNode, context: BuildContext): T | undefined {
  return node.size === 0 ? undefined : build<T>(node.child(0), context);
}

function spanAt({ start, end }: CstNode, context: BuildContext): Span {
  return context.place(start, end);
}

function textAt({ start, end }: CstNode, context: BuildContext): string {
  return context.text.slice(start, end);
}

function chain(
  context: BuildContext,
  whole: CstNode,
  first: CstNode,
  operators: CstNode,
  operands: CstNode,
): ExpressionNode {
  const node = build<ExpressionNode>(first, context);
  if (operators.size === 0) return node;
  const rest = operators.children.map((operator, i): ChainLink => {
    return {
      operator: textAt(operator, context) as InfixOperator,
      operatorSpan: spanAt(operator, context),
      operand: build<ExpressionNode>(operands.child(i), context),
    };
  });
  return { kind: "chain", first: node, rest, span: spanAt(whole, context) };
}

function nameBinding(node: CstNode, context: BuildContext): NameBinding {
  return { name: textAt(node, context), span: spanAt(node, context) };
}

const actions: Readonly<Record<string, Action>> = {
  FnHeader(context, node, _fn, name, _open, params, _close, _arrow, results): HeaderNode {
    const before = context.diagnostics.length;
    const header = build<NameBinding>(name, context);
    return {
      kind: "header",
      name: header.name,
      nameSpan: header.span,
      params: buildList<ParamNode>(params, context),
      results: build<ResultNode[]>(results, context),
      resultsSpan: spanAt(results, context),
      span: spanAt(node, context),
      // Params and results have been built above.
      wrong: context.diagnostics.length > before,
    };
  },
  Param(context, node, name, _colon, type, contract, trained): Omit<ParamNode, "type"> & { type: MaybeType } {
    const { name: text, span: nameSpan } = build<NameBinding>(name, context);
    return {
      name: text,
      nameSpan,
      type: build<MaybeType>(type, context),
      contract: buildOptional<ContractNode>(contract, context),
      trained: trained.size > 0 ? spanAt(trained, context) : undefined,
      span: spanAt(node, context),
    };
  },
  Contract(context, node, _word, _open, axes): ContractNode {
    return { axes: buildList<number>(axes, context), span: spanAt(node, context) };
  },
  Axis(context, _node, sign, number): number {
    const size = Number(textAt(number, context));
    return sign.size > 0 ? -size : size;
  },
  Results_list(context, _node, _open, results): ResultNode[] {
    return buildList<ResultNode>(results, context);
  },
  Results_one(context, _node, type) {
    const span = spanAt(type, context);
    return [{ name: undefined, nameSpan: undefined, type: build<MaybeType>(type, context), span }];
  },
  Result_named(context, node, name, _colon, type) {
    const { name: text, span: nameSpan } = build<NameBinding>(name, context);
    return { name: text, nameSpan, type: build<MaybeType>(type, context), span: spanAt(node, context) };
  },
  Result_unnamed(context, _node, type) {
    const span = spanAt(type, context);
    return { name: undefined, nameSpan: undefined, type: build<MaybeType>(type, context), span };
  },
  Type(context, node, element, shape): MaybeType {
    const { name, span } = build<NameBinding>(element, context);
    const dims = buildOptional<NameBinding[]>(shape, context) ?? [];
    const opaque = name === "opaque" && dims.length === 0;
    if (!isElementType(name) && !opaque) {
      context.diagnostics.push(syntaxErrors.unknownElement(span, name, elementTypes));
      return undefined;
    }
    return {
      element: isElementType(name) ? name : opaqueType.element,
      opaque,
      shape: dims.map((dim) => (/^[0-9]/.test(dim.name) ? Number(dim.name) : dim.name)),
      dimSpans: dims.map((dim) => dim.span),
      span: spanAt(node, context),
    };
  },
  Shape(context, _node, _open, dims): NameBinding[] {
    return buildList<NameBinding>(dims, context);
  },
  dimension(context, node): NameBinding {
    return nameBinding(node, context);
  },
  name(context, node): NameBinding {
    return nameBinding(node, context);
  },
  KernelHeader(context, node): KernelHeaderNode {
    return { kind: "kernelHeader", span: spanAt(node, context) };
  },
  Close(context, node): CloseNode {
    return { kind: "close", span: spanAt(node, context) };
  },
  Let(context, node, _let, pattern, _equals, value): LetNode {
    const bindings = build<readonly Binding[]>(pattern, context);
    const [names, types] = [bindings.map(({ name }) => name), bindings.map(({ type }) => type)];
    return { kind: "let", names, types, value: build(value, context), span: spanAt(node, context) };
  },
  Pattern_several(context, _node, _open, bindings) {
    return buildList<Binding>(bindings, context);
  },
  Pattern_one(context, _node, binding) {
    return [build<Binding>(binding, context)];
  },
  Binding(context, _node, name, _colon, type): Binding {
    return { name: build<NameBinding>(name, context), type: buildOptional<MaybeType>(type, context) };
  },
  Const(context, node, _const, name, _colon, type, contract, _equals, value): ConstNode {
    const { name: text, span: nameSpan } = build<NameBinding>(name, context);
    return {
      kind: "const",
      name: text,
      nameSpan,
      type: build<MaybeType>(type, context),
      contract: buildOptional<ContractNode>(contract, context),
      value: build<ExpressionNode>(value, context),
      span: spanAt(node, context),
    };
  },
  Return(context, node, _return, values): ReturnNode {
    return { kind: "return", values: buildList(values, context), span: spanAt(node, context) };
  },

  Expression: chain,
  And: chain,
  Comparison: chain,
  Sum: chain,
  Product: chain,
  Unary(context, node, operators, primary): ExpressionNode {
    const whole = spanAt(node, context);
    const operand = build<ExpressionNode>(primary, context);
    return operators.children.reduceRight<ExpressionNode>((inner, operator) => {
      const { start } = spanAt(operator, context);
      const span = { ...whole, start };
      return { kind: "unary", operator: textAt(operator, context) as PrefixOperator, operand: inner, span };
    }, operand);
  },
  Primary_parenthesized(context, _node, _open, value) {
    return build(value, context);
  },
  Primary_list(context, node, _open, items): ExpressionNode {
    return { kind: "list", items: buildList(items, context), span: spanAt(node, context) };
  },
  Primary_call(context, node, callee, _open, args): ExpressionNode {
    const { name, span: calleeSpan } = build<NameBinding>(callee, context);
    const built = buildList<ArgumentNode>(args, context);
    return { kind: "call", callee: name, calleeSpan, args: built, span: spanAt(node, context) };
  },
  Primary_name(context, _node, name): ExpressionNode {
    return context.folded(name.start) ?? { kind: "name", ...build<NameBinding>(name, context) };
  },
  Argument_named(context, node, name, _equals, value): ArgumentNode {
    const { name: text, span: nameSpan } = build<NameBinding>(name, context);
    return { name: text, nameSpan, value: attributeValue(value, context), span: spanAt(node, context) };
  },
  Argument_positional(context, _node, value): ArgumentNode {
    const span = spanAt(value, context);
    return { name: undefined, nameSpan: undefined, value: build(value, context), span };
  },
  number(context, node): ExpressionNode {
    const [text, span] = [textAt(node, context), spanAt(node, context)];
    const value = Number(text);
    if (Number.isFinite(value)) return { kind: "number", value, text, span };
    context.diagnostics.push(lexicalErrors.numberTooLarge(span, text));
    return { kind: "error", span };
  },
  word(context, node): ExpressionNode {
    const [text, span] = [textAt(node, context), spanAt(node, context)];
    if (text === "true" || text === "false") return { kind: "boolean", value: text === "true", span };
    return { kind: "number", value: text === "inf" ? Infinity : Number.NaN, text, span };
  },
  string(context, node): ExpressionNode {
    return { kind: "string", value: textAt(node, context).slice(1, -1), span: spanAt(node, context) };
  },
};

/** A name after `attribute =` is an element type if it is the name of one and not a value. */
function attributeValue(node: CstNode, context: BuildContext): ExpressionNode {
  const value = build<ExpressionNode>(node, context);
  if (value.kind !== "name" || !isElementType(value.name) || context.bound.has(value.name)) return value;
  return { kind: "elementType", element: value.name, span: value.span };
}

/** From ohm's match of one piece to nodes of the syntax tree, and what is wrong with a piece that matches. */

import type { Interval, MatchResult, Node } from "ohm-js";
import { grammar } from "../../grammar/tir.ts";
import type { Diagnostic, Source, Span } from "../diagnostics/diagnostic.ts";
import { lexicalErrors } from "../diagnostics/errors-lexical.ts";
import { syntaxErrors } from "../diagnostics/errors-syntax.ts";
import { elementTypes, isElementType, opaqueType } from "../ir/types.ts";
import type { Token } from "./scan.ts";
import type {
  ArgumentNode,
  ChainLink,
  ConstNode,
  ContractNode,
  ExpressionNode,
  InfixOperator,
  LetNode,
  NameBinding,
  ParamNode,
  PrefixOperator,
  ResultNode,
  ReturnNode,
  TypeNode,
} from "./syntax.ts";

export interface BuildContext {
  readonly source: Source;
  readonly diagnostics: Diagnostic[];
  readonly bound: ReadonlyMap<string, unknown>;
  /** The token of which the matched text has a character at this offset. */
  readonly tokenAt: (offset: number) => Token;
  /** What the names stand for that represent a part which was matched before. */
  readonly folded: ReadonlyMap<Token, ExpressionNode>;
}

/** A header whose types are not all right is built all the same: `wrong` says so. */
export interface HeaderNode {
  readonly kind: "header";
  readonly name: string;
  readonly nameSpan: Span;
  readonly params: readonly ParamNode[];
  readonly results: readonly ResultNode[];
  readonly resultsSpan: Span;
  readonly span: Span;
  readonly wrong: boolean;
}

/** The `{` of a kernel block says no more than its place. */
export interface KernelHeaderNode {
  readonly kind: "kernelHeader";
  readonly span: Span;
}

export type PieceNode = ConstNode | HeaderNode | LetNode | ReturnNode | KernelHeaderNode | ExpressionNode;

/** A type as written, before its element type is known to exist. */
type MaybeType = TypeNode | undefined;

/** A name that a `let` binds, with the type that it declares. */
interface Binding {
  readonly name: NameBinding;
  readonly type: MaybeType;
}

export function buildTree(match: MatchResult, context: BuildContext): PieceNode {
  return semantics(match).node(context);
}

const semantics = grammar.createSemantics();

// ohm's nodes are untyped: each action below says what it makes, and its callers rely on that.
type Built = Node & { node(context: BuildContext): never };

function build<T>(node: Node, context: BuildContext): T {
  return (node as Built).node(context);
}

/** The nodes of a `ListOf`. */
function buildList<T>(list: Node, context: BuildContext): T[] {
  return (list.asIteration() as Node).children.map((child) => build<T>(child, context));
}

/** What an optional part was, if it is there. */
function buildOptional<T>(node: Node, context: BuildContext): T | undefined {
  const child = node.children[0];
  return child === undefined ? undefined : build<T>(child, context);
}

function spanAt({ startIdx, endIdx }: Interval, { source, tokenAt }: BuildContext): Span {
  return { source, start: tokenAt(startIdx).start, end: tokenAt(endIdx - 1).end };
}

/** The token at which a node begins. What ohm matched stands in for its text. */
function tokenOf(node: Node): Token {
  return contextOf(node).tokenAt(node.source.startIdx);
}

function contextOf(node: Node): BuildContext {
  return (node as Node & { args: { context: BuildContext } }).args.context;
}

function chain(whole: Node, first: Node, operators: Node, operands: Node): ExpressionNode {
  const context = contextOf(whole);
  const node = build<ExpressionNode>(first, context);
  if (operators.numChildren === 0) return node;
  const rest = operators.children.map((operator, i): ChainLink => {
    return {
      operator: operator.sourceString as InfixOperator,
      operatorSpan: spanAt(operator.source, context),
      operand: build<ExpressionNode>(operands.children[i] as Node, context),
    };
  });
  return { kind: "chain", first: node, rest, span: spanAt(whole.source, context) };
}

/** `a < b && b < c` for `a < b < c`, where that is short. */
function unchained(first: ExpressionNode, rest: readonly ChainLink[]): string {
  const text = ({ span }: ExpressionNode) => span.source.text.slice(span.start, span.end);
  const [one, two] = rest as [ChainLink, ChainLink];
  const parts = [
    text(first),
    one.operator,
    text(one.operand),
    "&&",
    text(one.operand),
    two.operator,
    text(two.operand),
  ];
  const example = parts.join(" ");
  return example.length > 60 || example.includes("\n") ? "a < b && b < c" : example;
}

function numberNode(node: Node): ExpressionNode {
  const context = contextOf(node);
  const span = spanAt(node.source, context);
  const { text } = tokenOf(node);
  const value = Number(text);
  if (Number.isFinite(value)) return { kind: "number", value, text, span };
  context.diagnostics.push(lexicalErrors.numberTooLarge(span, text));
  return { kind: "error", span };
}

function literalNode(node: Node): ExpressionNode {
  const span = spanAt(node.source, contextOf(node));
  const text = node.sourceString;
  if (text === "true" || text === "false") return { kind: "boolean", value: text === "true", span };
  return { kind: "number", value: text === "inf" ? Infinity : Number.NaN, text, span };
}

function nameBinding(node: Node): NameBinding {
  return { name: tokenOf(node).text, span: spanAt(node.source, contextOf(node)) };
}

semantics.addOperation<unknown>("node(context)", {
  FnHeader(_fn, name, _open, params, _close, _arrow, results, _brace): HeaderNode {
    const context = contextOf(this);
    const before = context.diagnostics.length;
    const header = build<NameBinding>(name, context);
    return {
      kind: "header",
      name: header.name,
      nameSpan: header.span,
      params: buildList<ParamNode>(params, context),
      results: build<ResultNode[]>(results, context),
      resultsSpan: spanAt(results.source, context),
      span: spanAt(this.source, context),
      // Params and results have been built above.
      wrong: context.diagnostics.length > before,
    };
  },
  Param(name, _colon, type, contract): Omit<ParamNode, "type"> & { type: MaybeType } {
    const context = contextOf(this);
    const { name: text, span: nameSpan } = build<NameBinding>(name, context);
    return {
      name: text,
      nameSpan,
      type: build<MaybeType>(type, context),
      contract: buildOptional<ContractNode>(contract, context),
      span: spanAt(this.source, context),
    };
  },
  Contract(_word, _open, axes, _close): ContractNode {
    const context = contextOf(this);
    return { axes: buildList<number>(axes, context), span: spanAt(this.source, context) };
  },
  Axis(sign, number): number {
    const size = Number(contextOf(this).tokenAt(number.source.startIdx).text);
    return sign.numChildren > 0 ? -size : size;
  },
  Results_list(_open, results, _close): ResultNode[] {
    return buildList<ResultNode>(results, contextOf(this));
  },
  Results_one(type) {
    const context = contextOf(this);
    const span = spanAt(type.source, context);
    return [{ name: undefined, nameSpan: undefined, type: build<MaybeType>(type, context), span }];
  },
  Result_named(name, _colon, type) {
    const context = contextOf(this);
    const { name: text, span: nameSpan } = build<NameBinding>(name, context);
    return { name: text, nameSpan, type: build<MaybeType>(type, context), span: spanAt(this.source, context) };
  },
  Result_unnamed(type) {
    const context = contextOf(this);
    const span = spanAt(type.source, context);
    return { name: undefined, nameSpan: undefined, type: build<MaybeType>(type, context), span };
  },
  Type(element, shape): MaybeType {
    const context = contextOf(this);
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
      span: spanAt(this.source, context),
    };
  },
  Shape(_open, dims, _close): NameBinding[] {
    return buildList<NameBinding>(dims, contextOf(this));
  },
  dimension(_): NameBinding {
    return nameBinding(this);
  },
  name(_first, _rest): NameBinding {
    return nameBinding(this);
  },
  KernelHeader(_kernel, _open): KernelHeaderNode {
    return { kind: "kernelHeader", span: spanAt(this.source, contextOf(this)) };
  },
  Let(_let, pattern, _equals, value): LetNode {
    const context = contextOf(this);
    const bindings = build<readonly Binding[]>(pattern, context);
    const [names, types] = [bindings.map(({ name }) => name), bindings.map(({ type }) => type)];
    return { kind: "let", names, types, value: build(value, context), span: spanAt(this.source, context) };
  },
  Pattern_several(_open, bindings, _close) {
    return buildList<Binding>(bindings, contextOf(this));
  },
  Pattern_one(binding) {
    return [build<Binding>(binding, contextOf(this))];
  },
  Binding(name, _colon, type): Binding {
    const context = contextOf(this);
    return { name: build<NameBinding>(name, context), type: buildOptional<MaybeType>(type, context) };
  },
  Const(_const, name, _colon, type, contract, _equals, value): ConstNode {
    const context = contextOf(this);
    const { name: text, span: nameSpan } = build<NameBinding>(name, context);
    return {
      kind: "const",
      name: text,
      nameSpan,
      type: build<MaybeType>(type, context),
      contract: buildOptional<ContractNode>(contract, context),
      value: build<ExpressionNode>(value, context),
      span: spanAt(this.source, context),
    };
  },
  Return(_return, values): ReturnNode {
    const context = contextOf(this);
    return { kind: "return", values: buildList(values, context), span: spanAt(this.source, context) };
  },

  Or(first, operators, operands) {
    return chain(this, first, operators, operands);
  },
  And(first, operators, operands) {
    return chain(this, first, operators, operands);
  },
  Sum(first, operators, operands) {
    return chain(this, first, operators, operands);
  },
  Product(first, operators, operands) {
    return chain(this, first, operators, operands);
  },
  Comparison(first, operators, operands) {
    const node = chain(this, first, operators, operands);
    if (node.kind !== "chain" || operators.numChildren < 2) return node;
    const [one, two] = node.rest as [ChainLink, ChainLink];
    const example = unchained(node.first, node.rest);
    contextOf(this).diagnostics.push(syntaxErrors.chainedComparison(two.operatorSpan, one.operatorSpan, example));
    return { kind: "error", span: node.span };
  },
  Unary(operators, primary): ExpressionNode {
    const context = contextOf(this);
    const whole = spanAt(this.source, context);
    const operand = build<ExpressionNode>(primary, context);
    return operators.children.reduceRight<ExpressionNode>((inner, operator) => {
      const { start } = spanAt(operator.source, context);
      const span = { ...whole, start };
      return { kind: "unary", operator: operator.sourceString as PrefixOperator, operand: inner, span };
    }, operand);
  },
  Primary_parenthesized(_open, value, _close) {
    return build(value, contextOf(this));
  },
  Primary_list(_open, items, _close): ExpressionNode {
    const context = contextOf(this);
    return { kind: "list", items: buildList(items, context), span: spanAt(this.source, context) };
  },
  Primary_call(callee, _open, args, _close): ExpressionNode {
    const context = contextOf(this);
    const { name, span: calleeSpan } = build<NameBinding>(callee, context);
    const built = buildList<ArgumentNode>(args, context);
    return { kind: "call", callee: name, calleeSpan, args: built, span: spanAt(this.source, context) };
  },
  Primary_name(name): ExpressionNode {
    const context = contextOf(this);
    const inner = context.folded.get(context.tokenAt(name.source.startIdx));
    return inner ?? { kind: "name", ...build<NameBinding>(name, context) };
  },
  Argument_named(name, _equals, value): ArgumentNode {
    const context = contextOf(this);
    const { name: text, span: nameSpan } = build<NameBinding>(name, context);
    return { name: text, nameSpan, value: attributeValue(value, context), span: spanAt(this.source, context) };
  },
  Argument_positional(value): ArgumentNode {
    const context = contextOf(this);
    const span = spanAt(value.source, context);
    return { name: undefined, nameSpan: undefined, value: build(value, context), span };
  },
  number(_whole, _point, _fraction, _e, _sign, _exponent) {
    return numberNode(this);
  },
  literal(_) {
    return /^[0-9]/.test(this.sourceString) ? numberNode(this) : literalNode(this);
  },
  string(_open, _text, _close): ExpressionNode {
    const value = contextOf(this).tokenAt(this.source.startIdx).text.slice(1, -1);
    return { kind: "string", value, span: spanAt(this.source, contextOf(this)) };
  },
});

/** A name after `attribute =` is an element type if it is called like one and is no value. */
function attributeValue(node: Node, context: BuildContext): ExpressionNode {
  const value = build<ExpressionNode>(node, context);
  if (value.kind !== "name" || !isElementType(value.name) || context.bound.has(value.name)) return value;
  return { kind: "elementType", element: value.name, span: value.span };
}

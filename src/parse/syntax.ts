/**
 * The syntax tree: a file as written, before names and types are resolved.
 *
 * - chain: a sequence of operators of one precedence, from left to right. The list is flat, so that `a + b + ...` of
 *   10,000 terms is one node and traversals of the tree do not recurse once per term.
 * - argument: one item between the parentheses of a call; the op table tells named operands from attributes.
 * - error: replaces an expression that did not parse and has been reported; later passes do not report it again.
 */

import type { Span } from "../diagnostics/diagnostic.ts";
import type { Dim, ElementType } from "../ir/types.ts";

export interface FileNode {
  readonly kind: "file";
  readonly consts: readonly ConstNode[];
  /** A function whose header is invalid is reported and left out. */
  readonly fns: readonly FnNode[];
  readonly span: Span;
}

/** `const name: type = value`: the value is a literal, lists of them, a call of `load`, or an op of other consts. */
export interface ConstNode {
  readonly kind: "const";
  readonly name: string;
  readonly nameSpan: Span;
  /** Missing if the type is invalid, which has been reported. */
  readonly type: TypeNode | undefined;
  readonly contract: ContractNode | undefined;
  readonly value: ExpressionNode;
  readonly span: Span;
}

export interface FnNode {
  readonly kind: "fn";
  readonly name: string;
  readonly nameSpan: Span;
  readonly params: readonly ParamNode[];
  readonly results: readonly ResultNode[];
  /** From the first declared result to the last. */
  readonly resultsSpan: Span;
  /** Ends with a `return`, unless a missing one has been reported. */
  readonly body: readonly StatementNode[];
  readonly span: Span;
}

/** `@centered(-1)`: the caller promises rows of mean zero over these axes. */
export interface ContractNode {
  readonly axes: readonly number[];
  readonly span: Span;
}

export interface ParamNode {
  readonly name: string;
  readonly nameSpan: Span;
  readonly type: TypeNode;
  readonly contract: ContractNode | undefined;
  /** The span of `@trained`, if present. */
  readonly trained: Span | undefined;
  readonly span: Span;
}

export interface ResultNode {
  readonly name: string | undefined;
  readonly nameSpan: Span | undefined;
  readonly type: TypeNode;
  readonly span: Span;
}

export interface TypeNode {
  readonly element: ElementType;
  /** `opaque`: the other fields are meaningless. */
  readonly opaque: boolean;
  readonly shape: readonly Dim[];
  /** The span of each dimension. */
  readonly dimSpans: readonly Span[];
  readonly span: Span;
}

export type StatementNode = LetNode | ReturnNode | KernelNode;

export interface NameBinding {
  readonly name: string;
  readonly span: Span;
}

export interface LetNode {
  readonly kind: "let";
  /** More than one in `let (a, b) = ...`. */
  readonly names: readonly NameBinding[];
  /** One for each name; `undefined` if the name has none. */
  readonly types: readonly (TypeNode | undefined)[];
  readonly value: ExpressionNode;
  readonly span: Span;
}

export interface ReturnNode {
  readonly kind: "return";
  readonly values: readonly ExpressionNode[];
  readonly span: Span;
}

/** `kernel { let ... }`: statements compiled to one kernel. Their names stay visible after the block. */
export interface KernelNode {
  readonly kind: "kernel";
  readonly body: readonly LetNode[];
  readonly span: Span;
}

export type PrefixOperator = "-" | "!";
export type InfixOperator = "||" | "&&" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "%";

/** One operator of a chain and its right operand. */
export interface ChainLink {
  readonly operator: InfixOperator;
  readonly operatorSpan: Span;
  readonly operand: ExpressionNode;
}

export interface ArgumentNode {
  readonly name: string | undefined;
  readonly nameSpan: Span | undefined;
  readonly value: ExpressionNode;
  readonly span: Span;
}

/** The `value` of a number is the float64 nearest to `text`; an infinity or NaN only for the words `inf` and `nan`. */
export type ExpressionNode = { readonly span: Span } & (
  | { readonly kind: "number"; readonly value: number; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  /** `value` has no quotes. */
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "elementType"; readonly element: ElementType }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "unary"; readonly operator: PrefixOperator; readonly operand: ExpressionNode }
  /** `first op operand op operand ...`, left-associative: `a - b + c` is `(a - b) + c`. A comparison has one link. */
  | { readonly kind: "chain"; readonly first: ExpressionNode; readonly rest: readonly ChainLink[] }
  | {
      readonly kind: "call";
      readonly callee: string;
      readonly calleeSpan: Span;
      readonly args: readonly ArgumentNode[];
    }
  | { readonly kind: "list"; readonly items: readonly ExpressionNode[] }
  | { readonly kind: "error" }
);

/** Expressions of one kind. */
type NodeOf<Kind extends ExpressionNode["kind"]> = Extract<ExpressionNode, { kind: Kind }>;
export type UnaryNode = NodeOf<"unary">;
export type ChainNode = NodeOf<"chain">;
export type CallNode = NodeOf<"call">;
export type ErrorNode = NodeOf<"error">;

/** Typed expressions of a kernel. Their constructors check types, so that every expression is well typed. */

import type { WgslFunction } from "../ir/ops/wgsl-functions.ts";
import { type Buffer, isLoadable } from "./buffer.ts";
import { invariant } from "./invariant.ts";
import { sameType, type Type, typeOf, u32, type Width } from "./types.ts";

/** A variable of a kernel. */
export interface Variable {
  readonly name: string;
  readonly type: Type;
  /** The number of elements of an array. */
  readonly length?: number;
  /** Whether it may be assigned to. */
  readonly isMutable: boolean;
  /** Whether it is in workgroup memory, not private to a lane. */
  readonly isShared?: true;
}

/** Builtin functions of WGSL with operands and a result of one type. Square roots count as transcendental, as in hardware. */
export const builtinFunctions = {
  abs: { operands: 1, isTranscendental: false },
  ceil: { operands: 1, isTranscendental: false },
  clamp: { operands: 3, isTranscendental: false },
  exp: { operands: 1, isTranscendental: true },
  floor: { operands: 1, isTranscendental: false },
  fma: { operands: 3, isTranscendental: false },
  inverseSqrt: { operands: 1, isTranscendental: true },
  max: { operands: 2, isTranscendental: false },
  min: { operands: 2, isTranscendental: false },
  round: { operands: 1, isTranscendental: false },
  sign: { operands: 1, isTranscendental: false },
  sqrt: { operands: 1, isTranscendental: true },
  trunc: { operands: 1, isTranscendental: false },
} as const;
/** The name of a builtin function. */
export type BuiltinFunction = keyof typeof builtinFunctions;

/** An operator of two operands, as WGSL writes it. */
export type BinaryOperator = "+" | "-" | "*" | "/" | "%" | "==" | "<" | "<=" | ">" | ">=" | "&&" | "&" | "|" | "^";
/** An operator of one operand. */
export type UnaryOperator = "-" | "!";

/** A function of the kernel. */
export interface KernelFunction {
  readonly name: string;
  readonly summary: string;
  readonly parameters: readonly Variable[];
  readonly steps: readonly { readonly variable: Variable; readonly value: Expression; readonly note?: string }[];
  readonly result: Expression;
}

/** An expression that a lane evaluates. */
export type Expression = { readonly type: Type } & (
  | { readonly kind: "literal"; readonly value: number }
  | { readonly kind: "read"; readonly variable: Variable }
  /** An element of an array. */
  | { readonly kind: "item"; readonly variable: Variable; readonly index: Expression }
  | { readonly kind: "load"; readonly buffer: Buffer; readonly index: Expression }
  /** The extent of a symbolic dimension. */
  | { readonly kind: "dimension"; readonly name: string }
  /** The index of the invocation in its workgroup. */
  | { readonly kind: "local" }
  /** The number of invocations in a subgroup, as chosen by the device. */
  | { readonly kind: "subgroupSize" }
  | { readonly kind: "unary"; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "select"; readonly no: Expression; readonly yes: Expression; readonly condition: Expression }
  | { readonly kind: "call"; readonly name: BuiltinFunction; readonly args: readonly Expression[] }
  /** A function of the WGSL library. */
  | { readonly kind: "library"; readonly name: WgslFunction; readonly args: readonly Expression[] }
  | { readonly kind: "apply"; readonly callee: KernelFunction; readonly args: readonly Expression[] }
  /** A value of the type: zero, one value converted or repeated, or a vector from its components. */
  | { readonly kind: "construct"; readonly args: readonly Expression[] }
  | { readonly kind: "component"; readonly of: Expression; readonly index: number }
  /** The operand, opaque to the driver's compiler, so that it does not simplify sums across it. */
  | { readonly kind: "opaque"; readonly operand: Expression }
  /** The operand's value in the lane of the subgroup whose index differs in the bits of `mask`. */
  | { readonly kind: "shuffle"; readonly operand: Expression; readonly mask: number }
);

/** Expressions of one kind. */
export type ExpressionOf<Kind extends Expression["kind"]> = Extract<Expression, { kind: Kind }>;

/** An expression, or a literal number whose type follows from its use. */
export type Operand = Expression | number;

export function literal(type: Type, value: number): Expression {
  return { kind: "literal", type, value };
}

/** A literal count of steps, rows or elements. */
export const count = (value: number): Expression => literal(u32, value);

export function read(variable: Variable): Expression {
  return { kind: "read", type: variable.type, variable };
}

export function item(variable: Variable, index: Operand): Expression {
  invariant(variable.length !== undefined, () => `${variable.name} is not an array`);
  return { kind: "item", type: variable.type, variable, index: asIndex(index) };
}

/** @param width 1 for one element of a buffer of vectors, more for a whole word. The index is in units of `width` elements. */
export function load(buffer: Buffer, index: Operand, width: Width = buffer.type.width): Expression {
  invariant(isLoadable(width, buffer), () => `${width} elements of ${buffer.wgsl}`);
  const type = width === buffer.type.width ? buffer.type : typeOf(buffer.type.scalar, width);
  return { kind: "load", type, buffer, index: asIndex(index) };
}

export const dimension = (name: string): Expression => ({ kind: "dimension", type: u32, name });
export const local: Expression = { kind: "local", type: u32 };
export const subgroupSize: Expression = { kind: "subgroupSize", type: u32 };

/** The operand as an index: a u32. */
export const asIndex = (index: Operand): Expression => {
  const expression = typeof index === "number" ? count(index) : index;
  invariant(sameType(expression.type, u32), "an index is a u32");
  return expression;
};

/** `-x` or `!x`. */
export function unary(operator: UnaryOperator, operand: Expression): Expression {
  const isLogical = operand.type.scalar === "bool";
  invariant((operator === "!") === isLogical, () => `\`${operator}\` of ${operand.type.scalar}`);
  return { kind: "unary", type: operand.type, operator, operand };
}

const arithmetic: ReadonlySet<BinaryOperator> = new Set(["+", "-", "*", "/", "%"]);
const bitwise: ReadonlySet<BinaryOperator> = new Set(["&", "|", "^"]);

/** A number on one side becomes a scalar of the other side's type. */
export function binary(operator: BinaryOperator, left: Operand, right: Operand): Expression {
  const typed = typeof left === "number" ? right : left;
  invariant(typeof typed !== "number", "two numbers have no type");
  const [a, b] = [left, right].map((side) =>
    typeof side === "number" ? literal(typeOf(typed.type.scalar), side) : side,
  ) as [Expression, Expression];
  const isArithmetic = arithmetic.has(operator);
  invariant(a.type.scalar === b.type.scalar, () => `\`${operator}\` of ${a.type.scalar} and ${b.type.scalar}`);
  const mixes = isArithmetic && operator !== "%" && (a.type.width === 1 || b.type.width === 1);
  invariant(
    mixes || a.type.width === b.type.width,
    () => `\`${operator}\` of widths ${a.type.width} and ${b.type.width}`,
  );
  const isLogical = a.type.scalar === "bool";
  invariant(operator === "&&" ? isLogical : !(isArithmetic && isLogical), () => `\`${operator}\` of ${a.type.scalar}`);
  const width = Math.max(a.type.width, b.type.width);
  const scalar = isArithmetic || bitwise.has(operator) ? a.type.scalar : "bool";
  return { kind: "binary", type: typeOf(scalar, width), operator, left: a, right: b };
}

export const add = (a: Operand, b: Operand) => binary("+", a, b);
export const subtract = (a: Operand, b: Operand) => binary("-", a, b);
export const multiply = (a: Operand, b: Operand) => binary("*", a, b);
export const divide = (a: Operand, b: Operand) => binary("/", a, b);
export const remainder = (a: Operand, b: Operand) => binary("%", a, b);
export const equals = (a: Operand, b: Operand) => binary("==", a, b);
export const negate = (a: Expression) => unary("-", a);

/** The sum of these terms, if there is one. */
export function sumOf(terms: readonly Expression[]): Expression | undefined {
  return terms.length === 0 ? undefined : terms.reduce((sum, term) => add(sum, term));
}

/** The conjunction of these conditions; `undefined` if there are none. */
export function allOf(conditions: readonly Expression[]): Expression | undefined {
  return conditions.length === 0 ? undefined : conditions.reduce((all, one) => binary("&&", all, one));
}

/** `yes` if the condition holds, else `no`. */
export function select(no: Expression, yes: Expression, condition: Expression): Expression {
  invariant(sameType(no.type, yes.type), "the two values of a select have one type");
  const { scalar, width } = condition.type;
  invariant(scalar === "bool" && (width === 1 || width === no.type.width), "the condition of a select is a bool");
  return { kind: "select", type: no.type, no, yes, condition };
}

/** A call of a builtin function of WGSL. */
export function call(name: BuiltinFunction, ...args: readonly Expression[]): Expression {
  const { type } = args[0] as Expression;
  invariant(args.length === builtinFunctions[name].operands, () => `${name} of ${args.length} operands`);
  invariant(
    args.every((arg) => sameType(arg.type, type)),
    () => `the operands of ${name} have one type`,
  );
  return { kind: "call", type, name, args };
}

/** A call of a library function: from f32 to f32, component by component. */
export function library(name: WgslFunction, ...args: readonly Expression[]): Expression {
  const { type } = args[0] as Expression;
  invariant(
    args.every((arg) => arg.type.scalar === "f32" && sameType(arg.type, type)),
    () => `the operands of ${name} are f32`,
  );
  return { kind: "library", type, name, args };
}

export function apply(callee: KernelFunction, ...args: readonly Expression[]): Expression {
  const { parameters, result, name } = callee;
  invariant(
    args.length === parameters.length && args.every((arg, i) => sameType(arg.type, (parameters[i] as Variable).type)),
    () => `the arguments of ${name} match its parameters`,
  );
  return { kind: "apply", type: result.type, callee, args };
}

export function construct(type: Type, ...args: readonly Expression[]): Expression {
  const width = args.reduce((sum, arg) => sum + arg.type.width, 0);
  const isWhole = args.length === 0 || width === type.width || (args.length === 1 && width === 1);
  invariant(isWhole, () => `${width} components for ${type.width}`);
  invariant(
    args.length < 2 || args.every((arg) => arg.type.scalar === type.scalar),
    "components have the vector's scalar type",
  );
  return { kind: "construct", type, args };
}

/** The value as a vector of `width` components. */
export const widened = (value: Expression, width: number): Expression =>
  value.type.width === width ? value : construct(typeOf(value.type.scalar, width), value);

export function component(of: Expression, index: number): Expression {
  invariant(index < of.type.width && of.type.width > 1, () => `component ${index} of ${of.type.width}`);
  return { kind: "component", type: typeOf(of.type.scalar), of, index };
}

export function field(of: Expression, name: string): Expression {
  const index = of.type.fields?.indexOf(name) ?? -1;
  invariant(index >= 0, () => `there is no field ${name}`);
  return component(of, index);
}

/**
 * Hides a value's definition from the driver's compiler. WGSL allows compilers to reassociate and contract arithmetic, which
 * would break two properties:
 *
 * - The shift and the mean of a row are separate, so that rows far from 0 lose no digits. If elements are products with a
 *   common factor, as in scaled rows, Mesa factors it out of their sums and adds shift and mean first.
 * - A strict kernel rounds each product before it is added to another value.
 */
export function opaque(operand: Expression): Expression {
  invariant(operand.type.scalar === "f32", "an opaque value is a float");
  return { kind: "opaque", type: operand.type, operand };
}

export function shuffle(operand: Expression, mask: number): Expression {
  return { kind: "shuffle", type: operand.type, operand, mask };
}

/** How the operands of a kind of expression are listed, and replaced by others of the same number. */
interface Form<Kind extends Expression["kind"]> {
  operands(expression: ExpressionOf<Kind>): readonly Expression[];
  rebuilt(expression: ExpressionOf<Kind>, operands: readonly [Expression, Expression, Expression]): Expression;
}

const leaf = { operands: () => [], rebuilt: (expression: Expression) => expression };

const forms: { readonly [Kind in Expression["kind"]]: Form<Kind> } = {
  literal: leaf,
  read: leaf,
  dimension: leaf,
  local: leaf,
  subgroupSize: leaf,
  item: { operands: ({ index }) => [index], rebuilt: ({ variable }, [index]) => item(variable, index) },
  load: { operands: ({ index }) => [index], rebuilt: ({ buffer, type }, [index]) => load(buffer, index, type.width) },
  unary: { operands: ({ operand }) => [operand], rebuilt: ({ operator }, [operand]) => unary(operator, operand) },
  opaque: { operands: ({ operand }) => [operand], rebuilt: (_, [operand]) => opaque(operand) },
  shuffle: { operands: ({ operand }) => [operand], rebuilt: ({ mask }, [operand]) => shuffle(operand, mask) },
  binary: { operands: ({ left, right }) => [left, right], rebuilt: ({ operator }, [a, b]) => binary(operator, a, b) },
  select: { operands: ({ no, yes, condition }) => [no, yes, condition], rebuilt: (_, operands) => select(...operands) },
  call: { operands: ({ args }) => args, rebuilt: ({ name }, args) => call(name, ...args) },
  library: { operands: ({ args }) => args, rebuilt: ({ name }, args) => library(name, ...args) },
  apply: { operands: ({ args }) => args, rebuilt: ({ callee }, args) => apply(callee, ...args) },
  construct: { operands: ({ args }) => args, rebuilt: ({ type }, args) => construct(type, ...args) },
  component: { operands: ({ of }) => [of], rebuilt: ({ index }, [of]) => component(of, index) },
};

const formOf = ({ kind }: Expression) => forms[kind] as Form<Expression["kind"]>;

/** The operands of an expression. */
export const partsOf = (expression: Expression): readonly Expression[] => formOf(expression).operands(expression);

/** The same expression with other operands, in the order of `partsOf`. Its type is inferred again. */
export const rebuild = (expression: Expression, parts: readonly Expression[]): Expression =>
  formOf(expression).rebuilt(expression, parts as [Expression, Expression, Expression]);

/** The expression, its operands, theirs, and so on. */
export function withParts(expression: Expression): readonly Expression[] {
  const all = [expression];
  // Parts are appended while the list is read.
  for (const part of all) for (const operand of partsOf(part)) all.push(operand);
  return all;
}

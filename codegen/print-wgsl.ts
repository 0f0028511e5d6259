/** Prints expressions and statements of the kernel IR as WGSL. It knows no op of the language. */

import { type WgslFunction, wgslFunctionName } from "../src/ir/ops/wgsl-functions.ts";
import { printNumber } from "../src/ir/print.ts";
import type { Buffer } from "../src/kernel/buffer.ts";
import type { BinaryOperator, Expression, ExpressionOf, KernelFunction, Variable } from "../src/kernel/expression.ts";
import type { Program, Statement, StatementOf } from "../src/kernel/statement.ts";
import { type Scalar, type Type, typeOf } from "../src/kernel/types.ts";
import { printElement, printLoad, printStore } from "./buffers.ts";
import { Writer } from "./writer.ts";

const letters = { f32: "f", i32: "i", u32: "u" } as const;

export function printType({ scalar, width }: Type): string {
  if (width === 1) return scalar;
  return scalar === "bool" ? `vec${width}<bool>` : `vec${width}${letters[scalar]}`;
}

/** The precedence of an expression: an operand of lower precedence than its operator requires gets parentheses. */
const precedence = { or: 1, and: 2, relation: 3, bits: 4, sum: 5, product: 6, unary: 7, primary: 8 } as const;

export interface Text {
  readonly text: string;
  readonly precedence: number;
}

export const primary = (text: string): Text => ({ text, precedence: precedence.primary });

/** The precedence of an operator, and the least of its operands (https://www.w3.org/TR/WGSL/#operator-precedence-associativity). */
const operators: Readonly<Record<BinaryOperator, { precedence: number; left: number; right: number }>> = {
  "*": { precedence: precedence.product, left: precedence.product, right: precedence.unary },
  "/": { precedence: precedence.product, left: precedence.product, right: precedence.unary },
  "%": { precedence: precedence.product, left: precedence.product, right: precedence.unary },
  "+": { precedence: precedence.sum, left: precedence.sum, right: precedence.product },
  "-": { precedence: precedence.sum, left: precedence.sum, right: precedence.product },
  "<": { precedence: precedence.relation, left: precedence.sum, right: precedence.sum },
  "<=": { precedence: precedence.relation, left: precedence.sum, right: precedence.sum },
  ">": { precedence: precedence.relation, left: precedence.sum, right: precedence.sum },
  ">=": { precedence: precedence.relation, left: precedence.sum, right: precedence.sum },
  "==": { precedence: precedence.relation, left: precedence.sum, right: precedence.sum },
  "&": { precedence: precedence.bits, left: precedence.unary, right: precedence.unary },
  "|": { precedence: precedence.bits, left: precedence.unary, right: precedence.unary },
  "^": { precedence: precedence.bits, left: precedence.unary, right: precedence.unary },
  "&&": { precedence: precedence.and, left: precedence.and, right: precedence.relation },
};

const components = ["x", "y", "z", "w"] as const;

/** The number of the workgroup in a dispatch of two dimensions. */
const workgroupNumber = { text: "group.x + group.y * groups.x", precedence: precedence.sum };
/** 0 when the kernel runs, as a dispatch has two dimensions; unknown to the driver's compiler. */
const unknownZero = "groups.z - 1u";

/** The quad operation that exchanges values between the lanes whose numbers differ in the bits of a mask, by that mask. */
const quadSwaps: Readonly<Record<number, string>> = { 1: "quadSwapX", 2: "quadSwapY", 3: "quadSwapDiagonal" };

/** How names are printed that belong to more than one expression. */
export interface Names {
  /** A symbolic dimension. */
  dimension(name: string): string;
  /** The buffer with the name by which it is declared. */
  declared(buffer: Buffer): Buffer;
  /** The name of a declared buffer where `buffer` is read. */
  readBy(buffer: Buffer, declared: string): string;
}

/** Prints expressions and statements, and collects the functions that they call. */
export class WgslPrinter {
  /** The library functions that are called, by name and width. */
  readonly library = new Map<string, { readonly name: WgslFunction; readonly width: number }>();
  /** The kernel functions that are called, each after those that it calls. */
  readonly functions = new Set<KernelFunction>();
  /** Buffers of vectors, by their names, of which single elements are read. */
  readonly singly = new Set<string>();
  /** Buffers whose elements are parts of words, by their names, of which whole words are loaded or stored. */
  readonly words = new Set<string>();
  /** Buffers, by their names, into which elements are stored at their own width. */
  readonly elements = new Set<string>();
  /** The variables bound to workgroups and their teams, as expressions of builtin values. */
  readonly bound = new Map<Variable, Text>();
  private readonly names: Names;
  private readonly workgroupSize: number;
  private readonly usesQuads: boolean;

  constructor(
    names: Names,
    { workgroupSize = 1, usesQuads = false }: Partial<Pick<Program, "workgroupSize" | "usesQuads">> = {},
  ) {
    this.names = names;
    this.usesQuads = usesQuads;
    this.workgroupSize = workgroupSize;
  }

  print(expression: Expression): string {
    return this.text(expression).text;
  }

  /** The text, in parentheses if its precedence is below `least`. */
  private within(expression: Expression, least: number): string {
    const { text, precedence } = this.text(expression);
    return precedence < least ? `(${text})` : text;
  }

  private list(expressions: readonly Expression[]): string {
    return expressions.map((expression) => this.print(expression)).join(", ");
  }

  private text(expression: Expression): Text {
    switch (expression.kind) {
      case "literal":
        return primary(this.literal(expression));
      case "read":
        return this.bound.get(expression.variable) ?? primary(expression.variable.name);
      case "item":
        return primary(`${expression.variable.name}[${this.print(expression.index)}]`);
      case "load":
        return this.load(expression);
      case "dimension":
        return primary(this.names.dimension(expression.name));
      case "local":
        return primary("local");
      case "subgroupSize":
        return primary("subgroupSize");
      case "unary":
        return this.unary(expression);
      case "binary":
        return this.binary(expression);
      case "select":
        return primary(`select(${this.list([expression.no, expression.yes, expression.condition])})`);
      case "call":
        return primary(`${expression.name}(${this.list(expression.args)})`);
      case "library": {
        const args = this.list(expression.args);
        return primary(`${this.require(expression.name, expression.type.width)}(${args})`);
      }
      case "apply":
        return this.apply(expression);
      case "construct":
        return primary(`${this.typeName(expression.type)}(${this.list(expression.args)})`);
      case "component":
        return primary(`${this.within(expression.of, precedence.primary)}.${this.componentName(expression)}`);
      case "opaque":
        return this.opaque(expression);
      case "shuffle":
        return primary(this.shuffle(expression));
      default:
        return expression satisfies never;
    }
  }

  /**
   * Quad operations exchange values among four adjacent lanes. Unlike for a shuffle, Tint adds no check that the other lane
   * exists, and Mesa's compilers for AMD and Intel need no instruction that reads a register by its number.
   */
  protected shuffle({ operand, mask }: ExpressionOf<"shuffle">): string {
    const quad = this.usesQuads ? quadSwaps[mask] : undefined;
    return quad === undefined
      ? `subgroupShuffleXor(${this.print(operand)}, ${mask}u)`
      : `${quad}(${this.print(operand)})`;
  }

  protected typeName(type: Type): string {
    return printType(type);
  }

  protected componentName({ index }: ExpressionOf<"component">): string {
    return components[index] as string;
  }

  /** The name of a library function, which becomes part of the kernel. */
  require(name: WgslFunction, width: number): string {
    this.library.set(`${name} ${width}`, { name, width });
    return wgslFunctionName(name, width);
  }

  /** Negative numbers get parentheses. */
  protected literal({ type, value }: ExpressionOf<"literal">): string {
    const text = this.scalar(value, type.scalar);
    return type.width === 1 ? text : `${printType(type)}(${text})`;
  }

  private scalar(value: number, scalar: Scalar): string {
    if (scalar === "bool") return String(value !== 0);
    if (scalar === "u32") return `${value}u`;
    if (scalar === "i32") return value < 0 ? `i32(${value})` : `${value}i`;
    // A number beyond the range of f32 prints as infinity.
    const rounded = Math.fround(value);
    if (Number.isNaN(value)) return this.nan();
    if (!Number.isFinite(rounded)) return rounded < 0 ? `(-${this.infinity()})` : this.infinity();
    const text = printNumber(value);
    const float = /[.e]/.test(text) ? text : `${text}.0`;
    return value < 0 || Object.is(value, -0) ? `(${float})` : float;
  }

  protected infinity(): string {
    return `${this.require("infinity", 1)}()`;
  }

  protected nan(): string {
    return `${this.require("nan", 1)}()`;
  }

  protected load({ buffer: own, index, type }: ExpressionOf<"load">): Text {
    const buffer = this.names.declared(own);
    const at = { ...buffer, wgsl: this.names.readBy(own, buffer.wgsl) };
    const isElement = type.width < buffer.type.width;
    if (type.width > buffer.type.width) {
      this.words.add(buffer.wgsl);
      return primary(printLoad({ ...at, type }, this.print(index)));
    }
    if (isElement) this.singly.add(buffer.wgsl);
    const text = isElement ? printElement(at, this.print(index)) : printLoad(at, this.print(index));
    return { text, precedence: buffer.type.scalar === "bool" ? precedence.relation : precedence.primary };
  }

  private unary({ operator, operand }: ExpressionOf<"unary">): Text {
    const isNested = operand.kind === "unary";
    return {
      text: operator + this.within(operand, isNested ? precedence.primary : precedence.unary),
      precedence: precedence.unary,
    };
  }

  private binary({ operator, left, right }: ExpressionOf<"binary">): Text {
    const { left: least, right: leastRight, ...own } = operators[operator];
    // Mixed products and quotients are easier to read with parentheses.
    const isMixed = own.precedence === precedence.product && left.kind === "binary" && left.operator !== operator;
    const text = `${this.within(left, isMixed ? precedence.unary : least)} ${operator} ${this.within(right, leastRight)}`;
    return { text, precedence: own.precedence };
  }

  private apply({ callee, args }: ExpressionOf<"apply">): Text {
    this.collect(callee);
    return primary(`${callee.name}(${this.list(args)})`);
  }

  private collect(callee: KernelFunction): void {
    if (this.functions.has(callee)) return;
    for (const { value } of callee.steps) this.print(value);
    this.print(callee.result);
    this.functions.add(callee);
  }

  protected opaque({ operand, type }: ExpressionOf<"opaque">): Text {
    const uint = printType(typeOf("u32", type.width));
    const zero = type.width === 1 ? `(${unknownZero})` : `${uint}(${unknownZero})`;
    return primary(`bitcast<${printType(type)}>(bitcast<${uint}>(${this.print(operand)}) ^ ${zero})`);
  }

  function({ name, summary, parameters, steps, result }: KernelFunction): string {
    const takes = parameters.map((parameter) => `${parameter.name}: ${printType(parameter.type)}`).join(", ");
    const lines = steps.flatMap(({ variable, value, note }) => [
      ...(note === undefined ? [] : [`  // ${note}`]),
      `  let ${variable.name} = ${this.print(value)};`,
    ]);
    return [
      ...(summary === "" ? [] : [`// ${summary}`]),
      `fn ${name}(${takes}) -> ${printType(result.type)} {`,
      ...lines,
      `  return ${this.print(result)};`,
      "}",
    ].join("\n");
  }

  /** The statements as lines, each with the span that it comes from. */
  statements(statements: readonly Statement[], writer = new Writer()): Writer {
    for (const statement of statements) this.statement(statement, writer);
    return writer;
  }

  private statement(statement: Statement, writer: Writer): void {
    switch (statement.kind) {
      case "if":
      case "scope":
      case "loop":
        writer.block(this.head(statement), () => void this.statements(statement.body, writer), statement.span);
        break;
      case "bind":
        this.bind(statement, writer);
        break;
      default:
        writer.line(this.line(statement) + this.lineEnd, statement.span);
    }
  }

  private head(statement: StatementOf<"if" | "scope" | "loop">): string {
    if (statement.kind === "scope") return "";
    return statement.kind === "if" ? this.ifHead(statement) : this.loopHead(statement);
  }

  private line(statement: StatementOf<"define" | "array" | "assign" | "store" | "barrier">): string {
    switch (statement.kind) {
      case "define": {
        const { variable, value } = statement;
        return `${variable.isMutable ? "var" : "let"} ${this.defined(variable)} = ${this.print(value)}`;
      }
      case "array":
        return this.array(statement.variable);
      case "assign":
        return `${this.print(statement.target)} ${statement.operator ?? ""}= ${this.print(statement.value)}`;
      case "store":
        return this.store(statement);
      case "barrier":
        return this.barrier;
      default:
        return statement satisfies never;
    }
  }

  protected readonly lineEnd: string = ";";
  protected readonly barrier: string = "workgroupBarrier()";

  /** A variable where it is defined. */
  protected defined({ name }: Variable): string {
    return name;
  }

  protected array(variable: Variable): string {
    return `var ${variable.name}: ${printArray(variable)}`;
  }

  protected store({ buffer: own, index, value, parts }: StatementOf<"store">): string {
    const buffer = this.names.declared(own);
    (parts ? this.words : this.elements).add(buffer.wgsl);
    const printed = parts?.map((part) => this.print(part));
    return printStore(buffer, this.print(index), this.print(value), printed);
  }

  protected ifHead({ condition }: StatementOf<"if">): string {
    return `if (${this.print(condition)})`;
  }

  /** Loops bound to workgroups and lanes print as definitions, as the device iterates over them. */
  protected bind({ axis, variable, turns, body, span }: StatementOf<"bind">, writer: Writer): void {
    if (turns === undefined) {
      this.bound.set(variable, workgroupNumber);
    } else {
      const { extent, stride } = turns;
      const divided = stride === 1 ? primary("local") : { text: `local / ${stride}u`, precedence: precedence.product };
      const isSlowest = stride * extent === this.workgroupSize && (axis === "workgroup" || stride > 1);
      const turn = isSlowest ? divided : { text: `${divided.text} % ${extent}u`, precedence: precedence.product };
      if (axis === "workgroup") this.bound.set(variable, turn);
      else writer.line(`let ${variable.name} = ${extent === 1 ? "0u" : turn.text};`, span);
    }
    this.statements(body, writer);
  }

  protected loopHead({ variable: { name }, from, progress }: StatementOf<"loop">): string {
    const first = `var ${name} = ${this.print(from)}`;
    if (progress === "halving") return `for (${first}; ${name} > 0u; ${name} /= 2u)`;
    const next = progress.by === 1 ? `${name}++` : `${name} += ${progress.by}u`;
    return `for (${first}; ${name} < ${this.print(progress.until)}; ${next})`;
  }
}

/** A key that is equal for equal expressions. */
export function keyOf(expression: Expression): string {
  return keys.print(expression);
}

/** The names that the program itself has. */
export const ownNames: Names = { dimension: (name) => name, declared: (buffer) => buffer, readBy: (_, name) => name };

const keys = new WgslPrinter({ ...ownNames, dimension: (name) => `dim_${name}` });

export function printArray({ type, length }: Variable): string {
  return `array<${printType(type)}, ${length}>`;
}

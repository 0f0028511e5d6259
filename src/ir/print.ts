/** Prints the IR as text in the language. `parse(print(m))` equals `m`, and prints to the same bytes. */

import { keywords, literalWords } from "../../grammar/words.ts";
import { checkFn, checkModule } from "./arguments.ts";
import {
  type Attributes,
  type AttributeValue,
  type Const,
  constantValue,
  definedBy,
  type Fn,
  isLeaf,
  isOp,
  type Module,
  type Op,
  type Value,
} from "./ir.ts";
import type { AttributeDef } from "./ops/attributes.ts";
import type { OpDef } from "./ops/def.ts";
import { type OpName, ops, symbolOf } from "./ops/index.ts";
import { elementCount } from "./tensor.ts";
import { printType } from "./types.ts";

export { keywords, literalWords };

export const reservedWords: ReadonlySet<string> = new Set<string>([...keywords, ...literalWords]);

/** A number as a literal that parses to the same float64. */
export function printNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (value === Infinity || value === -Infinity) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

function printLiteral(value: number, element: string): string {
  return element === "bool" ? String(value !== 0) : printNumber(value);
}

/** Makes names that are unique in a function: a value's own if it is free, else with a number. */
class Names {
  private readonly taken = new Set<string>(reservedWords);
  private readonly next = new Map<string, number>();
  private readonly of = new Map<Value, string>();

  define(value: Value): string {
    let name = value.name ?? this.numbered("t", "");
    if (this.taken.has(name)) name = this.numbered(name, "_");
    this.taken.add(name);
    this.of.set(value, name);
    return name;
  }

  private numbered(stem: string, joint: string): string {
    for (let n = this.next.get(stem) ?? (joint === "" ? 0 : 1); ; n++) {
      const name = `${stem}${joint}${n}`;
      if (this.taken.has(name)) continue;
      this.next.set(stem, n + 1);
      return name;
    }
  }

  /** Prevents a name from being given to a value. */
  reserve(name: string): void {
    this.taken.add(name);
  }

  get(value: Value): string {
    return this.of.get(value) ?? "?";
  }

  has(value: Value): boolean {
    return this.of.has(value);
  }
}

function printAttributeValue(def: AttributeDef | undefined, value: AttributeValue): string {
  if (Array.isArray(value)) return `[${value.join(", ")}]`;
  if (typeof value === "number") return printNumber(value);
  return def?.type === "choice" || def?.type === "text" ? `"${value as string}"` : String(value);
}

/** The attributes that differ from their defaults: `axes = [-1]`. */
export function printAttributes(def: OpDef, attributes: Attributes): string[] {
  return Object.entries(def.attributes).flatMap(([key, row]) => {
    const value = attributes[key];
    const isEmpty = Array.isArray(value) && value.length === 0 && "default" in row;
    if (value === undefined || isEmpty || ("default" in row && Object.is(row.default, value))) return [];
    return [`${key} = ${printAttributeValue(row, value)}`];
  });
}

function isConstant(value: Value | undefined): value is Value {
  return constantValue(value) !== undefined;
}

/** Whether constant operands may be written as literals: another operand must determine their element type. */
function literalIsTyped(op: Op): boolean {
  if (op.name === "extern") return false;
  const specs = ops[op.name].operands;
  return op.operands.some(
    (operand, i) => operand !== undefined && specs[i]?.element === undefined && !isConstant(operand),
  );
}

/** Whether the constant operand `index` must be bound to a name with its type. A literal position has the type i32. */
function isBound(op: Op, index: number): boolean {
  const isIndex = ops[op.name].operands[index]?.element === "index";
  return !literalIsTyped(op) || (isIndex && op.operand(index).element !== "i32");
}

/** The right-hand side of a `let`. */
function printExpression(op: Op, operand: (value: Value, index: number) => string): string {
  const symbol = symbolOf[op.name];
  const args = op.operands.map((value, i) => (value === undefined ? undefined : operand(value, i)));
  if (symbol !== undefined && args.length === 2) {
    return `${args[0]} ${symbol} ${args[1]}`;
  }
  if (symbol !== undefined) return `${symbol}${args[0]}`;
  return printCall(op.name, args, op.attributes);
}

function printCall(name: OpName, args: readonly (string | undefined)[], attributes: Attributes): string {
  const def = ops[name];
  const positional: string[] = [];
  for (const [i, text] of args.entries()) {
    if (text === undefined) continue;
    // After an omitted operand, the others are passed by name.
    positional.push(args.slice(0, i).includes(undefined) ? `${def.operands[i]?.name} = ${text}` : text);
  }
  return `${name}(${[...positional, ...printAttributes(def, attributes)].join(", ")})`;
}

function printContract({ centered }: { readonly centered: readonly number[] }): string {
  return centered.length === 0 ? "" : ` @centered(${centered.join(", ")})`;
}

class FnPrinter {
  private readonly names = new Names();
  private readonly lines: string[] = [];
  private readonly fn: Fn;

  constructor(fn: Fn, consts: readonly Const[]) {
    this.fn = fn;
    for (const { name } of consts) this.names.reserve(name);
    for (const op of fn.ops) if (isOp(op, "global")) this.names.reserve(op.attributes.name);
  }

  print(): string {
    const { name, params, results } = this.fn;
    const declared = params.map((p) => {
      return `${this.names.define(p)}: ${printType(p.type)}${printContract(p)}${p.trained ? " @trained" : ""}`;
    });
    const returned = results.map((r) => `${r.name}: ${printType(r.value.type)}`);
    this.body();
    const values = results.map((r) => this.operand(r.value, true));
    this.lines.push(`  return ${values.join(", ")}`);
    return `fn ${name}(${declared.join(", ")}) -> (${returned.join(", ")}) {\n${this.lines.join("\n")}\n}\n`;
  }

  private body(): void {
    let kernel: number | undefined;
    for (const op of this.fn.ops) {
      if (isLeaf(op)) continue;
      if (kernel !== op.kernel) {
        if (kernel !== undefined) this.lines.push("  }");
        if (op.kernel !== undefined) this.lines.push("  kernel {");
        kernel = op.kernel;
      }
      const indent = kernel === undefined ? "  " : "    ";
      const bound = op.operands.filter((value, i) => isConstant(value) && isBound(op, i)) as Value[];
      for (const value of bound) this.bindConstant(value, indent);
      this.lines.push(indent + this.statement(op));
    }
    if (kernel !== undefined) this.lines.push("  }");
  }

  private bindConstant(value: Value, indent: string): void {
    if (this.names.has(value)) return;
    const literal = printLiteral(constantValue(value) as number, value.element);
    this.lines.push(`${indent}let ${this.names.define(value)}: ${value.element} = ${literal}`);
  }

  private statement(op: Op): string {
    const expression = printExpression(op, (value, i) => this.operand(value, isBound(op, i)));
    const names = op.results.map((r) => this.names.define(r) + (op.name === "extern" ? `: ${printType(r.type)}` : ""));
    return `let ${names.length === 1 ? names[0] : `(${names.join(", ")})`} = ${expression}`;
  }

  /** The name of a value, or the literal of a constant unless it is bound to a name. */
  private operand(value: Value, bound: boolean): string {
    const global = definedBy(value, "global");
    if (global !== undefined) return global.attributes.name;
    const number = constantValue(value);
    if (number === undefined || (bound && this.names.has(value))) return this.names.get(value);
    return printLiteral(number, value.element);
  }
}

/** A function as text, which `parse` accepts. */
export function printFn(fn: Fn): string {
  checkFn("printFn", fn);
  return new FnPrinter(fn, []).print();
}

/** The numbers from `start` on as nested lists: `[[1, 2], [3, 4]]`. */
function printValues(values: readonly number[], shape: readonly number[], element: string, start = 0): string {
  const [extent, ...inner] = shape;
  if (extent === undefined) return printLiteral(values[start] as number, element);
  const size = elementCount(inner);
  return `[${Array.from({ length: extent }, (_, i) => printValues(values, inner, element, start + i * size)).join(", ")}]`;
}

function printData({ type, data }: Const): string {
  if (data.kind === "values") return printValues(data.values, type.shape as number[], type.element);
  if (data.kind === "computed") return printCall(data.op, data.operands, data.attributes);
  const strings = [data.file, data.tensor].filter((text) => text !== undefined);
  return `load(${strings.map((text) => `"${text}"`).join(", ")})`;
}

function printConst(constant: Const): string {
  return `const ${constant.name}: ${printType(constant.type)}${printContract(constant)} = ${printData(constant)}\n`;
}

/** The module as `.tir` text: its constants, then its functions in order, separated by blank lines. */
export function print(module: Module): string {
  checkModule("print", module);
  const { consts, fns } = module;
  const constants = consts.map(printConst).join("");
  const functions = fns.map((fn) => new FnPrinter(fn, consts).print());
  return [...(constants === "" ? [] : [constants]), ...functions].join("\n");
}

/**
 * Prints the kernel IR in its own syntax: loops with their binding, states with the names of their fields, variables with types.
 */

import type { WgslFunction } from "../src/ir/ops/wgsl-functions.ts";
import { printShape } from "../src/ir/types.ts";
import type { ExpressionOf, Variable } from "../src/kernel/expression.ts";
import type { Program, Statement } from "../src/kernel/statement.ts";
import type { Type } from "../src/kernel/types.ts";
import { ExpressionPrinter, primary, printType, type Text } from "./print-wgsl.ts";
import { Writer } from "./writer.ts";

/** The output of `tirc compile --emit kernel`. */
export function printProgram({ name, entryPoint, buffers, shared, workgroupSize, body }: Program): string {
  const printer = new Printer((dimension) => dimension);
  const writer = new Writer();
  writer.block(entryPoint === "main" ? `kernel ${name}` : `kernel ${name} ${entryPoint}`, () => {
    for (const { wgsl, access, shape, type } of buffers) {
      writer.line(`${access === "read" ? "read" : "write"} ${wgsl}: ${printKernelType(type)} of ${printShape(shape)}`);
    }
    for (const variable of shared) writer.line(`shared ${declared(variable)}`);
    writer.line(`workgroup of ${workgroupSize}`);
    for (const statement of body) print(statement, printer, writer);
  });
  const functions = [...printer.functions].flatMap((callee) => {
    const parameters = callee.parameters.map(declared).join(", ");
    const inner = new Writer();
    inner.block(`fn ${callee.name}(${parameters}) -> ${printKernelType(callee.result.type)}`, () => {
      for (const { variable, value } of callee.steps) {
        inner.line(`let ${declared(variable)} = ${printer.print(value)}`);
      }
      inner.line(`return ${printer.print(callee.result)}`);
    });
    return [...inner.lines.map(({ text }) => text), ""];
  });
  return `${[...functions, ...writer.lines.map(({ text }) => text)].join("\n")}\n`;
}

function printKernelType(type: Type): string {
  return type.fields === undefined ? printType(type) : `{${type.fields.join(", ")}}`;
}

function declared({ name, type, length }: Variable): string {
  return `${name}: ${printKernelType(type)}${length === undefined ? "" : `[${length}]`}`;
}

class Printer extends ExpressionPrinter {
  protected override readonly shuffleName = "shuffle";

  override require(name: WgslFunction): string {
    return name;
  }

  protected override typeName(type: Type): string {
    return printKernelType(type);
  }

  protected override componentName(expression: ExpressionOf<"component">): string {
    return expression.of.type.fields?.[expression.index] ?? super.componentName(expression);
  }

  protected override load({ buffer, index }: ExpressionOf<"load">): Text {
    return primary(`load ${buffer.wgsl}[${this.print(index)}]`);
  }

  protected override opaque({ operand }: ExpressionOf<"opaque">): Text {
    return primary(`opaque(${this.print(operand)})`);
  }

  protected override infinity(): string {
    return "inf";
  }

  protected override nan(): string {
    return "nan";
  }
}

function print(statement: Statement, printer: Printer, writer: Writer): void {
  const block = (head: string, body: readonly Statement[]) =>
    writer.block(head, () => {
      for (const inner of body) print(inner, printer, writer);
    });
  switch (statement.kind) {
    case "define": {
      const { variable, value } = statement;
      writer.line(`${variable.isMutable ? "var" : "let"} ${declared(variable)} = ${printer.print(value)}`);
      return;
    }
    case "array":
      writer.line(`array ${declared(statement.variable)}`);
      return;
    case "assign": {
      const { target, operator = "", value } = statement;
      writer.line(`${printer.print(target)} ${operator}= ${printer.print(value)}`);
      return;
    }
    case "store": {
      const { buffer, index, value, parts } = statement;
      const where = parts ? ` where ${parts.map((part) => printer.print(part)).join(", ")}` : "";
      writer.line(`store ${buffer.wgsl}[${printer.print(index)}] = ${printer.print(value)}${where}`);
      return;
    }
    case "barrier":
      writer.line("barrier");
      return;
    case "if":
      block(`if ${printer.print(statement.condition)}`, statement.body);
      return;
    case "scope":
      block("", statement.body);
      return;
    case "bind": {
      const { axis, variable, turns, body } = statement;
      // The lanes of a team are neighbours by default.
      const apart = axis === "lane" && turns && turns.stride > 1 ? ` by ${turns.stride}` : "";
      block(`${axis} ${variable.name}${turns === undefined ? "" : ` < ${turns.extent}${apart}`}`, body);
      return;
    }
    case "loop": {
      const { variable, from, progress, body } = statement;
      const head = `step ${variable.name} = ${printer.print(from)}`;
      const rest = progress === "halving" ? "halving to 1" : `to ${printer.print(progress.until)} by ${progress.by}`;
      block(`${head} ${rest}`, body);
      return;
    }
    default:
      statement satisfies never;
  }
}

/**
 * Prints the kernel IR in its own syntax: loops with their binding, states with the names of their fields, variables with types.
 */

import type { WgslFunction } from "../src/ir/ops/wgsl-functions.ts";
import { printShape } from "../src/ir/types.ts";
import type { ExpressionOf, Variable } from "../src/kernel/expression.ts";
import type { Program, StatementOf } from "../src/kernel/statement.ts";
import type { Type } from "../src/kernel/types.ts";
import { ownNames, primary, printType, type Text, WgslPrinter } from "./print-wgsl.ts";
import { Writer } from "./writer.ts";

/** The output of `tirc compile --emit kernel`. */
export function printProgram({ name, entryPoint, buffers, shared, workgroupSize, body }: Program): string {
  const printer = new KernelPrinter(ownNames);
  const writer = new Writer();
  writer.block(entryPoint === "main" ? `kernel ${name}` : `kernel ${name} ${entryPoint}`, () => {
    for (const { wgsl, access, shape, type } of buffers) {
      writer.line(`${access === "read" ? "read" : "write"} ${wgsl}: ${printKernelType(type)} of ${printShape(shape)}`);
    }
    for (const variable of shared) writer.line(`shared ${declared(variable)}`);
    writer.line(`workgroup of ${workgroupSize}`);
    printer.statements(body, writer);
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

class KernelPrinter extends WgslPrinter {
  protected override shuffle({ operand, mask }: ExpressionOf<"shuffle">): string {
    return `shuffle(${this.print(operand)}, ${mask}u)`;
  }

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

  protected override readonly lineEnd = "";
  protected override readonly barrier = "barrier";

  protected override defined(variable: Variable): string {
    return declared(variable);
  }

  protected override array(variable: Variable): string {
    return `array ${declared(variable)}`;
  }

  protected override store({ buffer, index, value, parts }: StatementOf<"store">): string {
    const where = parts ? ` where ${parts.map((part) => this.print(part)).join(", ")}` : "";
    return `store ${buffer.wgsl}[${this.print(index)}] = ${this.print(value)}${where}`;
  }

  protected override ifHead({ condition }: StatementOf<"if">): string {
    return `if ${this.print(condition)}`;
  }

  protected override bind({ axis, variable, turns, body }: StatementOf<"bind">, writer: Writer): void {
    // The lanes of a team are neighbours by default.
    const apart = axis === "lane" && turns && turns.stride > 1 ? ` by ${turns.stride}` : "";
    const extent = turns === undefined ? "" : ` < ${turns.extent}${apart}`;
    writer.block(`${axis} ${variable.name}${extent}`, () => void this.statements(body, writer));
  }

  protected override loopHead({ variable, from, progress }: StatementOf<"loop">): string {
    const rest = progress === "halving" ? "halving to 1" : `to ${this.print(progress.until)} by ${progress.by}`;
    return `step ${variable.name} = ${this.print(from)} ${rest}`;
  }
}

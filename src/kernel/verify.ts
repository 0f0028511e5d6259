/**
 * What every kernel keeps, after whatever has rewritten it:
 *
 * - each name is defined once, before it is used, in a scope around its use.
 * - each expression has the type that its parts give it; what is assigned or stored has the type of its place.
 * - a barrier, and a shuffle, are where the lanes of a workgroup come together: under no condition and in no loop that
 *   depends on the lane; what a shuffle needs is enabled.
 */

import { isWordOf } from "./buffer.ts";
import { type Expression, type KernelFunction, partsOf, rebuild, type Variable } from "./expression.ts";
import { isAssignable, type Program, type Statement } from "./statement.ts";
import { bool, sameType, u32 } from "./types.ts";

/** What is wrong with a kernel; nothing with a sound one. */
export function verifyProgram(program: Program): readonly string[] {
  const verifier = new Verifier();
  verifier.program(program);
  return verifier.faults;
}

class Verifier {
  readonly faults: string[] = [];
  /** By name; a name of an inner block hides one around it. */
  private scope = new Map<string, Variable>();
  /** Names of the innermost block. */
  private own = new Set<string>();
  /** Variables that are the same in all lanes of a workgroup. */
  private readonly uniform = new Set<Variable>();
  private readonly functions = new Set<KernelFunction>();
  private isUniform = true;
  private hasSubgroups = false;

  program({ enables, shared, body }: Program): void {
    this.hasSubgroups = enables.includes("subgroups");
    for (const array of shared) this.define(array);
    this.block(body);
  }

  private fault(words: string): void {
    this.faults.push(words);
  }

  private define(variable: Variable): void {
    const { name } = variable;
    if (this.own.has(name)) this.fault(`\`${name}\` is defined twice`);
    this.own.add(name);
    this.scope.set(name, variable);
  }

  /** Names that are defined inside end with it. */
  private within(scope: ReadonlyMap<string, Variable>, body: () => void): void {
    const [outer, own] = [this.scope, this.own];
    this.scope = new Map(scope);
    this.own = new Set();
    body();
    this.scope = outer;
    this.own = own;
  }

  private block(statements: readonly Statement[], isUniform = this.isUniform): void {
    const before = this.isUniform;
    this.isUniform = isUniform;
    this.within(this.scope, () => {
      for (const statement of statements) this.statement(statement);
    });
    this.isUniform = before;
  }

  private statement(statement: Statement): void {
    switch (statement.kind) {
      case "define": {
        const { variable, value } = statement;
        const isUniform = this.value(value);
        this.typed(variable.type, value, `what \`${variable.name}\` holds`);
        this.define(variable);
        if (isUniform && !variable.isMutable) this.uniform.add(variable);
        return;
      }
      case "array":
        this.define(statement.variable);
        return;
      case "assign": {
        const { target, value, operator } = statement;
        this.value(target);
        this.value(value);
        const { name, isMutable, type } = target.variable;
        if (!isMutable) this.fault(`\`${name}\` is assigned to`);
        if (!isAssignable(value.type, type, operator)) this.fault(`what \`${name}\` holds is not of its type`);
        return;
      }
      case "store": {
        const { buffer, index, value, parts = [] } = statement;
        for (const part of parts) {
          this.value(part);
          this.typed(bool, part, `whether a part of \`${buffer.wgsl}\` is stored`);
        }
        this.value(index);
        this.value(value);
        if (!(parts.length > 0 ? isWordOf(buffer, value.type) : sameType(value.type, buffer.type)))
          this.fault(`what \`${buffer.wgsl}\` holds is not of its type`);
        this.typed(u32, index, `an index of \`${buffer.wgsl}\``);
        if (buffer.access !== "read_write") this.fault(`\`${buffer.wgsl}\` is read only`);
        return;
      }
      case "barrier":
        if (!this.isUniform) this.fault("a barrier that not all lanes come to");
        return;
      case "if":
        this.typed(bool, statement.condition, "a condition");
        this.block(statement.body, this.value(statement.condition) && this.isUniform);
        return;
      case "scope":
        this.block(statement.body);
        return;
      case "loop": {
        const { variable, from, progress, body } = statement;
        this.typed(variable.type, from, `what \`${variable.name}\` holds`);
        if (progress !== "halving") this.typed(variable.type, progress.until, `what \`${variable.name}\` ends at`);
        const starts = this.value(from);
        const ends = progress === "halving" || this.value(progress.until);
        const isUniform = starts && ends && this.isUniform;
        this.within(this.scope, () => {
          this.define(variable);
          if (isUniform) this.uniform.add(variable);
          this.block(body, isUniform);
        });
        return;
      }
      case "bind": {
        const { variable, axis, body } = statement;
        this.define(variable);
        if (axis === "grid") this.uniform.add(variable);
        for (const inner of body) this.statement(inner);
        return;
      }
      default:
        statement satisfies never;
    }
  }

  private typed(type: Expression["type"], value: Expression, words: string): void {
    if (!sameType(type, value.type)) this.fault(`${words} is not of its type`);
  }

  /** Whether the value is the same in all lanes of a workgroup, and whether it is well formed. */
  private value(expression: Expression): boolean {
    const parts = partsOf(expression);
    const areUniform = parts.map((part) => this.value(part)).every((one) => one);
    try {
      const { type } = rebuild(expression, parts);
      if (!sameType(type, expression.type)) this.fault(`a ${expression.kind} of another type than its parts give it`);
    } catch (caught) {
      this.fault((caught as Error).message);
    }
    switch (expression.kind) {
      case "read":
      case "item":
        if (this.scope.get(expression.variable.name) !== expression.variable)
          this.fault(`\`${expression.variable.name}\` is not defined here`);
        return expression.kind === "read" && this.uniform.has(expression.variable);
      case "shuffle":
        if (!this.hasSubgroups) this.fault("a shuffle, and subgroups are not enabled");
        if (!this.isUniform) this.fault("a shuffle that not all lanes come to");
        return false;
      case "load":
      case "local":
        return false;
      case "apply":
        this.function(expression.callee);
        return areUniform;
      default:
        return areUniform;
    }
  }

  private function(callee: KernelFunction): void {
    if (this.functions.has(callee)) return;
    this.functions.add(callee);
    this.within(new Map(), () => {
      for (const parameter of callee.parameters) this.define(parameter);
      for (const { variable, value } of callee.steps) {
        this.value(value);
        this.define(variable);
      }
      this.value(callee.result);
    });
  }
}

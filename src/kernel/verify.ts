/**
 * The invariants of a kernel, which every rewrite preserves:
 *
 * - each name is defined once in its scope, and its definition dominates its uses.
 * - each expression has the type that follows from its operands; an assigned or stored value has the type of its target.
 * - barriers and shuffles are in uniform control flow: under no condition and in no loop that depends on the lane; shuffles
 *   have their extension enabled.
 */

import { isWordOf } from "./buffer.ts";
import { type Expression, type KernelFunction, partsOf, rebuild, type Variable } from "./expression.ts";
import { isAssignable, type Program, type Statement, type StatementOf } from "./statement.ts";
import { bool, sameType, u32 } from "./types.ts";

/** The violations in a kernel; empty if it is valid. */
export function verifyProgram(program: Program): readonly string[] {
  const verifier = new Verifier();
  verifier.program(program);
  return verifier.faults;
}

class Verifier {
  readonly faults: string[] = [];
  /** The visible variables, by name. A name of an inner block shadows one of an outer block. */
  private scope = new Map<string, Variable>();
  /** Names defined in the innermost block. */
  private own = new Set<string>();
  /** Variables with the same value in all lanes of a workgroup. */
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

  /** Runs `body` in an inner scope. */
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
      case "define":
        this.definition(statement);
        return;
      case "array":
        this.define(statement.variable);
        return;
      case "assign":
        this.assignment(statement);
        return;
      case "store":
        this.store(statement);
        return;
      case "barrier":
        if (!this.isUniform) this.fault("a barrier that not all lanes reach");
        return;
      case "if":
        this.typed(bool, statement.condition, "a condition");
        this.block(statement.body, this.value(statement.condition) && this.isUniform);
        return;
      case "scope":
        this.block(statement.body);
        return;
      case "loop":
        this.loop(statement);
        return;
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

  private definition({ variable, value }: StatementOf<"define">): void {
    const isUniform = this.value(value);
    this.typed(variable.type, value, `the value of \`${variable.name}\``);
    this.define(variable);
    if (isUniform && !variable.isMutable) this.uniform.add(variable);
  }

  private assignment({ target, value, operator }: StatementOf<"assign">): void {
    this.value(target);
    this.value(value);
    const { name, isMutable, type } = target.variable;
    if (!isMutable) this.fault(`\`${name}\` is assigned to, but is not mutable`);
    if (!isAssignable(value.type, type, operator)) this.fault(`the value assigned to \`${name}\` is not of its type`);
  }

  private store({ buffer, index, value, parts = [] }: StatementOf<"store">): void {
    for (const part of parts) {
      this.value(part);
      this.typed(bool, part, `the condition of a part of \`${buffer.wgsl}\``);
    }
    this.value(index);
    this.value(value);
    if (!(parts.length > 0 ? isWordOf(buffer, value.type) : sameType(value.type, buffer.type)))
      this.fault(`the value stored in \`${buffer.wgsl}\` is not of its type`);
    this.typed(u32, index, `an index of \`${buffer.wgsl}\``);
    if (buffer.access !== "read_write") this.fault(`\`${buffer.wgsl}\` is read only`);
  }

  private loop({ variable, from, progress, body }: StatementOf<"loop">): void {
    this.typed(variable.type, from, `the first value of \`${variable.name}\``);
    if (progress !== "halving") this.typed(variable.type, progress.until, `the bound of \`${variable.name}\``);
    const starts = this.value(from);
    const ends = progress === "halving" || this.value(progress.until);
    const isUniform = starts && ends && this.isUniform;
    this.within(this.scope, () => {
      this.define(variable);
      if (isUniform) this.uniform.add(variable);
      this.block(body, isUniform);
    });
  }

  private typed(type: Expression["type"], value: Expression, words: string): void {
    if (!sameType(type, value.type)) this.fault(`${words} is not of its type`);
  }

  /** Checks an expression. @returns whether its value is the same in all lanes of a workgroup. */
  private value(expression: Expression): boolean {
    const parts = partsOf(expression);
    const areUniform = parts.map((part) => this.value(part)).every((one) => one);
    try {
      const { type } = rebuild(expression, parts);
      if (!sameType(type, expression.type))
        this.fault(`the type of a ${expression.kind} does not follow from its operands`);
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
        if (!this.hasSubgroups) this.fault("a shuffle without `enable subgroups`");
        if (!this.isUniform) this.fault("a shuffle that not all lanes reach");
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

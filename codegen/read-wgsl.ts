/**
 * Reads a kernel's program back from its WGSL, independently of what it was printed from. Functions of the library, and those
 * that pack and unpack elements, are recognized by name; everything else is read from the text.
 */

import { libraryNames } from "../src/ir/ops/wgsl-functions.ts";
import { type Buffer, elementsInWord, isPacked } from "../src/kernel/buffer.ts";
import type { Expression, ExpressionOf, KernelFunction, Variable } from "../src/kernel/expression.ts";
import { type Program, Statements } from "../src/kernel/statement.ts";
import { type Type, typeOf } from "../src/kernel/types.ts";
import { bufferFunctionNames } from "./buffers.ts";
import { ExpressionReader, isDimension, nameOfDimension, typeNamed } from "./read-expressions.ts";
import {
  readTree,
  type Tree,
  type TreeFunction,
  type TreeModule,
  type TreeStatement,
  type TreeVariable,
} from "./wgsl-syntax.ts";

/** The interface of a kernel, which its text does not contain. */
interface Interface {
  readonly name: string;
  readonly entryPoint: string;
  /** The buffers, with their element types. Their WGSL types are read from the text. */
  readonly buffers: readonly Buffer[];
}

/** A program, and the bindings that its text declares. */
interface ReadKernel {
  readonly program: Program;
  /** The names of buffers, by binding number. */
  readonly bindings: readonly string[];
  /** The fields of the uniform buffer, in order. */
  readonly uniforms: readonly string[];
}

const isKnown = (name: string) =>
  libraryNames.includes(name) || bufferFunctionNames.includes(name) || name.startsWith("store_");

/** @throws Error if the text is not that of a kernel. */
export function readWgsl(wgsl: string, given: Interface): ReadKernel {
  return new KernelReader(readTree(wgsl, isKnown), given).kernel();
}

/** Whether a tree mentions a buffer, by its name or by that of a function that stores into it. */
function mentions(tree: unknown, name: string): boolean {
  if (typeof tree === "string") return tree === name || tree === `store_${name}` || tree === `store_word_${name}`;
  return typeof tree === "object" && tree !== null && Object.values(tree).some((part) => mentions(part, name));
}

class KernelReader extends ExpressionReader {
  private readonly module: TreeModule;
  private readonly given: Interface;
  private readonly shared: Variable[] = [];
  private readonly to = new Statements();

  constructor(module: TreeModule, given: Interface) {
    super(module.overrides);
    this.module = module;
    this.given = given;
  }

  kernel(): ReadKernel {
    const { variables, enables, overrides, structs, functions } = this.module;
    const { entryPoint } = this.given;
    const main = functions.find(({ name }) => name === entryPoint);
    if (main === undefined) throw new Error(`there is no \`${entryPoint}\``);
    const isOther = ({ name, attributes }: TreeVariable) =>
      variables.some((one) => one.name !== name && one.attributes === attributes) && !mentions(main.body, name);
    const bindings: string[] = [];
    for (const variable of variables) {
      const { name, attributes, space, type } = variable;
      const number = /^@group\(0\)@binding\((\d+)\)$/.exec(attributes)?.[1];
      const [, element = "", length] = /^array<(.*?)(?:,(\d+)u?)?>$/.exec(type) ?? [];
      if (space === "workgroup") {
        const of = this.typeOf(element);
        this.shared.push({ name, type: of, length: Number(length), isMutable: true, isShared: true });
      } else if (space === "uniform") bindings[Number(number)] = name;
      // If several variables share a binding, an entry point has the one that it reads or writes.
      else if (!isOther(variable)) {
        bindings[Number(number)] = name;
        const tensors = this.given.buffers.filter(({ storage }) => storage !== "uniform");
        this.addBuffer(name, tensors[Number(number)], space, element);
      }
    }
    const uniforms = (structs.get("Dims") ?? []).map(({ name }) => name);
    for (const { name, type } of structs.get("Dims") ?? []) {
      const scalar = this.given.buffers.find(({ wgsl }) => wgsl === name);
      if (!isDimension(name)) this.addBuffer(name, scalar, "uniform", type);
    }
    for (const array of this.shared) this.scope.set(array.name, array);
    for (const one of functions) {
      if (!one.attributes.includes("@compute")) this.functions.set(one.name, this.function(one));
    }
    const sizeOf = (attribute: string) => new RegExp(`@${attribute}\\((\\d+)\\)`).exec(main.attributes)?.[1];
    const workgroupSize = Number(sizeOf("workgroup_size"));
    const subgroup = sizeOf("subgroup_size");
    this.to.bind("grid", "group", undefined, (group) => {
      this.group = group;
      this.block(main.body);
    });
    const buffers = [...this.buffers.values()];
    const dims = [
      ...uniforms.filter(isDimension).map((name) => ({ name: nameOfDimension(name), isOverride: false })),
      ...overrides.map((name) => ({ name: nameOfDimension(name), isOverride: true })),
    ];
    const program = {
      ...{ name: this.given.name, entryPoint, enables, dims, buffers, shared: this.shared },
      ...{ workgroupSize, ...(subgroup && { subgroupSize: Number(subgroup) }), body: this.to.all },
    };
    return { program, bindings, uniforms };
  }

  private typeOf(text: string): Type {
    const type = typeNamed(text);
    if (type === undefined) throw new Error(`\`${text}\` is not a type of the kernel IR`);
    return type;
  }

  private addBuffer(name: string, buffer: Buffer | undefined, space: string, element: string): void {
    if (buffer === undefined) throw new Error(`there is no buffer \`${name}\``);
    const access = space.includes("read_write") ? "read_write" : "read";
    this.buffers.set(name, { ...buffer, access, type: this.bufferType(buffer, element) });
  }

  /** The type of a packed buffer: a vector of the elements of its words, or a scalar if they are stored atomically. */
  private bufferType({ storage, access, type }: Buffer, element: string): Type {
    if (!isPacked(storage)) return this.typeOf(element);
    const whole = element === "u32" && access === "read_write" ? elementsInWord(storage) : 1;
    return typeOf(type.scalar, element === "vec2u" ? 4 : whole);
  }

  private function({ name, parameters, body }: TreeFunction): KernelFunction {
    const outer = this.scope;
    this.scope = new Map();
    const variables = parameters.map(({ name, type }) => ({ name, type: this.typeOf(type), isMutable: false }));
    for (const variable of variables) this.scope.set(variable.name, variable);
    const steps: KernelFunction["steps"][number][] = [];
    let result: Expression | undefined;
    for (const statement of body) {
      if (statement.kind === "let") {
        const value = this.value(statement.value as Tree);
        const variable: Variable = { name: statement.name, type: value.type, isMutable: false };
        steps.push({ variable, value });
        this.scope.set(statement.name, variable);
      } else if (statement.kind === "return") result = this.value(statement.value as Tree);
      else throw new Error(`\`${name}\` contains a statement \`${statement.kind}\``);
    }
    this.scope = outer;
    if (result === undefined) throw new Error(`\`${name}\` returns nothing`);
    return { name, summary: "", parameters: variables, steps, result };
  }

  /** A block, which is the scope of its variables. */
  private block(statements: readonly TreeStatement[]): void {
    const outer = this.scope;
    this.scope = new Map(outer);
    for (const statement of statements) this.statement(statement);
    this.scope = outer;
  }

  private statement(statement: TreeStatement): void {
    const { to } = this;
    switch (statement.kind) {
      case "let":
      case "var": {
        const { kind, name, type, value } = statement;
        if (value === undefined) {
          const [, element = "", length] = /^array<(.*),(\d+)u?>$/.exec(type) ?? [];
          this.scope.set(name, to.array(name, this.typeOf(element), Number(length)));
          return;
        }
        const made = kind === "let" ? to.define(name, this.value(value)) : to.variable(name, this.value(value));
        this.scope.set(name, (made as { variable: Variable }).variable);
        return;
      }
      case "assign": {
        const { target, operator, value } = statement;
        const buffer = target.kind === "element" && target.of.kind === "name" && this.buffers.get(target.of.name);
        if (target.kind === "element" && buffer) {
          to.store(buffer, this.value(target.index), this.stored(value, buffer));
          return;
        }
        if (operator === "-" || operator === "/") throw new Error(`\`${operator}=\` is used outside of a loop's head`);
        to.assign(this.value(target), this.value(value), operator === "" ? undefined : (operator as "+" | "*"));
        return;
      }
      case "call": {
        const { name, args } = statement.call as Extract<Tree, { kind: "call" }>;
        const buffer = this.buffers.get(name.replace(/^store_(word_)?/, ""));
        if (name === "workgroupBarrier") to.barrier();
        else if (buffer) {
          const [index, value] = args.slice(0, 2).map((arg) => this.value(arg)) as [Expression, Expression];
          if (args[2] === undefined) to.store({ ...buffer, type: value.type }, index, value);
          else to.storeWord({ ...buffer, type: typeOf(value.type.scalar) }, index, value, this.partsIn(args[2]));
        } else throw new Error(`the result of \`${name}\` is not used`);
        return;
      }
      case "if":
        to.when(this.value(statement.condition), () => this.block(statement.body));
        return;
      case "block":
        to.scope(() => this.block(statement.body));
        return;
      case "for":
        this.loop(statement);
        return;
      default:
        throw new Error(`the entry point contains a statement \`${statement.kind}\``);
    }
  }

  private loop({ first, condition, next, body }: Extract<TreeStatement, { kind: "for" }>): void {
    if (first.kind !== "var" || first.value === undefined) throw new Error("a loop does not declare its variable");
    const { name } = first;
    const counts = (tree: Tree) => tree.kind === "name" && tree.name === name;
    if (condition.kind !== "infix" || !counts(condition.left) || next.kind !== "assign" || !counts(next.target)) {
      throw new Error(`the loop over \`${name}\` does not compare and update \`${name}\``);
    }
    const from = this.value(first.value);
    const bound = this.value(condition.right);
    const by = next.value.kind === "number" ? Number(next.value.text.replace(/u$/, "")) : Number.NaN;
    const outer = this.scope;
    const turn = (at: Expression) => {
      this.scope = new Map(outer).set(name, (at as ExpressionOf<"read">).variable);
      this.block(body);
    };
    const ends = bound.kind === "literal" && bound.value === 0 && condition.operator === ">";
    if (next.operator === "+" && by > 0 && condition.operator === "<") this.to.loop(name, from, bound, by, turn);
    else if (next.operator === "/" && by === 2 && ends && from.kind === "literal")
      this.to.halving(name, from.value, turn);
    else throw new Error(`the loop over \`${name}\` neither counts up nor halves`);
    this.scope = outer;
  }
}

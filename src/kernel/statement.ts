/** Statements of a kernel, their builder, and the program that they form. */

import type { Span } from "../diagnostics/diagnostic.ts";
import { roundUp } from "../launch/counts.ts";
import { type Buffer, isWordOf } from "./buffer.ts";
import {
  asIndex,
  type Expression,
  type ExpressionOf,
  item,
  literal,
  type Operand,
  read,
  type Variable,
} from "./expression.ts";
import { invariant } from "./invariant.ts";
import { bool, sameType, type Type, u32 } from "./types.ts";

/** The target of an assignment: a variable, or an element of an array. */
export type Target = ExpressionOf<"read"> | ExpressionOf<"item">;

/**
 * What the iterations of a loop are bound to.
 * - grid: each iteration is a workgroup.
 * - workgroup: each iteration is a team of lanes of a workgroup, which share memory.
 * - lane: each iteration is a lane of a team.
 */
export type Axis = "grid" | "workgroup" | "lane";

/**
 * Which iteration of a bound loop an invocation of a workgroup runs: `local / stride % extent`. With a stride of 1, the lanes of
 * a team are neighbours. With a stride of the number of teams, neighbours are lanes of the same number in different teams.
 */
export interface Turns {
  readonly extent: number;
  readonly stride: number;
}

/** How a loop's variable progresses: by a constant up to a bound, or to its half until it is 0. */
export type Progress = { readonly by: number; readonly until: Expression } | "halving";

/** A statement of a lane. `define` names a value, or initializes a mutable variable. */
export type Statement = { readonly span: Span | undefined } & (
  | { readonly kind: "define"; readonly variable: Variable; readonly value: Expression }
  /** An array private to a lane. Its elements are undefined until they are assigned. */
  | { readonly kind: "array"; readonly variable: Variable }
  | {
      readonly kind: "assign";
      readonly target: Target;
      /** The operator of a compound assignment. */
      readonly operator: "+" | "*" | undefined;
      readonly value: Expression;
    }
  /** The index counts values: elements of the buffer, or whole words. */
  | {
      readonly kind: "store";
      readonly buffer: Buffer;
      readonly index: Expression;
      readonly value: Expression;
      /** For a word: whether each of its equal parts is stored. Other lanes store the others. */
      readonly parts?: readonly Expression[];
    }
  /** No lane of the workgroup continues before all have reached it; they then see each other's writes. */
  | { readonly kind: "barrier" }
  | { readonly kind: "if"; readonly condition: Expression; readonly body: readonly Statement[] }
  | { readonly kind: "scope"; readonly body: readonly Statement[] }
  /** A loop whose iterations the device runs in parallel. Everything after it is in its body. */
  | {
      readonly kind: "bind";
      readonly axis: Axis;
      readonly variable: Variable;
      /** `undefined` for the grid, whose extent is given by the dispatch. */
      readonly turns: Turns | undefined;
      readonly body: readonly Statement[];
    }
  /** A sequential loop of a lane. */
  | {
      readonly kind: "loop";
      readonly variable: Variable;
      readonly from: Expression;
      readonly progress: Progress;
      readonly body: readonly Statement[];
    }
);

/** The statement of a kind. */
export type StatementOf<Kind extends Statement["kind"]> = Extract<Statement, { kind: Kind }>;

/** The expressions that a statement evaluates, in order, without those of its body. The bound of a loop is the last. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  switch (statement.kind) {
    case "define":
      return [statement.value];
    case "assign":
      return [statement.value, statement.target];
    case "store":
      return [statement.index, statement.value, ...(statement.parts ?? [])];
    case "if":
      return [statement.condition];
    case "loop":
      return [statement.from, ...(statement.progress === "halving" ? [] : [statement.progress.until])];
    default:
      return [];
  }
}

/** The statements and those in their bodies, each before its body. */
export function* withBodies(statements: readonly Statement[]): Iterable<Statement> {
  for (const statement of statements) {
    yield statement;
    if ("body" in statement) yield* withBodies(statement.body);
  }
}

/** Whether a value can be assigned to a target: it has the same type, or it is a scalar in a compound assignment to a vector. */
export const isAssignable = (value: Type, target: Type, operator: "+" | "*" | undefined) =>
  sameType(value, target) || (operator !== undefined && value.width === 1 && value.scalar === target.scalar);

/** Builds statements in order, nested ones included. */
export class Statements {
  private list: Statement[] = [];
  private span: Span | undefined;

  get all(): readonly Statement[] {
    return this.list;
  }

  /** Gives the statements that `body` adds a span. The innermost call takes precedence. */
  at<T>(span: Span, body: () => T): T {
    const outer = this.span;
    this.span = span;
    const made = body();
    this.span = outer;
    return made;
  }

  private add(statement: Statement): void {
    this.list.push(statement);
  }

  /** Names a value. */
  define(name: string, value: Expression, span = this.span): Expression {
    const variable: Variable = { name, type: value.type, isMutable: false };
    this.add({ kind: "define", variable, value, span });
    return read(variable);
  }

  /** Declares a mutable variable with an initial value. */
  variable(name: string, value: Expression, span = this.span): Target {
    const variable: Variable = { name, type: value.type, isMutable: true };
    this.add({ kind: "define", variable, value, span });
    return read(variable) as Target;
  }

  /** Declares an array that is private to the lane. */
  array(name: string, type: Type, length: number, span = this.span): Variable {
    const variable: Variable = { name, type, length, isMutable: true };
    this.add({ kind: "array", variable, span });
    return variable;
  }

  /** `target = value`, or `target += value` with an operator. */
  assign(target: Expression, value: Expression, operator?: "+" | "*", span = this.span): void {
    invariant(target.kind === "read" || target.kind === "item", () => `a ${target.kind} is assigned to`);
    invariant(target.variable.isMutable, () => `${target.variable.name} is assigned to`);
    invariant(
      isAssignable(value.type, target.type, operator),
      () => `a value assigned to ${target.variable.name} has its type`,
    );
    this.add({ kind: "assign", target, operator, value, span });
  }

  /** `buffer[index] = value`. */
  store(buffer: Buffer, index: Expression, value: Expression, span = this.span): void {
    invariant(sameType(value.type, buffer.type), () => `a value stored in ${buffer.wgsl} has its type`);
    this.add({ kind: "store", buffer, index: asIndex(index), value, span });
  }

  /** Stores those parts of a word whose conditions hold. */
  storeWord(
    buffer: Buffer,
    index: Expression,
    value: Expression,
    parts: readonly Expression[],
    span = this.span,
  ): void {
    invariant(isWordOf(buffer, value.type), () => `a value stored in ${buffer.wgsl} is a word of it`);
    invariant(value.type.width % parts.length === 0, () => `${parts.length} parts of ${buffer.wgsl}`);
    this.add({ kind: "store", buffer, index: asIndex(index), value, parts, span });
  }

  /** No lane of the workgroup continues until all have arrived. */
  barrier(): void {
    this.add({ kind: "barrier", span: this.span });
  }

  /** `body` if the condition holds. Without a condition, always. */
  when(condition: Expression | undefined, body: () => void): void {
    invariant(sameType(condition?.type ?? bool, bool), "a condition is a bool");
    if (condition === undefined) body();
    else this.add({ kind: "if", condition, body: this.within(body), span: this.span });
  }

  /** `body` in a scope of its own. */
  scope(body: () => void): void {
    this.add({ kind: "scope", body: this.within(body), span: this.span });
  }

  /** A loop bound to an axis of the device. */
  bind(axis: Axis, name: string, turns: Turns | undefined, body: (at: Expression) => void): void {
    const variable: Variable = { name, type: u32, isMutable: false };
    const statements = this.within(() => body(read(variable)));
    this.add({ kind: "bind", axis, variable, turns, body: statements, span: this.span });
  }

  /** A loop from `from` up to, and without, `until`. */
  loop(name: string, from: Expression, until: Expression, by: number, body: (at: Expression) => void): void {
    this.addLoop(name, asIndex(from), { by, until: asIndex(until) }, body);
  }

  /** A loop over `from`, its half, and so on down to 1. */
  halving(name: string, from: number, body: (at: Expression) => void): void {
    this.addLoop(name, literal(u32, from), "halving", body);
  }

  private addLoop(name: string, from: Expression, progress: Progress, body: (at: Expression) => void): void {
    const variable: Variable = { name, type: u32, isMutable: false };
    const statements = this.within(() => body(read(variable)));
    this.add({ kind: "loop", variable, from, progress, body: statements, span: this.span });
  }

  private within(body: () => void): readonly Statement[] {
    const outer = this.list;
    const inner: Statement[] = [];
    this.list = inner;
    body();
    this.list = outer;
    return inner;
  }
}

/** An element of an array as the target of an assignment. */
export const target = (variable: Variable, index: Operand): Target => item(variable, index) as Target;

/** An entry point of a kernel. */
export interface Program {
  readonly name: string;
  /** The name of its WGSL function. A WGSL module may have several entry points. */
  readonly entryPoint: string;
  /** Extensions of WGSL that it uses. */
  readonly enables: readonly string[];
  /** Symbolic dimensions that it may read: pipeline constants, or fields of the uniform buffer. */
  readonly dims: readonly { readonly name: string; readonly isOverride: boolean }[];
  /** Inputs and then results, in the order of their bindings; then scalars. */
  readonly buffers: readonly Buffer[];
  /** Arrays in workgroup memory. */
  readonly shared: readonly Variable[];
  /** Invocations in a workgroup. */
  readonly workgroupSize: number;
  /** The subgroup size that the kernel requires, if it does. */
  readonly subgroupSize?: number;
  /** The subgroup sizes to which the kernel adapts when it runs, the smallest first, if it does. */
  readonly subgroupSizes?: readonly number[];
  /** Whether shuffles within four adjacent lanes are printed as quad operations. The workgroup then consists of whole quads. */
  readonly usesQuads?: boolean;
  readonly body: readonly Statement[];
}

/** Bytes of workgroup memory that an entry point takes, each array in multiples of 16 bytes, as WebGPU counts them. */
export const sharedBytes = ({ shared }: Program): number =>
  shared.reduce((sum, { type, length = 1 }) => sum + roundUp(4 * type.width * length, 16), 0);

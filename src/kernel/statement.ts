/** Statements of a kernel, the kernel they make, and what builds them in order. */

import type { Span } from "../diagnostics/diagnostic.ts";
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

/** What is assigned to: a variable, or an element of an array. */
export type Target = ExpressionOf<"read"> | ExpressionOf<"item">;

/**
 * What a loop is bound to.
 * - grid: each turn is a workgroup.
 * - workgroup: each turn is a team of lanes of one workgroup, which share memory.
 * - lane: each turn is a lane of a team.
 */
export type Axis = "grid" | "workgroup" | "lane";

/**
 * Which turn of a loop an invocation of a workgroup runs: `local / stride % extent`. The lanes of a team are neighbours where
 * their stride is 1; where it is the number of teams, neighbours are of one lane number and of different teams.
 */
export interface Turns {
  readonly extent: number;
  readonly stride: number;
}

/** How a loop's variable goes on: so much further, or to its half until it is 0. */
export type Progress = { readonly by: number; readonly until: Expression } | "halving";

/** What a lane does. `define` gives a name to a value, and to a variable that is mutable its first one. */
export type Statement = { readonly span: Span | undefined } & (
  | { readonly kind: "define"; readonly variable: Variable; readonly value: Expression }
  /** An array of a lane's own; its elements are undefined until they are assigned. */
  | { readonly kind: "array"; readonly variable: Variable }
  | {
      readonly kind: "assign";
      readonly target: Target;
      /** What the value is combined with the target by, if it is. */
      readonly operator: "+" | "*" | undefined;
      readonly value: Expression;
    }
  /** The index counts in as many elements as the value has: a buffer's, or those of a whole word. */
  | {
      readonly kind: "store";
      readonly buffer: Buffer;
      readonly index: Expression;
      readonly value: Expression;
      /** Of a word, which of so many equal parts are stored; the others stay, for other lanes store them. */
      readonly parts?: readonly Expression[];
    }
  /** All lanes of a workgroup come here before one goes on, and see what the others have written. */
  | { readonly kind: "barrier" }
  | { readonly kind: "if"; readonly condition: Expression; readonly body: readonly Statement[] }
  | { readonly kind: "scope"; readonly body: readonly Statement[] }
  /** A loop that the device runs, each turn in a place of its own: what comes after it stands in it. */
  | {
      readonly kind: "bind";
      readonly axis: Axis;
      readonly variable: Variable;
      /** Of the lanes of a workgroup; the grid has as many turns as the dispatch says. */
      readonly turns: Turns | undefined;
      readonly body: readonly Statement[];
    }
  /** A loop that a lane runs, one turn after the other. */
  | {
      readonly kind: "loop";
      readonly variable: Variable;
      readonly from: Expression;
      readonly progress: Progress;
      readonly body: readonly Statement[];
    }
);

/** Whether a value is of its target's type; what is combined with a vector may be a scalar. */
export const isAssignable = (value: Type, target: Type, operator: "+" | "*" | undefined) =>
  sameType(value, target) || (operator !== undefined && value.width === 1 && value.scalar === target.scalar);

/** Builds statements in order, the ones within others too. */
export class Statements {
  private list: Statement[] = [];
  private span: Span | undefined;

  get all(): readonly Statement[] {
    return this.list;
  }

  /** What `body` adds comes from `span`; of two around a statement the inner one counts. */
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

  /** A name for the value. */
  define(name: string, value: Expression, span = this.span): Expression {
    const variable: Variable = { name, type: value.type, isMutable: false };
    this.add({ kind: "define", variable, value, span });
    return read(variable);
  }

  /** A variable that has the value first. */
  variable(name: string, value: Expression, span = this.span): Target {
    const variable: Variable = { name, type: value.type, isMutable: true };
    this.add({ kind: "define", variable, value, span });
    return read(variable) as Target;
  }

  /** Declares an array of so many elements, of this lane alone. */
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
      () => `what ${target.variable.name} is assigned has its type`,
    );
    this.add({ kind: "assign", target, operator, value, span });
  }

  /** `buffer[index] = value`. */
  store(buffer: Buffer, index: Expression, value: Expression, span = this.span): void {
    invariant(sameType(value.type, buffer.type), () => `what is stored in ${buffer.wgsl} has its type`);
    this.add({ kind: "store", buffer, index: asIndex(index), value, span });
  }

  /** The parts of a word that are there. */
  storeWord(
    buffer: Buffer,
    index: Expression,
    value: Expression,
    parts: readonly Expression[],
    span = this.span,
  ): void {
    invariant(isWordOf(buffer, value.type), () => `what is stored in ${buffer.wgsl} is a word of it`);
    invariant(value.type.width % parts.length === 0, () => `${parts.length} parts of ${buffer.wgsl}`);
    this.add({ kind: "store", buffer, index: asIndex(index), value, parts, span });
  }

  /** All lanes of the workgroup arrive before one goes on. */
  barrier(): void {
    this.add({ kind: "barrier", span: this.span });
  }

  /** `body` where the condition holds; without one, always. */
  when(condition: Expression | undefined, body: () => void): void {
    invariant(sameType(condition?.type ?? bool, bool), "a condition is a truth value");
    if (condition === undefined) body();
    else this.add({ kind: "if", condition, body: this.within(body), span: this.span });
  }

  /** Names of `body` are its own. */
  scope(body: () => void): void {
    this.add({ kind: "scope", body: this.within(body), span: this.span });
  }

  /** A loop bound to an axis of the device: to the grid, or to so many lanes of a workgroup that are `stride` apart. */
  bind(axis: Axis, name: string, turns: Turns | undefined, body: (at: Expression) => void): void {
    const variable: Variable = { name, type: u32, isMutable: false };
    const statements = this.within(() => body(read(variable)));
    this.add({ kind: "bind", axis, variable, turns, body: statements, span: this.span });
  }

  /** Numbers from `from` on, up to `until`. */
  loop(name: string, from: Expression, until: Expression, by: number, body: (at: Expression) => void): void {
    this.addLoop(name, asIndex(from), { by, until: asIndex(until) }, body);
  }

  /** `from`, its half, and so on down to 1. */
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

/** An element of an array, as something to assign to. */
export const target = (variable: Variable, index: Operand): Target => item(variable, index) as Target;

/** All of a kernel. */
export interface Program {
  readonly name: string;
  /** The function that its statements are of; several programs may be one text. */
  readonly entryPoint: string;
  /** Extensions of WGSL that it uses. */
  readonly enables: readonly string[];
  /** Symbolic dimensions that it may read: pipeline constants, or fields of the uniform buffer. */
  readonly dims: readonly { readonly name: string; readonly isOverride: boolean }[];
  /** Those that are read and those that are written, in the order of their bindings; then scalars. */
  readonly buffers: readonly Buffer[];
  /** Arrays in workgroup memory. */
  readonly shared: readonly Variable[];
  /** Invocations in a workgroup. */
  readonly workgroupSize: number;
  /** Invocations in a subgroup, where the kernel asks for so many. */
  readonly subgroupSize?: number;
  /** Those that the device may choose, the smallest first, where the kernel does what the one chosen wants. */
  readonly subgroupSizes?: readonly number[];
  readonly body: readonly Statement[];
}

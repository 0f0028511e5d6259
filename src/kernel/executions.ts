/**
 * How often each statement of a kernel executes. Which lanes execute it depends on indices, which are evaluated here for all
 * lanes of a workgroup in lockstep. Nothing else is evaluated, and a loop whose iterations do not differ in control flow is
 * evaluated once.
 *
 * Futhark and tinygrad multiply the extents of the loops around a statement. That ignores tails of rows and idle lanes, in
 * which schedules differ.
 */

import { getOrInsert } from "../ir/groups.ts";
import { type Evaluate, evaluateParts, float32, type Value } from "./arithmetic.ts";
import { type Access, accessesOf, type Touched, touchedBy } from "./coalescing.ts";
import { type Expression, partsOf, type Variable } from "./expression.ts";
import { expressionsOf, type Program, type Statement, type StatementOf, withBodies } from "./statement.ts";

/** The executions of a statement. */
export interface Executions {
  /** The number of executions, over all lanes. */
  lanes: number;
  /** The same with idle lanes: all lanes of a group in lockstep count if one of them executes the statement. */
  issued: number;
  /** For a store of parts of words: the number of words that the parts amount to. */
  words: number;
  /** The number of cache lines that its loads and stores touch, counted separately for each group of lanes in lockstep. */
  lines: number;
  /** For a loop: the iterations of all lanes, without and with idle lanes. */
  turns: number;
  issuedTurns: number;
}

const noExecutions: Executions = { lanes: 0, issued: 0, words: 0, lines: 0, turns: 0, issuedTurns: 0 };

type Loop = StatementOf<"loop">;
type Store = StatementOf<"store">;
type Bind = StatementOf<"bind">;
type Indices = Evaluate<number> | undefined;

/** Conditions that depend on a tensor's elements are assumed to hold. */
const isAlways = () => 1;

/** Counts the executions of a kernel's statements. */
export class Execution {
  /** Statements that no lane executes are missing. */
  readonly counts = new Map<Statement, Executions>();
  /** The bytes that each load reads; an address that several lanes of a workgroup load at the same time counts once. */
  readonly bytes = new Map<Expression, number>();
  private readonly program: Program;
  private readonly extents: Readonly<Record<string, number>>;
  private readonly inStep: number;
  private readonly slots = new Map<Variable, number[]>();
  private readonly evaluated = new Map<Expression, Indices>();
  /** Indices of loads and stores: like `evaluated`, with variables that nothing else needs evaluated by their definitions. */
  private readonly addresses = new Map<Expression, Indices>();
  private readonly definitions = new Map<Variable, Expression>();
  private readonly accesses = new Map<Statement, readonly Access[]>();
  /** By access and number of active lanes: an access is assumed to touch as much in every execution with as many lanes. */
  private readonly touched = new Map<Access, Map<number, Touched>>();
  /** Variables on which a condition, the bounds of a loop or the stored parts of a word depend. */
  private readonly needed: ReadonlySet<Variable>;
  private group = 0;

  /** @param inStep the number of lanes in lockstep: those of a subgroup. */
  constructor(program: Program, extents: Readonly<Record<string, number>>, inStep: number) {
    this.program = program;
    this.extents = extents;
    this.inStep = inStep;
    this.needed = controlling(program.body);
  }

  /** @param times the number of workgroups with the same executions. */
  runGroup(group: number, times: number): void {
    this.group = group;
    const lanes = Array.from({ length: this.program.workgroupSize }, (_, lane) => lane);
    this.block(this.program.body, lanes, times);
  }

  private block(statements: readonly Statement[], lanes: readonly number[], times: number): void {
    if (lanes.length === 0 || times === 0) return;
    const issued = times * this.issuedBy(lanes);
    for (const statement of statements) {
      const counts = this.countsOf(statement);
      counts.lanes += times * lanes.length;
      counts.issued += issued;
      this.access(statement, counts, lanes, times);
      this.statement(statement, lanes, times);
    }
  }

  private issuedBy(lanes: readonly number[]): number {
    if (lanes.length === this.program.workgroupSize) return Math.max(lanes.length, this.inStep);
    return new Set(lanes.map((lane) => Math.floor(lane / this.inStep))).size * this.inStep;
  }

  private access(statement: Statement, counts: Executions, lanes: readonly number[], times: number): void {
    const accesses = getOrInsert(this.accesses, statement, () => accessesOf(statement));
    for (const access of accesses) {
      const { lines, bytes } = this.touchedBy(access, lanes);
      counts.lines += times * lines;
      if (access.load) this.bytes.set(access.load, (this.bytes.get(access.load) ?? 0) + times * bytes);
    }
  }

  private touchedBy(access: Access, lanes: readonly number[]): Touched {
    const byCount = getOrInsert(this.touched, access, () => new Map<number, Touched>());
    return getOrInsert(byCount, lanes.length, () => touchedBy(access, this.address(access.index), lanes, this.inStep));
  }

  private countsOf(statement: Statement): Executions {
    return getOrInsert(this.counts, statement, () => ({ ...noExecutions }));
  }

  private statement(statement: Statement, lanes: readonly number[], times: number): void {
    switch (statement.kind) {
      case "define":
        this.definitions.set(statement.variable, statement.value);
        if (this.needed.has(statement.variable)) this.set(statement.variable, lanes, this.indices(statement.value));
        return;
      case "if": {
        const condition = this.indices(statement.condition) ?? isAlways;
        this.block(
          statement.body,
          lanes.filter((lane) => condition(lane) !== 0),
          times,
        );
        return;
      }
      case "scope":
        this.block(statement.body, lanes, times);
        return;
      case "bind":
        this.set(statement.variable, lanes, this.bound(statement));
        this.block(statement.body, lanes, times);
        return;
      case "loop":
        this.loop(statement, lanes, times);
        return;
      case "store":
        this.countWords(statement, lanes, times);
        return;
      default:
    }
  }

  private countWords(statement: Store, lanes: readonly number[], times: number): void {
    const { parts = [] } = statement;
    const counts = this.countsOf(statement);
    for (const part of parts) {
      const isStored = this.indices(part) ?? isAlways;
      counts.words += (times * lanes.filter((lane) => isStored(lane) !== 0).length) / parts.length;
    }
  }

  private set(variable: Variable, lanes: readonly number[], value: Indices): void {
    if (value === undefined) return;
    const values = lanes.map(value);
    const slot = this.slotOf(variable);
    for (const [i, lane] of lanes.entries()) slot[lane] = values[i] as number;
  }

  private slotOf(variable: Variable): number[] {
    return getOrInsert(this.slots, variable, () => []);
  }

  private bound({ turns }: Bind): Evaluate<number> {
    return turns === undefined ? () => this.group : (lane) => Math.floor(lane / turns.stride) % turns.extent;
  }

  private loop(loop: Loop, lanes: readonly number[], times: number): void {
    const { variable, from, progress } = loop;
    const [first, until] = [this.indices(from), progress === "halving" ? () => 0 : this.indices(progress.until)];
    if (first === undefined || until === undefined) {
      throw new Error(`kernel: the bounds of the loop over ${variable.name} are not known`);
    }
    const at = this.slotOf(variable);
    for (const lane of lanes) at[lane] = first(lane) as number;
    if (progress !== "halving" && !this.needed.has(variable)) {
      const turnsOf = (lane: number) =>
        Math.max(0, Math.ceil(((until(lane) as number) - (first(lane) as number)) / progress.by));
      this.repeat(loop, lanes, lanes.map(turnsOf), times);
      return;
    }
    const goesOn = (lane: number) =>
      progress === "halving" ? at[lane] !== 0 : (at[lane] as number) < (until(lane) as number);
    for (let left = lanes.filter(goesOn); left.length > 0; left = left.filter(goesOn)) {
      this.turn(loop, left, times);
      for (const lane of left) {
        const now = at[lane] as number;
        at[lane] = progress === "halving" ? now >>> 1 : now + progress.by;
      }
    }
  }

  /** Counts iterations that differ only in the lanes that have finished. */
  private repeat(loop: Loop, lanes: readonly number[], turns: readonly number[], times: number): void {
    let done = 0;
    for (const until of [...new Set(turns)].sort((a, b) => a - b)) {
      const left = lanes.filter((_, i) => (turns[i] as number) >= until);
      this.turn(loop, left, times * (until - done));
      done = until;
    }
  }

  private turn(loop: Loop, lanes: readonly number[], times: number): void {
    if (times === 0) return;
    const counts = this.countsOf(loop);
    counts.turns += times * lanes.length;
    counts.issuedTurns += times * this.issuedBy(lanes);
    this.block(loop.body, lanes, times);
  }

  /** Evaluates an expression in a lane, if it depends on indices alone. */
  private indices(expression: Expression): Indices {
    if (this.evaluated.has(expression)) return this.evaluated.get(expression);
    const made = this.evaluate(
      expression,
      (variable) => (this.needed.has(variable) ? this.valueOf(variable) : undefined),
      (part) => this.indices(part),
    );
    this.evaluated.set(expression, made);
    return made;
  }

  /** The same for the index of a load or store, in the current iteration of the loops around it. */
  private address(expression: Expression): Indices {
    if (this.addresses.has(expression)) return this.addresses.get(expression);
    const made = this.evaluate(
      expression,
      (variable) => {
        const definition = this.needed.has(variable) ? undefined : this.definitions.get(variable);
        if (definition !== undefined) return variable.isMutable ? undefined : this.address(definition);
        return this.slots.has(variable) ? this.valueOf(variable) : undefined;
      },
      (part) => this.address(part),
    );
    this.addresses.set(expression, made);
    return made;
  }

  private valueOf(variable: Variable): Indices {
    const slot = this.slotOf(variable);
    return (lane) => slot[lane] as Value<number>;
  }

  private evaluate(
    expression: Expression,
    read: (variable: Variable) => Indices,
    evaluated: (part: Expression) => Indices,
  ): Indices {
    switch (expression.kind) {
      case "literal":
        return () => expression.value;
      case "read":
        return read(expression.variable);
      case "dimension": {
        const extent = this.extents[expression.name];
        if (extent === undefined) throw new Error(`kernel: the extent of ${expression.name} is not known`);
        return () => extent;
      }
      case "local":
        return (lane) => lane;
      case "subgroupSize": {
        const [size = 1] = this.program.subgroupSizes ?? [];
        return () => size;
      }
      case "item":
      case "load":
      case "library":
      case "apply":
      case "shuffle":
        return undefined;
      default: {
        const parts = partsOf(expression).map(evaluated);
        return parts.every((part) => part !== undefined) ? evaluateParts(float32, expression, parts) : undefined;
      }
    }
  }
}

/** The immutable variables on which conditions and the bounds of loops depend, directly or through definitions. */
function controlling(body: readonly Statement[]): ReadonlySet<Variable> {
  const definitions = new Map<Variable, Expression>();
  const found = new Set<Variable>();
  const open: Expression[] = [];
  for (const statement of withBodies(body)) {
    if (statement.kind === "define") definitions.set(statement.variable, statement.value);
    if (statement.kind === "store") open.push(...(statement.parts ?? []));
    if (statement.kind === "if" || statement.kind === "loop") open.push(...expressionsOf(statement));
  }
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (one.kind === "read" && !one.variable.isMutable && !found.has(one.variable)) {
      found.add(one.variable);
      const definition = definitions.get(one.variable);
      if (definition !== undefined) open.push(definition);
    }
    open.push(...partsOf(one));
  }
  return found;
}

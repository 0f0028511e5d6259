/**
 * Interprets a kernel: the lanes of a workgroup in lockstep, one workgroup after the other. It returns what the kernel stores,
 * and reports faults on which its results would depend by chance:
 *
 * - a race: two lanes access the same element of workgroup memory without a barrier in between, and one of them writes; or
 *   two lanes store the same element of a buffer.
 * - a barrier or a shuffle that not all lanes reach.
 * - an element that is read before it is written, or an index out of bounds.
 *
 * The arithmetic is a parameter: f32, to see which elements are combined rather than the last bit; or a finite field, to
 * check that the right terms are.
 */

import { getOrInsert } from "../ir/groups.ts";
import {
  type Arithmetic,
  type Evaluate,
  evaluateBinary,
  evaluateParts,
  float32,
  splat,
  type Value,
} from "./arithmetic.ts";
import { accessesOfStore } from "./cost.ts";
import { type Expression, type ExpressionOf, partsOf, type Variable } from "./expression.ts";
import { Memory } from "./memory.ts";
import type { Program, Statement, StatementOf } from "./statement.ts";

/** Runs a statement in these lanes. */
type Execute = (lanes: readonly number[]) => void;

/** The result of a run. */
interface Run<N> {
  /** The stored elements of each buffer; elements that are never stored are missing. */
  readonly outputs: ReadonlyMap<string, readonly (N | undefined)[]>;
  /** What is wrong with the kernel, each fault once. */
  readonly faults: readonly string[];
  readonly counts: RunCounts;
}

/** Counts over all lanes of all workgroups that were run; a barrier counts once per workgroup. */
interface RunCounts {
  /** Loads, stores, reads and writes of workgroup memory, shuffles. */
  readonly accesses: number;
  /** Iterations of loops. */
  readonly turns: number;
  readonly barriers: number;
}

/**
 * Interprets a kernel in f32.
 * @param inputs the elements of each buffer that is read, by its name in the kernel.
 * @param extents of the symbolic dimensions.
 * @param groups the indices of the workgroups to run.
 */
export function interpretProgram(
  program: Program,
  inputs: ReadonlyMap<string, ArrayLike<number>>,
  extents: Readonly<Record<string, number>>,
  groups: Iterable<number>,
): Run<number> {
  return interpretOver(float32, program, inputs, extents, groups);
}

/**
 * The same in another arithmetic.
 * @param subgroupSize of the device; without one, a subgroup is a whole workgroup.
 */
export function interpretOver<N>(
  arithmetic: Arithmetic<N>,
  program: Program,
  inputs: ReadonlyMap<string, ArrayLike<N>>,
  extents: Readonly<Record<string, number>>,
  groups: Iterable<number>,
  subgroupSize = program.subgroupSizes?.[0] ?? program.subgroupSize,
): Run<N> {
  const machine = new Machine(arithmetic, program, inputs, extents, subgroupSize);
  for (const group of groups) machine.runGroup(group);
  const { memory, turns, barriers, shuffles } = machine;
  const counts = { accesses: memory.accesses + shuffles, turns, barriers };
  return { outputs: memory.outputs, faults: [...memory.faults], counts };
}

class Machine<N> {
  readonly memory: Memory<N>;
  turns = 0;
  barriers = 0;
  shuffles = 0;
  private readonly arithmetic: Arithmetic<N>;
  private readonly extents: Readonly<Record<string, number>>;
  private readonly subgroupSize: number | undefined;
  private readonly all: readonly number[];
  private readonly body: Execute;
  /** The values of each variable, by lane. */
  private readonly variables = new Map<Variable, Value<N>[]>();
  /** Whether each lane takes part in the current statement. */
  private active: Uint8Array;
  private group = 0;

  constructor(
    arithmetic: Arithmetic<N>,
    program: Program,
    inputs: ReadonlyMap<string, ArrayLike<N>>,
    extents: Readonly<Record<string, number>>,
    subgroupSize: number | undefined,
  ) {
    this.subgroupSize = subgroupSize;
    this.arithmetic = arithmetic;
    this.memory = new Memory(arithmetic, program, inputs, extents);
    this.extents = extents;
    this.all = Array.from({ length: program.workgroupSize }, (_, lane) => lane);
    this.active = new Uint8Array(program.workgroupSize);
    this.body = this.block(program.body);
  }

  runGroup(group: number): void {
    this.group = group;
    this.memory.startGroup(group);
    this.body(this.all);
  }

  private block(statements: readonly Statement[]): Execute {
    const steps = statements.map((statement) => this.statement(statement));
    return (lanes) => {
      for (const step of steps) step(lanes);
    };
  }

  private statement(statement: Statement): Execute {
    switch (statement.kind) {
      case "define": {
        const values = this.slotOf(statement.variable);
        return this.assign(this.evaluate(statement.value), (lane, value) => {
          values[lane] = value;
        });
      }
      case "array": {
        const { variable } = statement;
        return (lanes) => this.memory.declareArray(variable, lanes);
      }
      case "assign": {
        const { target, operator, value } = statement;
        const next = this.evaluate(value);
        const before = operator && this.evaluate(target);
        const { scalar } = target.type;
        const combined = before ? evaluateBinary(this.arithmetic, operator, scalar, scalar, [before, next]) : next;
        if (target.kind === "read") {
          const values = this.slotOf(target.variable);
          return this.assign(combined, (lane, result) => {
            values[lane] = result;
          });
        }
        const index = this.evaluate(target.index);
        return this.assign(combined, (lane, result) =>
          this.memory.writeItem(target.variable, index(lane) as number, lane, result),
        );
      }
      case "store":
        return this.store(statement);
      case "barrier":
        return (lanes) => {
          if (lanes.length < this.all.length) this.memory.fault("a barrier that not all lanes reach");
          this.memory.barrier();
          this.barriers++;
        };
      case "if": {
        const condition = this.evaluate(statement.condition);
        const body = this.block(statement.body);
        return (lanes) => {
          const taken = this.within(lanes, () => lanes.filter((lane) => condition(lane) !== 0));
          if (taken.length > 0) body(taken);
        };
      }
      case "scope":
        return this.block(statement.body);
      case "bind":
        return this.bind(statement);
      case "loop":
        return this.loop(statement);
      default:
        return statement satisfies never;
    }
  }

  private bind({ variable, turns, body }: StatementOf<"bind">): Execute {
    const values = this.slotOf(variable);
    const at = (lane: number) => (turns === undefined ? this.group : Math.floor(lane / turns.stride) % turns.extent);
    const run = this.block(body);
    return (active) => {
      for (const lane of active) values[lane] = at(lane) as N;
      run(active);
    };
  }

  private loop({ variable, from, progress, body }: StatementOf<"loop">): Execute {
    const first = this.evaluate(from);
    const values = this.slotOf(variable) as unknown[] as number[];
    const until = progress === "halving" ? undefined : this.evaluate(progress.until);
    const goesOn = (lane: number) => (until ? (values[lane] as number) < (until(lane) as number) : values[lane] !== 0);
    const next = (at: number) => (progress === "halving" ? at >>> 1 : (at + progress.by) >>> 0);
    const run = this.block(body);
    return (lanes) => {
      this.within(lanes, () => {
        for (const lane of lanes) values[lane] = first(lane) as number;
      });
      for (;;) {
        const left = this.within(lanes, () => lanes.filter(goesOn));
        if (left.length === 0) return;
        this.turns += left.length;
        run(left);
        for (const lane of left) values[lane] = next(values[lane] as number);
        lanes = left;
      }
    };
  }

  /** Evaluates in all lanes before any writes, as lanes run in lockstep. */
  private assign(value: Evaluate<N>, write: (lane: number, value: Value<N>) => void): Execute {
    return (lanes) => {
      const values = this.within(lanes, () => lanes.map(value));
      for (const [i, lane] of lanes.entries()) write(lane, values[i] as Value<N>);
    };
  }

  /** Runs `work` with these lanes active. */
  private within<T>(lanes: readonly number[], work: () => T): T {
    this.active.fill(0);
    for (const lane of lanes) this.active[lane] = 1;
    return work();
  }

  private store({ buffer, index, value, parts }: StatementOf<"store">): Execute {
    const { width } = value.type;
    const accesses = accessesOfStore(buffer, width);
    const conditions = parts?.map((part) => this.evaluate(part));
    const perPart = width / (parts?.length ?? 1);
    const at = this.evaluate(index);
    const store = this.memory.storer(buffer);
    return this.assign(this.evaluate(value), (lane, values) => {
      this.memory.accesses += accesses;
      const isStored = (i: number) => conditions?.[Math.floor(i / perPart)]?.(lane) !== 0;
      store((at(lane) as number) * width, lane, values, isStored);
    });
  }

  private slotOf(variable: Variable): Value<N>[] {
    return getOrInsert(this.variables, variable, () => []);
  }

  private evaluate(expression: Expression): Evaluate<N> {
    switch (expression.kind) {
      case "literal": {
        const value = splat(this.arithmetic, expression.value, expression.type);
        return () => value;
      }
      case "read": {
        const values = this.slotOf(expression.variable);
        return (lane) => values[lane] as Value<N>;
      }
      case "item": {
        const index = this.evaluate(expression.index);
        return (lane) => this.memory.readItem(expression.variable, index(lane) as number, lane);
      }
      case "load":
        return this.load(expression);
      case "dimension": {
        const extent = this.extents[expression.name] as number;
        return () => extent as N;
      }
      case "local":
        return (lane) => lane as N;
      case "subgroupSize":
        return () => (this.subgroupSize ?? 1) as N;
      case "shuffle": {
        const operand = this.evaluate(expression.operand);
        const isFar = expression.mask >= (this.subgroupSize ?? Infinity);
        return (lane) => {
          this.shuffles++;
          if (isFar) this.memory.fault("a shuffle from outside of the subgroup");
          const other = lane ^ expression.mask;
          if (this.active[other] === 0) this.memory.fault("a shuffle that not all lanes reach");
          return operand(other);
        };
      }
      case "apply":
        return this.apply(expression);
      default: {
        const parts = partsOf(expression).map((part) => this.evaluate(part));
        return evaluateParts(this.arithmetic, expression, parts);
      }
    }
  }

  private load({ buffer, index, type: { width } }: ExpressionOf<"load">): Evaluate<N> {
    const at = this.evaluate(index);
    const load = this.memory.loader(buffer, width);
    return (lane) => load((at(lane) as number) * width, lane);
  }

  private apply({ callee, args }: ExpressionOf<"apply">): Evaluate<N> {
    const given = args.map((arg) => this.evaluate(arg));
    const parameters = callee.parameters.map((parameter) => this.slotOf(parameter));
    const steps = callee.steps.map(({ variable, value }) => [this.slotOf(variable), this.evaluate(value)] as const);
    const result = this.evaluate(callee.result);
    return (lane) => {
      const values = given.map((arg) => arg(lane));
      for (const [i, slot] of parameters.entries()) slot[lane] = values[i] as Value<N>;
      for (const [slot, value] of steps) slot[lane] = value(lane);
      return result(lane);
    };
  }
}

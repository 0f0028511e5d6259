/**
 * Runs a kernel without a device: the lanes of a workgroup in step with each other, one workgroup after the other. It says
 * what the kernel stores, and what makes a kernel's results depend on luck:
 *
 * - a race: two lanes touch an element of workgroup memory, one of them writing, with no barrier in between; or two
 *   lanes store the same element of a buffer.
 * - a barrier or a shuffle that not all lanes come to.
 * - what is read before it is written, and what lies outside of its array.
 *
 * Numbers are what an arithmetic has them: f32, where what is looked for is which elements meet, not the last bit; or
 * elements of a field, which shows whether the right terms meet.
 */

import type { Dim } from "../ir/types.ts";
import {
  type Arithmetic,
  type Evaluate,
  evaluateBinary,
  evaluateParts,
  float32,
  isVector,
  splat,
  type Value,
  zeroOf,
} from "./arithmetic.ts";
import { type Buffer, elementsInWord } from "./buffer.ts";
import { accessesOfStore } from "./cost.ts";
import { type Expression, type ExpressionOf, partsOf, type Variable } from "./expression.ts";
import type { Program, Statement } from "./statement.ts";
import { typeOf } from "./types.ts";

/** Runs a statement in these lanes. */
type Execute = (lanes: readonly number[]) => void;

/** What the kernel has stored, by buffer, and what is wrong with it, each fault once. */
interface Run<N> {
  /** Elements that nothing was stored in are missing. */
  readonly outputs: ReadonlyMap<string, readonly (N | undefined)[]>;
  readonly faults: readonly string[];
  readonly counts: RunCounts;
}

/** How often something happened in all lanes of all workgroups that were run; a barrier counts once a workgroup. */
interface RunCounts {
  /** Loads, stores, reads and writes of workgroup memory, shuffles. */
  readonly accesses: number;
  /** Turns of loops. */
  readonly turns: number;
  readonly barriers: number;
}

/** An array that several lanes can reach, and who touched its elements since the last barrier. */
interface SharedArray<N> {
  readonly values: (Value<N> | undefined)[];
  readonly writer: Int32Array;
  readonly written: Int32Array;
  readonly reader: Int32Array;
  readonly read: Int32Array;
}

const severalLanes = -2;

/**
 * @param inputs the elements of each buffer that is read, by its name in the kernel.
 * @param extents of the symbolic dimensions.
 * @param groups the numbers of the workgroups to run.
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
 * @param subgroupSize that of the device; without one, shuffles reach as far as a workgroup.
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
  return { outputs: machine.outputs, faults: [...machine.faults], counts: machine.counts };
}

class Machine<N> {
  readonly outputs = new Map<string, (N | undefined)[]>();
  readonly faults = new Set<string>();
  readonly counts = { accesses: 0, turns: 0, barriers: 0 };
  private readonly arithmetic: Arithmetic<N>;
  private readonly program: Program;
  private readonly inputs: ReadonlyMap<string, ArrayLike<N>>;
  private readonly extents: Readonly<Record<string, number>>;
  private readonly subgroupSize: number | undefined;
  private readonly all: readonly number[];
  private readonly body: Execute;
  /** By variable and lane: its value, or the elements of an array. */
  private readonly variables = new Map<Variable, Value<N>[]>();
  private readonly arrays = new Map<Variable, Value<N>[][]>();
  private readonly shared = new Map<Variable, SharedArray<N>>();
  /** By element of a buffer that is written: the lane that stored it, of all workgroups; none is 0. */
  private readonly stored = new Map<string, Int32Array>();
  private active: Uint8Array;
  private group = 0;
  private barriers = 0;

  constructor(
    arithmetic: Arithmetic<N>,
    program: Program,
    inputs: ReadonlyMap<string, ArrayLike<N>>,
    extents: Readonly<Record<string, number>>,
    subgroupSize: number | undefined,
  ) {
    this.subgroupSize = subgroupSize;
    this.arithmetic = arithmetic;
    this.program = program;
    this.inputs = inputs;
    this.extents = extents;
    this.all = Array.from({ length: program.workgroupSize }, (_, lane) => lane);
    this.active = new Uint8Array(program.workgroupSize);
    for (const buffer of program.buffers.filter(({ access }) => access === "read_write")) {
      const length = this.lengthOf(buffer) * buffer.type.width;
      this.outputs.set(buffer.wgsl, new Array<N | undefined>(length));
      this.stored.set(buffer.wgsl, new Int32Array(length));
    }
    this.body = this.block(program.body);
  }

  runGroup(group: number): void {
    this.group = group;
    this.barriers++;
    for (const variable of this.program.shared) this.shared.set(variable, sharedArray(variable.length as number));
    this.body(this.all);
  }

  /** Elements of the buffer's type. */
  private lengthOf({ shape, type }: Buffer): number {
    const extent = (dim: Dim) => (typeof dim === "number" ? dim : (this.extents[dim] as number));
    return shape.reduce<number>((product, dim) => product * extent(dim), 1) / type.width;
  }

  private fault(words: string): void {
    if (this.faults.size < 20) this.faults.add(words);
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
        const arrays: Value<N>[][] = [];
        this.arrays.set(variable, arrays);
        return (lanes) => {
          for (const lane of lanes) arrays[lane] = [];
        };
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
          this.writeItem(target.variable, index(lane) as number, lane, result),
        );
      }
      case "store":
        return this.store(statement);
      case "barrier":
        return (lanes) => {
          if (lanes.length < this.all.length) this.fault("a barrier that not all lanes come to");
          this.barriers++;
          this.counts.barriers++;
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

  private bind({ variable, turns, body }: Extract<Statement, { kind: "bind" }>): Execute {
    const values = this.slotOf(variable);
    const at = (lane: number) => (turns === undefined ? this.group : Math.floor(lane / turns.stride) % turns.extent);
    const run = this.block(body);
    return (active) => {
      for (const lane of active) values[lane] = at(lane) as N;
      run(active);
    };
  }

  private loop({ variable, from, progress, body }: Extract<Statement, { kind: "loop" }>): Execute {
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
        this.counts.turns += left.length;
        run(left);
        for (const lane of left) values[lane] = next(values[lane] as number);
        lanes = left;
      }
    };
  }

  /** Values first, then the writing: lanes go in step. */
  private assign(value: Evaluate<N>, write: (lane: number, value: Value<N>) => void): Execute {
    return (lanes) => {
      const values = this.within(lanes, () => lanes.map(value));
      for (const [i, lane] of lanes.entries()) write(lane, values[i] as Value<N>);
    };
  }

  /** `work` with these lanes known as those that are there. */
  private within<T>(lanes: readonly number[], work: () => T): T {
    this.active.fill(0);
    for (const lane of lanes) this.active[lane] = 1;
    return work();
  }

  private store({ buffer, index, value, parts }: Extract<Statement, { kind: "store" }>): Execute {
    const { wgsl, element } = buffer;
    const { width } = value.type;
    const accesses = accessesOfStore(buffer, width);
    const isStored = parts?.map((part) => this.evaluate(part));
    const perPart = width / (parts?.length ?? 1);
    const at = this.evaluate(index);
    const output = this.outputs.get(wgsl) as (N | undefined)[];
    const stored = this.stored.get(wgsl) as Int32Array;
    return this.assign(this.evaluate(value), (lane, values) => {
      this.counts.accesses += accesses;
      const start = (at(lane) as number) * width;
      const own = this.numberOf(lane);
      for (const [i, number] of (isVector(values) ? values : [values]).entries()) {
        // All of a word is packed, and then what there is of it stored.
        const packed = this.arithmetic.stored(number, element);
        if (isStored?.[Math.floor(i / perPart)]?.(lane) === 0) continue;
        if (start + i >= output.length) {
          this.fault(`a store outside of ${wgsl}`);
          return;
        }
        if (stored[start + i] !== 0 && stored[start + i] !== own) {
          this.fault(`a race: an element of ${wgsl} is stored twice`);
        }
        stored[start + i] = own;
        output[start + i] = packed;
      }
    });
  }

  private slotOf(variable: Variable): Value<N>[] {
    const found = this.variables.get(variable) ?? [];
    this.variables.set(variable, found);
    return found;
  }

  private writeItem(variable: Variable, index: number, lane: number, value: Value<N>): void {
    if (index >= (variable.length as number)) {
      this.fault(`an element outside of ${variable.name}`);
      return;
    }
    if (variable.isShared !== true) {
      (this.arrays.get(variable)?.[lane] as Value<N>[])[index] = value;
      return;
    }
    this.counts.accesses++;
    const array = this.shared.get(variable) as SharedArray<N>;
    const isWritten = array.written[index] === this.barriers && array.writer[index] !== lane;
    const isRead = array.read[index] === this.barriers && array.reader[index] !== lane;
    if (isWritten || isRead) this.fault(`a race on ${variable.name}`);
    array.values[index] = value;
    array.writer[index] = lane;
    array.written[index] = this.barriers;
  }

  private readItem(variable: Variable, index: number, lane: number): Value<N> {
    if (index >= (variable.length as number)) {
      this.fault(`an element outside of ${variable.name}`);
      return zeroOf(this.arithmetic, variable.type);
    }
    const value = variable.isShared
      ? this.readShared(variable, index, lane)
      : this.arrays.get(variable)?.[lane]?.[index];
    if (value === undefined) this.fault(`an element of ${variable.name} is read before it is written`);
    return value ?? zeroOf(this.arithmetic, variable.type);
  }

  private readShared(variable: Variable, index: number, lane: number): Value<N> | undefined {
    this.counts.accesses++;
    const array = this.shared.get(variable) as SharedArray<N>;
    if (array.written[index] === this.barriers && array.writer[index] !== lane)
      this.fault(`a race on ${variable.name}`);
    const isFirst = array.read[index] !== this.barriers;
    array.reader[index] = isFirst || array.reader[index] === lane ? lane : severalLanes;
    array.read[index] = this.barriers;
    return array.values[index];
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
        return (lane) => this.readItem(expression.variable, index(lane) as number, lane);
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
          this.counts.accesses++;
          if (isFar) this.fault("a shuffle from outside of the subgroup");
          const other = lane ^ expression.mask;
          if (this.active[other] === 0) this.fault("a shuffle that not all lanes come to");
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
    if (buffer.access === "read_write") return this.loadStored(buffer, index);
    const elements = this.inputs.get(buffer.wgsl);
    if (elements === undefined) throw new Error(`kernel: there is no input ${buffer.wgsl}`);
    const at = this.evaluate(index);
    const isAccess = buffer.storage !== "uniform";
    // The last word of a tensor may have room behind the last element.
    const isWord = width > 1 && width === elementsInWord(buffer.storage);
    const behind = zeroOf(this.arithmetic, typeOf(buffer.type.scalar)) as N;
    return (lane) => {
      if (isAccess) this.counts.accesses++;
      const start = (at(lane) as number) * width;
      if (start + width > elements.length && !(isWord && start < elements.length)) {
        this.fault(`a load outside of ${buffer.wgsl}`);
        return zeroOf(this.arithmetic, buffer.type);
      }
      if (width === 1) return elements[start] as N;
      return Array.from({ length: width }, (_, i) => elements[start + i] ?? behind);
    };
  }

  /** Of all workgroups, from 1 on. */
  private numberOf(lane: number): number {
    return 1 + this.group * this.program.workgroupSize + lane;
  }

  /** What the lane itself has stored. */
  private loadStored({ wgsl, type }: Buffer, index: Expression): Evaluate<N> {
    const at = this.evaluate(index);
    const elements = this.outputs.get(wgsl) as (N | undefined)[];
    const stored = this.stored.get(wgsl) as Int32Array;
    return (lane) => {
      const start = (at(lane) as number) * type.width;
      const values = Array.from({ length: type.width }, (_, i) => {
        if (stored[start + i] !== this.numberOf(lane)) {
          this.fault(`an element of ${wgsl} is read that the lane has not stored`);
          return zeroOf(this.arithmetic, typeOf(type.scalar)) as N;
        }
        return elements[start + i] as N;
      });
      return type.width === 1 ? (values[0] as N) : values;
    };
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

function sharedArray<N>(length: number): SharedArray<N> {
  const never = () => new Int32Array(length).fill(-1);
  return { values: [], writer: never(), written: never(), reader: never(), read: never() };
}

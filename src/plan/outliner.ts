/** Functions that are made of the ops of another, and the buffers between them. */

import { Builder, copyOp, copyParam, makeOp } from "../ir/builder.ts";
import { FreshNames } from "../ir/fresh-names.ts";
import { dimensionNames, type Fn, isLeaf, isOp, makeFn, type Op, type Result, Value } from "../ir/ir.ts";
import { Memory } from "../ir/opaque.ts";
import { ops as table } from "../ir/ops/index.ts";
import { reservedWords } from "../ir/print.ts";
import { type TensorType, tensorType } from "../ir/types.ts";
import type { Launch, OpaqueStep, PlanBuffer, Tile } from "./plan.ts";

/** The buffer of each value, made when it is first asked for. */
export class Buffers {
  readonly memory: Memory;
  private readonly names: FreshNames;
  private readonly byConstant = new Map<string, PlanBuffer>();
  private readonly byValue = new Map<Value, PlanBuffer>();
  private readonly byResult = new Map<string, PlanBuffer>();

  constructor(fn: Fn) {
    this.memory = new Memory(fn);
    const constants = fn.ops.flatMap((op) => (isOp(op, "global") ? [op.attributes.name] : []));
    const params = fn.params.map(({ name }) => name as string);
    this.names = new FreshNames([...reservedWords, ...params, ...constants]);
    for (const param of fn.params) {
      this.byValue.set(param, { name: param.name as string, type: param.type, kind: "input" });
    }
    for (const { name, value } of fn.results) {
      const own = { name: this.names.next(name), type: value.type, kind: "result" as const, result: name };
      const first = this.byValue.get(this.memory.of(value));
      const buffer: PlanBuffer = first?.kind === "result" ? { ...own, same: first.name } : own;
      this.byResult.set(name, buffer);
      const made = this.memory.of(value);
      if (made.def !== undefined && !isLeaf(made.def) && !this.byValue.has(made)) this.byValue.set(made, buffer);
    }
  }

  /** Results that are values of others. */
  get again(): readonly PlanBuffer[] {
    return [...this.byResult.values()].filter(({ same }) => same !== undefined);
  }

  private ofConstant({ def, type }: Value): PlanBuffer {
    const name = def?.attributes.name as string;
    const buffer = this.byConstant.get(name) ?? { name, type, kind: "constant" };
    this.byConstant.set(name, buffer);
    return buffer;
  }

  /** The value lies there, for whatever reads it. */
  keep(value: Value, buffer: PlanBuffer): void {
    this.byValue.set(value, buffer);
  }

  ofResult({ name }: Result): PlanBuffer {
    return this.byResult.get(name) as PlanBuffer;
  }

  /** Of a constant of the module, of an input, or of what a kernel or an opaque step makes. */
  of(shown: Value): PlanBuffer {
    const value = this.memory.of(shown);
    if (value.def?.name === "global") return this.ofConstant(value);
    const known = this.byValue.get(value);
    if (known !== undefined) return known;
    const name = this.names.next(value.name ?? value.def?.name ?? "t");
    const buffer: PlanBuffer = { name, type: value.type, kind: "intermediate" };
    this.byValue.set(value, buffer);
    return buffer;
  }
}

/** The names of operands or results: those of the op table, or numbers. */
function partNames(stem: string, count: number): string[] {
  return count === 1 ? [stem] : Array.from({ length: count }, (_, i) => `${stem}${i}`);
}

/** A value of a kernel, and where it goes. */
export interface Write {
  readonly buffer: PlanBuffer;
  readonly value: Value;
}

/** What becomes a function of its own. */
export interface Piece {
  /** In an order in which they can be computed. */
  readonly ops: readonly Op[];
  readonly writes: readonly Write[];
  /** How it is cut, and of which type a value from outside is in one tile. */
  readonly tile?: {
    readonly tile: Tile;
    readonly typeOf: (value: Value) => TensorType;
    /** Of an op in one tile; its own unless said. */
    readonly attributesOf?: (op: Op) => Op["attributes"];
  };
}

/** Makes functions of the ops of another. */
export class Outliner {
  readonly buffers: Buffers;
  /** For dimensions that the plan derives. */
  readonly dims: FreshNames;
  private readonly fn: Fn;
  private readonly functions: FreshNames;

  constructor(fn: Fn, functions: FreshNames) {
    this.fn = fn;
    this.functions = functions;
    this.buffers = new Buffers(fn);
    this.dims = new FreshNames([...reservedWords, ...dimensionNames(fn)]);
  }

  /** `f_1`, or the next number that no function has. */
  private functionName(): string {
    const { name } = this.fn;
    return this.functions.next(`${name}_1`, (n) => `${name}_${n + 1}`);
  }

  /** What the ops of one kernel write: results, and what others read. */
  writesOf(ops: readonly Op[], needed: ReadonlySet<Value>): Write[] {
    const own = ops.flatMap((op) => op.results);
    const isFirst = ({ value }: Result, i: number) => this.fn.results.findIndex((other) => other.value === value) === i;
    const returned = this.fn.results.filter(isFirst).filter(({ value }) => own.includes(value));
    const stored = own.filter((value) => needed.has(value) && !returned.some((result) => result.value === value));
    return [
      ...returned.map((result) => ({ buffer: this.buffers.ofResult(result), value: result.value })),
      ...stored.map((value) => ({ buffer: this.buffers.of(value), value })),
    ];
  }

  /** An op that no kernel computes, behind kernels that store the numbers among its operands. */
  opaque(op: Op): (Launch | OpaqueStep)[] {
    const { span } = this.fn;
    const numbers = op.operands.filter((value) => value?.def?.name === "constant") as Value[];
    const stores = numbers.map((value) =>
      this.launch({ ops: [], writes: [{ buffer: this.buffers.of(value), value }] }),
    );
    const defs = table[op.name].operands;
    const operandNames = defs.length > 0 ? defs.map((def) => def.name) : partNames("operand", op.operands.length);
    const params = op.operands.map((value, i) => value && new Value(value.type, operandNames[i], value.span));
    const resultNames = partNames("out", op.results.length);
    const copy = copyOp(op, { operands: params, kernel: undefined, resultNames });
    const present = op.operands.filter((value) => value !== undefined);
    const fn = makeFn({
      name: this.functionName(),
      params: params.filter((param) => param !== undefined),
      ops: [copy],
      results: copy.results.map((value) => ({ name: value.name as string, value })),
      span,
    });
    const { buffers } = this;
    const reads = present.map((value) => buffers.of(buffers.memory.source(value)));
    return [...stores, { kind: "opaque", fn, reads, writes: op.results.map((value) => buffers.of(value)) }];
  }

  /** A function of these ops, with a parameter for each value from outside. */
  launch({ ops, writes, tile }: Piece): Launch {
    const { span } = this.fn;
    const builder = new Builder(span);
    builder.standAt({ span, kernel: 0 });
    const mapped = new Map<Value, Value>();
    const params: Value[] = [];
    const reads: PlanBuffer[] = [];
    const names = new FreshNames(reservedWords);
    const outside = (value: Value): Value => {
      if (value.def !== undefined && isLeaf(value.def)) return builder.add(copyOp(value.def, {})).result;
      const buffer = this.buffers.of(value);
      // A parameter without dimensions is a number of the caller's: what a kernel has written is read from its buffer.
      const isNumber = buffer.kind !== "input" && value.shape.length === 0;
      const type = isNumber ? tensorType(value.element, [1]) : (tile?.typeOf(value) ?? value.type);
      const param = copyParam(value, { type, name: names.next(buffer.name) });
      params.push(param);
      reads.push(buffer);
      return isNumber ? builder.emit("reshape", [param], { shape: [] }) : param;
    };
    const now = (value: Value): Value => {
      const known = mapped.get(value) ?? outside(value);
      mapped.set(value, known);
      return known;
    };
    for (const op of ops) {
      const operands = op.operands.map((value) => value && now(value));
      const names = op.results.map((result) => result.name);
      const options = { places: { op: op.span }, names, kernel: 0 };
      const copy = builder.add(
        tile === undefined
          ? copyOp(op, { operands, kernel: 0 })
          : makeOp(op.name, operands, tile.attributesOf?.(op) ?? op.attributes, options),
      );
      for (const [i, result] of op.results.entries()) mapped.set(result, copy.results[i] as Value);
    }
    const results = writes.map(({ buffer, value }) => ({ name: buffer.name, value: now(value) }));
    const fn = makeFn({ name: this.functionName(), params, ops: builder.ops, results, span });
    return { kind: "launch", fn, reads, writes: writes.map(({ buffer }) => buffer), tile: tile?.tile };
  }
}

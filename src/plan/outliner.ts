/** Outlines groups of ops of a function into functions of their own, with buffers between them. */

import { Builder, Copies, copyOp, copyParam, makeOp } from "../ir/builder.ts";
import { FreshNames } from "../ir/fresh-names.ts";
import { getOrInsert } from "../ir/groups.ts";
import { constantNames, dimensionNames, type Fn, isLeaf, makeFn, type Op, type Result, Value } from "../ir/ir.ts";
import { Memory } from "../ir/opaque.ts";
import { ops as table } from "../ir/ops/index.ts";
import { reservedWords } from "../ir/print.ts";
import { type Dim, type TensorType, tensorType } from "../ir/types.ts";
import type { DerivedExtent, Launch, OpaqueStep, PlanBuffer, Tile } from "./plan.ts";

/** The buffer of each value, created on first use. */
export class Buffers {
  readonly memory: Memory;
  private readonly names: FreshNames;
  private readonly byConstant = new Map<string, PlanBuffer>();
  private readonly byValue = new Map<Value, PlanBuffer>();
  private readonly byResult = new Map<string, PlanBuffer>();

  constructor(fn: Fn) {
    this.memory = new Memory(fn);
    const constants = constantNames(fn.ops);
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

  /** Results that equal another result, and share its buffer. */
  get again(): readonly PlanBuffer[] {
    return [...this.byResult.values()].filter(({ same }) => same !== undefined);
  }

  private ofConstant({ def, type }: Value): PlanBuffer {
    const name = def?.attributes.name as string;
    return getOrInsert(this.byConstant, name, () => ({ name, type, kind: "constant" }));
  }

  /** Records that the value is stored in this buffer, which its readers then read. */
  keep(value: Value, buffer: PlanBuffer): void {
    this.byValue.set(value, buffer);
  }

  ofResult({ name }: Result): PlanBuffer {
    return this.byResult.get(name) as PlanBuffer;
  }

  /** The buffer of a constant of the module, of an input, or of a value that a kernel or an opaque step computes. */
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

/** Names for operands or results: the stem, with a number if there are several. */
function partNames(stem: string, count: number): string[] {
  return count === 1 ? [stem] : Array.from({ length: count }, (_, i) => `${stem}${i}`);
}

/** A value that a kernel computes, and the buffer that it is stored in. */
export interface Write {
  readonly buffer: PlanBuffer;
  readonly value: Value;
}

/** How a dimension is cut into tiles. */
export interface Cut {
  readonly tile: Tile;
  /** The extents that the tile names. */
  readonly extents: readonly DerivedExtent[];
}

/** Ops that become a function of their own. */
export interface Piece {
  /** In a valid order of execution. */
  readonly ops: readonly Op[];
  readonly writes: readonly Write[];
  /** How the launch is tiled, and the type that a value from outside has within one tile. */
  readonly tile?: Cut & {
    readonly typeOf: (value: Value) => TensorType;
    /** The attributes of an op within one tile; by default those of the op. */
    readonly attributesOf?: (op: Op) => Op["attributes"];
  };
}

/** Makes functions, and their launches, from ops of another function. */
export class Outliner {
  readonly buffers: Buffers;
  /** The extents that launches made so far need. */
  readonly extents: DerivedExtent[] = [];
  private readonly dims: FreshNames;
  private readonly fn: Fn;
  private readonly functions: FreshNames;

  constructor(fn: Fn, functions: FreshNames) {
    this.fn = fn;
    this.functions = functions;
    this.buffers = new Buffers(fn);
    this.dims = new FreshNames([...reservedWords, ...dimensionNames(fn)]);
  }

  /** `f_1`, or the next number that gives an unused name. */
  private functionName(): string {
    const { name } = this.fn;
    return this.functions.next(`${name}_1`, (n) => `${name}_${n + 1}`);
  }

  /** The values that the ops of one kernel write: results, and values that other kernels read. */
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

  /** The step of an op that no kernel computes, after kernels that store those of its operands that are literals. */
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

  /** Cuts rows into tiles of ceil(rows / by) rows, clamped to `least` and `most`. */
  cut(rows: Dim, size: Pick<DerivedExtent, "by" | "least" | "most">): Cut {
    const isNamed = typeof rows === "string";
    const stem = isNamed ? rows : "rows";
    const dim = isNamed ? rows : this.dims.next(stem);
    const [length, count] = [this.dims.next(`${stem}_tile`), this.dims.next(`${stem}_tiles`)];
    const extents = [
      ...(isNamed ? [] : [{ name: dim, of: rows, by: 1 }]),
      { name: length, of: dim, ...size },
      { name: count, of: dim, by: length },
    ];
    return { tile: { dim, size: length, count }, extents };
  }

  /** Makes a function of these ops, with a parameter for each value from outside, and its launch. */
  launch({ ops, writes, tile }: Piece): Launch {
    this.extents.push(...(tile?.extents ?? []));
    const { span } = this.fn;
    const builder = new Builder(span);
    builder.standAt({ span, kernel: 0 });
    const mapped = new Copies();
    const params: Value[] = [];
    const reads: PlanBuffer[] = [];
    const names = new FreshNames(reservedWords);
    const outside = (value: Value): Value => {
      if (value.def !== undefined && isLeaf(value.def)) return builder.add(copyOp(value.def, {})).result;
      const buffer = this.buffers.of(value);
      // A parameter of rank 0 is passed by the caller as a number, so a scalar that a kernel has written is read as [1].
      const isNumber = buffer.kind !== "input" && value.shape.length === 0;
      const type = isNumber ? tensorType(value.element, [1]) : (tile?.typeOf(value) ?? value.type);
      const param = copyParam(value, { type, name: names.next(buffer.name) });
      params.push(param);
      reads.push(buffer);
      return isNumber ? builder.emit("reshape", [param], { shape: [] }) : param;
    };
    const now = (value: Value): Value => {
      return getOrInsert(mapped, value, () => outside(value));
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
      mapped.record(op, copy);
    }
    const results = writes.map(({ buffer, value }) => ({ name: buffer.name, value: now(value) }));
    const fn = makeFn({ name: this.functionName(), params, ops: builder.ops, results, span });
    return { kind: "launch", fn, reads, writes: writes.map(({ buffer }) => buffer), tile: tile?.tile };
  }
}

/**
 * From a function whose ops stand in kernels to a plan: each group of ops becomes a function of its own.
 *
 *   fn f(x) -> (y) { kernel { let a = exp(x) }  kernel { let y = sum(a) } }
 *   ->
 *   alloc a;  launch f_1(x) -> (a);  launch f_2(a) -> (y);  free a
 *
 * A value that several kernels need is stored by the one that computes it. A result is a buffer too: a later kernel reads
 * it there. What the function returns as it got it is copied by a kernel of its own.
 */

import { Builder, copyOp } from "../ir/builder.ts";
import { type Fn, isLeaf, makeFn, type Op, presentOperands, type Result, Value } from "../ir/ir.ts";
import { reservedWords } from "../ir/print.ts";
import { type TensorType, tensorType } from "../ir/types.ts";
import { finish } from "./memory.ts";
import type { Launch, Plan, PlanBuffer } from "./plan.ts";

/** Hands out names that no other has. */
export class FreshNames {
  private readonly taken: Set<string>;

  constructor(taken: Iterable<string>) {
    this.taken = new Set([...reservedWords, ...taken]);
  }

  /** `stem` itself if it is free. */
  next(stem: string): string {
    let name = stem;
    for (let n = 1; this.taken.has(name); n++) name = `${stem}_${n}`;
    this.taken.add(name);
    return name;
  }

  /** `stem_1`, or the next number that is free. */
  numbered(stem: string): string {
    let n = 1;
    while (this.taken.has(`${stem}_${n}`)) n++;
    return this.next(`${stem}_${n}`);
  }
}

/**
 * The plan of a function whose ops all stand in kernels.
 * @param taken names of other functions: no outlined one gets any of them.
 */
export function outline(fn: Fn, taken: Iterable<string> = []): Plan {
  return finish(fn, [], launchesIn(fn, new FreshNames([...taken, fn.name])));
}

/** The plan of a function that is one kernel. */
export function planOfOne(fn: Fn): Plan {
  const buffers = new Buffers(fn);
  const reads = fn.params.map((param) => buffers.of(param));
  return finish(fn, [], [{ kind: "launch", fn, reads, writes: fn.results.map((result) => buffers.ofResult(result)) }]);
}

/** The kernels of a function in order. */
export function launchesIn(fn: Fn, functions: FreshNames): Launch[] {
  const groups = groupsOf(fn);
  const copied = fn.results.filter(({ value }) => value.def === undefined || isLeaf(value.def));
  const buffers = new Buffers(fn);
  const needed = neededOutside(groups);
  const outlined = groups.map((ops) => {
    const own = ops.flatMap((op) => op.results);
    const returned = fn.results.filter(({ value }) => own.includes(value));
    const stored = own.filter((value) => needed.has(value) && !returned.some((result) => result.value === value));
    const writes = [
      ...returned.map((result) => ({ buffer: buffers.ofResult(result), value: result.value })),
      ...stored.map((value) => ({ buffer: buffers.of(value), value })),
    ];
    return outlineOps(fn, ops, writes, buffers, functions);
  });
  const copies = copied.map((result) =>
    outlineOps(fn, [], [{ buffer: buffers.ofResult(result), value: result.value }], buffers, functions),
  );
  return [...outlined, ...copies];
}

/** Ops by kernel, in order. */
function groupsOf({ ops }: Fn): (readonly Op[])[] {
  const groups = new Map<number | undefined, Op[]>();
  for (const op of ops) {
    if (isLeaf(op)) continue;
    const group = groups.get(op.kernel) ?? [];
    groups.set(op.kernel, [...group, op]);
  }
  return [...groups.values()];
}

/** Values that another group reads than the one that computes them. */
function neededOutside(groups: readonly (readonly Op[])[]): Set<Value> {
  const needed = new Set<Value>();
  for (const group of groups) {
    const own = new Set(group.flatMap((op) => op.results));
    for (const op of group) for (const value of presentOperands(op)) if (!own.has(value)) needed.add(value);
  }
  return needed;
}

/** The buffer of each value, made when it is first asked for. */
class Buffers {
  private readonly names: FreshNames;
  private readonly byValue = new Map<Value, PlanBuffer>();
  private readonly byResult = new Map<string, PlanBuffer>();

  constructor(fn: Fn) {
    const constants = fn.ops.filter((op) => op.name === "global").map((op) => op.attributes.name as string);
    const params = fn.params.map(({ name }) => name as string);
    this.names = new FreshNames([...params, ...constants]);
    for (const param of fn.params) {
      this.byValue.set(param, { name: param.name as string, type: param.type, kind: "input" });
    }
    for (const { name, value } of fn.results) {
      const buffer: PlanBuffer = { name: this.names.next(name), type: value.type, kind: "result", result: name };
      this.byResult.set(name, buffer);
      if (value.def !== undefined && !isLeaf(value.def) && !this.byValue.has(value)) this.byValue.set(value, buffer);
    }
  }

  ofResult({ name }: Result): PlanBuffer {
    return this.byResult.get(name) as PlanBuffer;
  }

  of(value: Value): PlanBuffer {
    const known = this.byValue.get(value);
    if (known !== undefined) return known;
    const name = this.names.next(value.name ?? value.def?.name ?? "t");
    const buffer: PlanBuffer = { name, type: value.type, kind: "intermediate" };
    this.byValue.set(value, buffer);
    return buffer;
  }
}

interface Write {
  readonly buffer: PlanBuffer;
  readonly value: Value;
}

/** A function of these ops, with a parameter for each value from outside. */
function outlineOps(
  { name, span }: Fn,
  ops: readonly Op[],
  writes: readonly Write[],
  buffers: Buffers,
  functions: FreshNames,
): Launch {
  const builder = new Builder(span);
  const mapped = new Map<Value, Value>();
  const params: Value[] = [];
  const reads: PlanBuffer[] = [];
  const now = (value: Value): Value => mapped.get(value) ?? outside(value);
  const outside = (value: Value): Value => {
    if (value.def !== undefined && isLeaf(value.def)) {
      const copy = builder.add(copyOp(value.def, {})).result;
      mapped.set(value, copy);
      return copy;
    }
    const buffer = buffers.of(value);
    // A parameter without dimensions is a number of the caller's: what a kernel has written is read from its buffer.
    const isNumber = buffer.kind !== "input" && value.shape.length === 0;
    const type: TensorType = isNumber ? tensorType(value.element, [1]) : value.type;
    const param = new Value(type, buffer.name, value.span, undefined, 0, value.centered);
    params.push(param);
    reads.push(buffer);
    const read = isNumber ? builder.emit("reshape", [param], { shape: [] }) : param;
    mapped.set(value, read);
    return read;
  };
  builder.standAt({ span, kernel: 0 });
  for (const op of ops) {
    const operands = op.operands.map((value) => value && now(value));
    const copy = builder.add(copyOp(op, { operands, kernel: 0 }));
    for (const [i, result] of op.results.entries()) mapped.set(result, copy.results[i] as Value);
  }
  const results = writes.map(({ buffer, value }) => ({ name: buffer.name, value: now(value) }));
  const outlined = makeFn({ name: functions.numbered(name), params, ops: builder.ops, results, span });
  return { kind: "launch", fn: outlined, reads, writes: writes.map(({ buffer }) => buffer) };
}

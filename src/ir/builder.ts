/** Construction of ops, and rewriting of functions. */

import type { Span } from "../diagnostics/diagnostic.ts";
import { checkFn } from "./arguments.ts";
import { completeAttributes, inferTypes, type Places } from "./infer.ts";
import { type Attributes, type Fn, makeFn, Op, type OpInit, type Result, Value } from "./ir.ts";
import { type OpName, ops } from "./ops/index.ts";
import { type ElementType, sameType, type TensorType } from "./types.ts";

/** The spans of an op, and the names of its results. */
export interface OpOptions {
  readonly places: Places;
  readonly names?: readonly (string | undefined)[];
  readonly kernel?: number | undefined;
  /** The result types of an `extern` op. */
  readonly types?: readonly TensorType[] | undefined;
}

/**
 * Makes an op with its attributes completed and its result types inferred.
 * @throws TircError with E02xx diagnostics.
 */
export function makeOp(
  name: OpName,
  given: readonly (Value | undefined)[],
  attributes: Attributes,
  { places, names = [], kernel, types: declared }: OpOptions,
): Op {
  // Optional operands at the end may be omitted; the op has an entry for each.
  const omitted = Math.max(0, ops[name].operands.length - given.length);
  // Unlike an array that grows, the result of `concat` has no spare capacity.
  const operands = given.concat(new Array<undefined>(omitted).fill(undefined));
  const types = operands.map((operand) => operand?.type);
  const complete = completeAttributes(name, attributes, types, places);
  // Most results have the type of an operand. Sharing it saves a fifth of the memory of a program.
  const known = declared === undefined ? types : [...types, ...declared];
  const resultTypes = inferTypes(name, types, complete, places, declared).map(
    (type) => known.find((one) => one !== undefined && sameType(one, type)) ?? type,
  );
  return new Op({ name, operands, attributes: complete, resultTypes, resultNames: names, span: places.op, kernel });
}

/** `op` with other operands. Its result types are inferred again, unless all operands have the types of those that they replace. */
export function withOperands(op: Op, operands: readonly (Value | undefined)[]): Op {
  if (operands.every((operand, i) => operand === op.operands[i])) return op;
  if (haveSameTypes(operands, op.operands)) return copyOp(op, { operands });
  const names = op.results.map((r) => r.name);
  const types = op.results.map((r) => r.type);
  return makeOp(op.name, operands, op.attributes, { places: { op: op.span }, names, kernel: op.kernel, types });
}

/** Whether two lists of operands differ in no type, so that an op that is valid with one has the same results with the other. */
function haveSameTypes(a: Op["operands"], b: Op["operands"]): boolean {
  if (a.length !== b.length) return false;
  return a.every((value, i) => {
    const other = b[i];
    return value === undefined || other === undefined ? value === other : sameType(value.type, other.type);
  });
}

/** A copy of `op` with some parts replaced. Its result types stay. */
export function copyOp(op: Op, changes: Partial<Pick<OpInit, "operands" | "kernel" | "resultNames" | "span">>): Op {
  const resultTypes = op.results.map((r) => r.type);
  const resultNames = op.results.map((r) => r.name);
  const { name, operands, attributes, span, kernel } = op;
  return new Op({ name, operands, attributes, resultTypes, resultNames, span, kernel, ...changes });
}

/** A copy of a parameter as a new value: for another function, or with another type or name. */
export function copyParam(param: Value, changes: Partial<Pick<Value, "type" | "name" | "trained">> = {}): Value {
  const { type, name, span, centered, trained } = { ...param, ...changes };
  return new Value(type, name, span, undefined, 0, centered, trained);
}

/** What replaces the values of a function in another one that is made from it. */
export class Copies extends Map<Value, Value> {
  /** The replacement of a value; the value itself if it has none. */
  of(value: Value): Value {
    return this.get(value) ?? value;
  }

  operandsOf({ operands }: Op): (Value | undefined)[] {
    return operands.map((value) => value && this.of(value));
  }

  resultsOf({ results }: Fn): Result[] {
    return results.map(({ name, value }) => ({ name, value: this.of(value) }));
  }

  /** Makes a copy of a parameter, which replaces it. */
  param(value: Value, changes?: Parameters<typeof copyParam>[1]): Value {
    const copy = copyParam(value, changes);
    this.set(value, copy);
    return copy;
  }

  /** Makes a copy of an op with replaced operands, whose results replace those of the op. */
  op(op: Op, changes: Parameters<typeof copyOp>[1] = {}): Op {
    return this.record(op, copyOp(op, { operands: this.operandsOf(op), ...changes }));
  }

  /** Replaces the results of an op by those of another, which is returned. */
  record(op: Op, by: Op): Op {
    for (const [i, result] of op.results.entries()) this.set(result, by.results[i] as Value);
    return by;
  }
}

/** Replaces parameters of a function by new values of the same types. */
export function withParams(fn: Fn, given: (param: Value) => Value): Fn {
  const now = new Copies(fn.params.map((param) => [param, given(param)]));
  if (fn.params.every((param) => now.of(param) === param)) return fn;
  const ops = fn.ops.map((op) => now.op(op));
  return makeFn({ ...fn, params: fn.params.map((param) => now.of(param)), ops, results: now.resultsOf(fn) });
}

/** Collects the ops of a function under construction. */
export class Builder {
  readonly ops: Op[] = [];
  private at: { span: Span; kernel?: number | undefined };

  constructor(span: Span) {
    this.at = { span };
  }

  /** Gives ops that are made from now on the span and the kernel group of `op`. */
  standAt(op: Pick<Op, "span" | "kernel">): void {
    this.at = op;
  }

  /** Appends an existing op. */
  add(op: Op): Op {
    this.ops.push(op);
    return op;
  }

  /** Makes an op and appends it. @throws TircError E02xx if operands or attributes are invalid. */
  op(name: OpName, operands: readonly (Value | undefined)[], attributes: Attributes = {}, valueName?: string): Op {
    const { span, kernel } = this.at;
    return this.add(makeOp(name, operands, attributes, { places: { op: span }, names: [valueName], kernel }));
  }

  /** Makes an op with one result, and returns that. */
  emit(name: OpName, operands: readonly (Value | undefined)[], attributes: Attributes = {}, valueName?: string): Value {
    return this.op(name, operands, attributes, valueName).result;
  }

  /** The value of a literal. */
  constant(element: ElementType, value: number): Value {
    return this.emit("constant", [], { element, value });
  }
}

/** What a rule replaces an op by: a value for its only result, or one for each; `undefined` to leave the op unchanged. */
export type Replacement = Value | readonly Value[] | undefined;

/** The replacement `values`. If the op that computes them was just built and has no names, it gets those of the replaced op. */
function named(builder: Builder, mark: number, values: readonly Value[], replaced: Op): readonly Value[] {
  const last = builder.ops.at(-1);
  if (last === undefined || builder.ops.length === mark || last.name === "constant") return values;
  if (replaced.results.every(({ name }) => name === undefined)) return values;
  const isLast = values.length === last.results.length && values.every((value, i) => value === last.results[i]);
  if (!isLast || values.some((value) => value.name !== undefined)) return values;
  const copy = copyOp(last, { resultNames: replaced.results.map((r) => r.name) });
  builder.ops[builder.ops.length - 1] = copy;
  return copy.results;
}

/** Gets an op with rewritten operands, and the original op. It may build other ops to replace it. */
export type RewriteRule = (op: Op, builder: Builder, original: Op) => Replacement;

/**
 * Applies a rule to all ops of the function, operands before users. A replacement takes over the name of the op that it replaces. A
 * function in which no rule fired is returned unchanged, as the same object.
 */
export function rewriteFn(fn: Fn, rule: RewriteRule): Fn {
  return rewrite(fn, rule).fn;
}

/** `rewriteFn`, together with the replacement of each value that is not in the new function. */
export function rewrite(
  fn: Fn,
  rule: RewriteRule,
): { readonly fn: Fn; readonly provenance: ReadonlyMap<Value, Value> } {
  checkFn("rewrite", fn);
  const builder = new Builder(fn.span);
  const mapped = new Map<Value, Value>();
  const now = (value: Value | undefined) => (value === undefined ? undefined : (mapped.get(value) ?? value));
  let changed = false;
  for (const original of fn.ops) {
    const op = withOperands(original, original.operands.map(now));
    builder.standAt(op);
    const mark = builder.ops.length;
    const replacement = rule(op, builder, original);
    let values: readonly Value[] = op.results;
    if (replacement === undefined) {
      builder.ops.length = mark;
      builder.add(op);
    } else {
      changed = true;
      values = named(builder, mark, [replacement].flat(), original);
    }
    for (const [i, result] of original.results.entries()) {
      if (values[i] !== result) mapped.set(result, values[i] as Value);
    }
  }
  if (!changed) return { fn, provenance: new Map() };
  const results = fn.results.map((r): Result => ({ name: r.name, value: now(r.value) as Value }));
  return { fn: makeFn({ ...fn, ops: builder.ops, results }), provenance: mapped };
}

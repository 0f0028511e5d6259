/**
 * The intermediate representation: immutable functions in SSA form.
 *
 * - value: defined once, by a parameter or an op; has a type, a span, and usually a name.
 * - op: an application of a row of the op table to operands and attributes; defines its results.
 * - use: an op (or the function's return) that reads a value.
 * - kernel group: the number of the `kernel { }` block that contains an op, if any.
 */

import { anObject, checkArgument, listOf } from "../diagnostics/arguments.ts";
import type { Span } from "../diagnostics/diagnostic.ts";
import { checkFn } from "./arguments.ts";
import { getOrInsert } from "./groups.ts";
import type { ElementType, Shape, TensorType } from "./types.ts";

/**
 * The attribute types of the rows of the op table, by name. `ops/index.ts` adds its rows, so that this file does not depend on
 * them.
 */
// biome-ignore lint/suspicious/noEmptyInterface: declarations elsewhere extend it.
export interface OpRows {}

/**
 * Names of ops that a plugin adds, for TypeScript: `declare module "tirc" { interface OwnOps { my_op: true } }`. The
 * compiler itself has none, so that its tables by `OpName` have exactly one row for each of its own ops.
 */
// biome-ignore lint/suspicious/noEmptyInterface: declarations elsewhere extend it.
export interface OwnOps {}

/** The name of a row of the op table. */
export type OpName = keyof OpRows | keyof OwnOps;

/** The value of an attribute. */
export type AttributeValue = number | boolean | string | readonly (number | string)[];
/** Attributes by name. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

const noAxes: readonly number[] = [];

/** A value, defined once by a parameter or an op. */
export class Value {
  readonly type: TensorType;
  /** A hint for its name. Printing makes names unique. */
  readonly name: string | undefined;
  readonly span: Span;
  /** The op that defines it, or `undefined` for a parameter. */
  readonly def: Op | undefined;
  /** The index among the op's results. */
  readonly index: number;
  /** For a parameter: axes, counted from the end, over which the caller guarantees a mean of zero; empty without a guarantee. */
  readonly centered: readonly number[];
  /** For a parameter: whether it is a weight that is trained. Its centering stays in the graph. */
  readonly trained: boolean;

  constructor(
    type: TensorType,
    name: string | undefined,
    span: Span,
    def?: Op,
    index = 0,
    centered: readonly number[] = noAxes,
    trained = false,
  ) {
    this.type = type;
    this.name = name;
    this.span = span;
    this.def = def;
    this.index = index;
    this.centered = centered;
    this.trained = trained;
    Object.freeze(this);
  }

  get shape(): Shape {
    return this.type.shape;
  }

  get element(): ElementType {
    return this.type.element;
  }
}

/** The parts of an op. */
export interface OpInit {
  readonly name: OpName;
  readonly operands: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  readonly resultTypes: readonly TensorType[];
  readonly resultNames: readonly (string | undefined)[];
  readonly span: Span;
  readonly kernel?: number | undefined;
}

/** An application of a row of the op table. */
export class Op {
  readonly name: OpName;
  /** In the order of the op table; `undefined` for an omitted optional operand. */
  readonly operands: readonly (Value | undefined)[];
  /** All attributes of the op table's row, with defaults filled in. */
  readonly attributes: Attributes;
  readonly results: readonly Value[];
  readonly span: Span;
  readonly kernel: number | undefined;

  constructor(init: OpInit) {
    this.name = init.name;
    this.operands = init.operands;
    this.attributes = init.attributes;
    this.span = init.span;
    this.kernel = init.kernel;
    this.results = init.resultTypes.map((type, i) => new Value(type, init.resultNames[i], init.span, this, i));
    Object.freeze(this.operands);
    Object.freeze(this.attributes);
    Object.freeze(this.results);
    Object.freeze(this);
  }

  /** The only result of an op that has one. */
  get result(): Value {
    return this.results[0] as Value;
  }

  /** The operand at `index`, which must exist by the op's row. */
  operand(index: number): Value {
    return this.operands[index] as Value;
  }
}

/** A result of a function: its name, and the value that it returns. */
export interface Result {
  readonly name: string;
  readonly value: Value;
}

/** A function: its parameters, its ops with definitions before uses, and its results. */
export interface Fn {
  readonly name: string;
  readonly params: readonly Value[];
  readonly ops: readonly Op[];
  readonly results: readonly Result[];
  readonly span: Span;
}

/**
 * The data of a constant tensor: numbers in row-major order, a tensor in a file that is read later, or an op
 * on other constants, computed when it is needed.
 */
export type ConstData =
  | { readonly kind: "values"; readonly values: readonly number[] }
  | { readonly kind: "load"; readonly file: string; readonly tensor: string | undefined }
  | ComputedData;

/** An op on other constants, which are given by their names. */
export interface ComputedData {
  readonly kind: "computed";
  readonly op: OpName;
  readonly operands: readonly (string | undefined)[];
  readonly attributes: Attributes;
}

/** A constant tensor of the module; a `global` op of that name reads it. Its dimensions are numbers. */
export interface Const {
  readonly name: string;
  readonly type: TensorType;
  readonly data: ConstData;
  /** Axes, counted from the end, over which its mean is guaranteed to be zero; empty without a guarantee. */
  readonly centered: readonly number[];
  readonly span: Span;
}

/** A program: functions and constants. */
export interface Module {
  readonly fns: readonly Fn[];
  readonly consts: readonly Const[];
}

/** Makes an immutable function. */
export function makeFn(fn: Fn): Fn {
  for (const list of [fn.params, fn.ops, fn.results]) Object.freeze(list);
  return Object.freeze({ ...fn });
}

/** Makes an immutable module. */
export function makeModule(fns: readonly Fn[], consts: readonly Const[] = []): Module {
  checkArgument("the first argument", "makeModule", fns, listOf("functions", anObject));
  checkArgument("the second argument", "makeModule", consts, listOf("constants", anObject));
  return Object.freeze({ fns: Object.freeze([...fns]), consts: Object.freeze([...consts]) });
}

/** Whether ops of this name are never called: a constant is written as a literal, a global as its name. */
export function isLeafName(name: OpName): boolean {
  return name === "constant" || name === "global";
}

/** Whether the op represents an existing value. Such ops belong to no kernel, and their position does not matter. */
export function isLeaf(op: Op): boolean {
  return isLeafName(op.name);
}

/** The names of the constants that these ops read, in their order. */
export const constantNames = (ops: readonly Op[]): string[] =>
  ops.flatMap((op) => (isOp(op, "global") ? [op.attributes.name] : []));

/** The operands of an op without omitted ones. */
export function presentOperands({ operands }: Op): readonly Value[] {
  return operands.includes(undefined) ? operands.filter((v) => v !== undefined) : (operands as readonly Value[]);
}

/** An op with a known name, whose attributes have the types that its row declares. */
export type OpOf<N extends OpName> = Op & {
  readonly name: N;
  readonly attributes: N extends keyof OpRows ? OpRows[N] : Attributes;
};

/** Whether an op has one of these names. */
export function isOp<N extends OpName>(op: Op | undefined, ...names: N[]): op is OpOf<N> {
  return op !== undefined && (names as OpName[]).includes(op.name);
}

/** The op that defines `value`, if it has one of these names. */
export function definedBy<N extends OpName>(value: Value | undefined, ...names: N[]): OpOf<N> | undefined {
  const op = value?.def;
  return isOp(op, ...names) ? op : undefined;
}

/** The number of a `constant`; `undefined` for other values. */
export function constantValue(value: Value | undefined): number | undefined {
  const op = definedBy(value, "constant");
  return op?.attributes.value;
}

/** The uses of a value. */
export interface Uses {
  /** The ops that read the value, once for each operand that is the value. */
  readonly ops: readonly Op[];
  /** Whether the function returns it. */
  readonly returned: boolean;
}

const noUses: Uses = { ops: [], returned: false };

/** The uses of every value of the function. */
export function usesOf(fn: Fn): (value: Value) => Uses {
  checkFn("usesOf", fn);
  const uses = new Map<Value, { ops: Op[]; returned: boolean }>();
  const entry = (value: Value) => getOrInsert(uses, value, () => ({ ops: [], returned: false }));
  for (const op of fn.ops) for (const operand of presentOperands(op)) entry(operand).ops.push(op);
  for (const result of fn.results) entry(result.value).returned = true;
  return (value) => uses.get(value) ?? noUses;
}

/** The symbolic dimensions of the function, in order of first appearance. */
export function dimensionNames(fn: Fn): string[] {
  checkFn("dimensionNames", fn);
  const names = new Set<string>();
  const externs = fn.ops.flatMap((op) => (op.name === "extern" ? op.results : []));
  // A kernel of a plan may broadcast a value along a dimension that none of its parameters has.
  const sources = [...fn.params, ...externs, ...fn.ops.flatMap((op) => op.results)].map(({ shape }) => shape);
  // An attribute may refer to a dimension that no tensor of the kernel has.
  const told = fn.ops.map(({ attributes }) => (attributes.shape ?? []) as Shape);
  for (const shape of [...sources, ...told]) for (const dim of shape) if (typeof dim === "string") names.add(dim);
  return [...names];
}

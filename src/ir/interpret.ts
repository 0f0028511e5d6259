/** The reference interpreter: every op in float64. As the oracle of all tests, it is written for clarity, not for speed. */

import * as constErrors from "../diagnostics/areas/consts.ts";
import * as externErrors from "../diagnostics/areas/extern.ts";
import { anObject, checkArgument, isRecord, type Kind } from "../diagnostics/arguments.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import { progress } from "../diagnostics/progress.ts";
import { checkFn, checkModule } from "./arguments.ts";
import { Builder, makeOp } from "./builder.ts";
import { getOrInsert } from "./groups.ts";
import {
  type Attributes,
  type ComputedData,
  type Const,
  type Fn,
  isOp,
  type Module,
  makeModule,
  type Op,
  Value,
} from "./ir.ts";
import type { CompositeDef, ElementwiseDef, NormDef, OpDef, ReductionDef } from "./ops/def.ts";
import { ops } from "./ops/index.ts";
import { broadcastTo, elementCount, gather, rowOrder, type Tensor } from "./tensor.ts";
import { type Dim, type ElementType, isInteger, type Shape } from "./types.ts";

type Dims = Readonly<Record<string, number>>;

/** Replaces the symbolic dimensions of a shape by extents. */
export function resolveShape(shape: Shape, dims: Dims): number[] {
  return shape.map((dim: Dim) => {
    const extent = typeof dim === "number" ? dim : dims[dim];
    if (extent === undefined) throw new Error(`no extent given for the dimension ${dim}`);
    return extent;
  });
}

/** Integer arithmetic wraps at 32 bits, as in WGSL. */
function wrap(value: number, element: ElementType): number {
  if (element === "i32") return value | 0;
  return element === "u32" ? value >>> 0 : value;
}

function elementwise(def: ElementwiseDef, op: Op, operands: readonly Tensor[], shape: number[]): Float64Array {
  const [a, b, c] = operands.map((tensor) => broadcastTo(tensor, shape));
  const result = new Float64Array(elementCount(shape));
  const at = { element: (operands.at(-1) as Tensor).element, attributes: op.attributes };
  const { element } = op.result;
  for (let i = 0; i < result.length; i++) {
    const value = def.scalar(a?.[i] as number, b?.[i] as number, c?.[i] as number, at);
    result[i] = isInteger(element) ? wrap(value, element) : value;
  }
  return result;
}

/** The tensor as contiguous rows x columns. @returns also the inverse, `back`. */
function toRows(x: Tensor, axes: readonly number[]) {
  const { shape, strides, width, count, back } = rowOrder(x.shape, axes);
  const data = gather(x.data, shape, strides);
  return { data, width, count, back: (rows: Float64Array) => gather(rows, x.shape, back()) };
}

function reduction(def: ReductionDef, op: Op, x: Tensor): Float64Array[] {
  const { data, width, count } = toRows(x, op.attributes.axes as number[]);
  const results = def.results.map(() => new Float64Array(count));
  for (let row = 0; row < count; row++) {
    const values = def.reduce(data.subarray(row * width, (row + 1) * width), op.attributes);
    for (const [i, value] of values.entries()) (results[i] as Float64Array)[row] = wrap(value, x.element);
  }
  return results;
}

const wrapped = (data: Float64Array, element: ElementType) =>
  isInteger(element) ? data.map((value) => wrap(value, element)) : data;

function norm(def: NormDef, op: Op, operands: readonly (Tensor | undefined)[]): Float64Array {
  const x = operands[0] as Tensor;
  const { view, axes, affineView } = numericView(def, x.shape, op.attributes);
  const { data, width, count, back } = toRows({ ...x, shape: view }, axes);
  const normalized = new Float64Array(data.length);
  for (let row = 0; row < count; row++) {
    normalized.set(def.normalize(data.subarray(row * width, (row + 1) * width), op.attributes), row * width);
  }
  const result = back(normalized);
  const affine = (tensor: Tensor | undefined) => tensor && broadcastTo({ ...tensor, shape: affineView }, view);
  const [gamma, beta] = [affine(operands[1]), affine(operands[2])];
  // A missing beta is not 0: adding 0 would turn -0 into 0.
  return result.map((value, i) => {
    const scaled = gamma === undefined ? value : value * (gamma[i] as number);
    return beta === undefined ? scaled : scaled + (beta[i] as number);
  });
}

function numericView(def: NormDef, shape: readonly number[], attributes: Attributes) {
  const { view, axes, affineView } = def.view(shape, attributes);
  return { view: view as number[], axes, affineView: affineView as number[] };
}

/** An op's attributes with the symbolic dimensions of `shape` replaced. */
export function resolvedAttributes({ attributes }: Pick<Op, "attributes">, dims: Dims): Attributes {
  const shape = attributes.shape as Shape | undefined;
  return shape === undefined ? attributes : { ...attributes, shape: resolveShape(shape, dims) };
}

/** Evaluates the ops that a composite op expands to. */
function composite(def: CompositeDef, op: Op, operands: readonly (Tensor | undefined)[], dims: Dims): Float64Array {
  const builder = new Builder(op.span);
  const result = def.define(builder, op.operands, op.attributes);
  const values = new Map<Value | undefined, Tensor | undefined>(op.operands.map((value, i) => [value, operands[i]]));
  for (const one of builder.ops) {
    const given = one.operands.map((value) => values.get(value));
    for (const [i, tensor] of evaluateOp(one, given, dims).entries()) values.set(one.results[i], tensor);
  }
  return (values.get(result) as Tensor).data;
}

/** Evaluates one op in float64. */
export function evaluateOp(op: Op, operands: readonly (Tensor | undefined)[], dims: Dims): Tensor[] {
  const def: OpDef = ops[op.name];
  if (def.kind === "extern") fail(externErrors.notInterpreted(op.span, op.attributes.op as string));
  const shapes = op.results.map((r) => resolveShape(r.shape, dims));
  const evaluate = (): Float64Array[] => {
    switch (def.kind) {
      case "elementwise":
        return [elementwise(def, op, operands as Tensor[], shapes[0] as number[])];
      case "reduction":
        return reduction(def, op, operands[0] as Tensor);
      case "norm":
        return [norm(def, op, operands)];
      case "shape":
        return [def.evaluate(operands[0] as Tensor, shapes[0] as number[], op.attributes)];
      case "index":
        return [def.evaluate(operands, resolvedAttributes(op, dims), { span: op.span, shape: shapes[0] as number[] })];
      case "linear":
        return [wrapped(def.evaluate(operands, resolvedAttributes(op, dims), op.span), op.result.element)];
      case "composite":
        return [composite(def, op, operands, dims)];
      case "global":
        throw new Error("the tensor of a global is given to the interpreter");
      case "constant":
        return [Float64Array.of(op.attributes.value as number)];
      default:
        return def satisfies never;
    }
  };
  return evaluate().map((data, i) => ({
    element: (op.results[i] as Value).element,
    shape: shapes[i] as number[],
    data,
  }));
}

export type Environment = Map<Value, Tensor>;

/** Returns the tensor of a `const` by its name. */
export type Constants = (name: string) => Tensor;

/** The constants of a module: written out, read by `load`, or computed in float64 from others; each only once. */
export function constantsOf(module: Module, load: (constant: Const) => Tensor = notLoaded): Constants {
  checkModule("constantsOf", module);
  const consts = new Map(module.consts.map((constant) => [constant.name, constant]));
  const read = new Map<string, Tensor>();
  const make = (constant: Const): Tensor => {
    const { data, type } = constant;
    if (data.kind === "load") return load(constant);
    if (data.kind === "computed") return compute(constant, data);
    return { element: type.element, shape: type.shape as number[], data: Float64Array.from(data.values) };
  };
  const compute = ({ span }: Const, data: ComputedData): Tensor => {
    const tensors = data.operands.map((name) => (name === undefined ? undefined : get(name)));
    const values = tensors.map((tensor) => tensor && new Value(tensor, undefined, span));
    const op = makeOp(data.op, values, data.attributes, { places: { op: span } });
    return evaluateOp(op, tensors, {})[0] as Tensor;
  };
  const get = (name: string): Tensor => {
    return getOrInsert(read, name, () => make(consts.get(name) as Const));
  };
  return get;
}

function notLoaded({ name, span }: Const): never {
  fail(constErrors.notLoaded(span, name));
}

/** Evaluates all values of a function. @param evaluate computes the results of an op; `evaluateOp` by default. */
export function evaluateFn(
  fn: Fn,
  inputs: Readonly<Record<string, Tensor>>,
  dims: Dims,
  constants: Constants,
  evaluate = (op: Op, operands: readonly (Tensor | undefined)[]): Tensor[] => evaluateOp(op, operands, dims),
): Environment {
  const environment: Environment = new Map();
  for (const param of fn.params) environment.set(param, inputs[param.name as string] as Tensor);
  for (const [i, op] of fn.ops.entries()) {
    progress(() => `float64: op ${i + 1} of ${fn.ops.length}`);
    if (isOp(op, "global")) {
      environment.set(op.result, constants(op.attributes.name));
      continue;
    }
    const operands = op.operands.map((operand) => operand && environment.get(operand));
    for (const [j, tensor] of evaluate(op, operands).entries()) environment.set(op.results[j] as Value, tensor);
  }
  return environment;
}

/** The extents of symbolic dimensions, from the shapes of the inputs. */
export function dimsOfInputs(fn: Fn, inputs: Readonly<Record<string, Tensor>>): Record<string, number> {
  const dims: Record<string, number> = {};
  for (const param of fn.params) {
    for (const [axis, dim] of param.shape.entries()) {
      if (typeof dim === "string") dims[dim] ??= inputs[param.name as string]?.shape[axis] as number;
    }
  }
  return dims;
}

const aTensor: Kind = {
  what: "a tensor, `{ element, shape, data }`",
  holds: (value) => isRecord(value) && Array.isArray(value.shape) && value.data instanceof Float64Array,
  help: () => ["`data` is a Float64Array of its elements in row-major order, and `shape` a list of numbers"],
};

/** @throws TircError E0901 if the second argument of `caller` is not an object with a tensor for each parameter. */
export function checkInputs(caller: string, fn: Fn, inputs: Readonly<Record<string, Tensor>>): void {
  checkArgument("the second argument", caller, inputs, { ...anObject, what: "an object with a tensor per input" });
  for (const { name = "" } of fn.params) checkArgument(`the input \`${name}\``, caller, inputs[name], aTensor);
}

/**
 * Runs a function in float64. Only `cast` rounds, to f16 and to integers; integers wrap.
 * @param inputs one tensor per parameter, by name, in the parameter's shape.
 * @param constants the module's `const`s, from `constantsOf`; not needed if the function reads none.
 * @returns one tensor per result, by name.
 */
export function interpret(
  fn: Fn,
  inputs: Readonly<Record<string, Tensor>>,
  constants: Constants = constantsOf(makeModule([])),
): Record<string, Tensor> {
  checkFn("interpret", fn);
  checkInputs("interpret", fn, inputs);
  const environment = evaluateFn(fn, inputs, dimsOfInputs(fn, inputs), constants);
  return Object.fromEntries(fn.results.map((r) => [r.name, environment.get(r.value) as Tensor]));
}

/** An ONNX model in float64, by the interpreter: what onnxruntime's numbers are held to. */

import { TircError } from "../diagnostics/diagnostic.ts";
import { constantsOf, interpret } from "../ir/interpret.ts";
import type { Fn, Module, Op, Result } from "../ir/ir.ts";
import { elementCount, type Tensor } from "../ir/tensor.ts";
import type { Shape } from "../ir/types.ts";
import { type Imported, importModel } from "../onnx/import.ts";
import { type OnnxModel, shown } from "../onnx/model.ts";
import type { RunInput, RunTensors } from "./onnxruntime.ts";

/** What the interpreter takes a few seconds for, and the numbers that it holds then. */
const most = { products: 3e8, elements: 2 ** 26 } as const;

/** It is not computed; the reason is a clause that can follow "because". */
export class NotComputed extends Error {
  /** Whether smaller extents would help. */
  readonly isTooLarge: boolean;

  constructor(reason: string, isTooLarge = false) {
    super(reason);
    this.isTooLarge = isTooLarge;
  }
}

/** The outputs by their names, of inputs in the shapes that they have. Throws NotComputed. */
export function referenceOutputs(model: OnnxModel, inputs: Readonly<Record<string, RunInput>>): RunTensors {
  const fixed = model.withShapes(new Map(Object.entries(inputs).map(([name, { shape }]) => [name, shape])));
  try {
    return evaluate(fixed, importModel(fixed, "model.onnx"), inputs);
  } catch (caught) {
    if (caught instanceof TircError) throw new NotComputed(caught.diagnostics[0]?.message ?? "");
    throw caught;
  }
}

function evaluate(model: OnnxModel, imported: Imported, inputs: Readonly<Record<string, RunInput>>): RunTensors {
  const { module, tensors, kept } = imported;
  const fn = module.fns[0] as Fn;
  const extern = fn.ops.find(({ name }) => name === "extern");
  if (extern !== undefined) {
    const node = kept.get(extern);
    throw new NotComputed(`${node === undefined ? "an input" : shown(node)} is nothing that the interpreter has`);
  }
  checkCost(module, fn);
  const constants = constantsOf(module, (constant): Tensor => {
    const numbers = model.numbers(tensors.get(constant.name) as string)?.numbers as Float64Array;
    return { element: constant.type.element, shape: constant.type.shape as number[], data: numbers };
  });
  const given = Object.fromEntries(
    fn.params.map(({ name = "", element }) => {
      const { shape, numbers } = inputs[tensors.get(name) as string] as RunInput;
      return [name, { element, shape, data: numbers }];
    }),
  );
  const results = interpret(fn, given, constants);
  return new Map(
    model.graph.outputs.map(({ name }, i) => {
      const result = (fn.results[i] as Result).name;
      const { shape, data } = results[result] as Tensor;
      return [name, { shape, numbers: data }];
    }),
  );
}

/** Before any number is read. */
function checkCost(module: Module, fn: Fn): void {
  const sizeOf = (shape: Shape) => elementCount(shape as number[]);
  const results = fn.ops.flatMap((op) => op.results).map(({ shape }) => sizeOf(shape));
  const elements = [...module.consts.map(({ type }) => sizeOf(type.shape)), ...results].reduce((sum, n) => sum + n, 0);
  if (elements > most.elements) throw new NotComputed(`it has ${elements.toExponential(1)} numbers`, true);
  const products = fn.ops.reduce((sum, op) => sum + productsOf(op, sizeOf), 0);
  if (products > most.products) throw new NotComputed(`it takes ${products.toExponential(1)} products`, true);
}

/** How many products an op of two tensors is made of; others are as cheap as their results are small. */
function productsOf({ name, operands, result }: Op, sizeOf: (shape: Shape) => number): number {
  const [a, b] = operands;
  if (a === undefined || b === undefined || a.shape.length === 0) return 0;
  if (name === "matmul" || name === "linear") return sizeOf(result.shape) * (a.shape.at(-1) as number);
  const [channels = 1] = b.shape as number[];
  return (name as string) === "conv" ? (sizeOf(result.shape) * sizeOf(b.shape)) / channels : 0;
}

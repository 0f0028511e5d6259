/** An ONNX model in float64, by the interpreter: the reference for onnxruntime's numbers. */

import { isStep } from "../compare/compare.ts";
import { TircError } from "../diagnostics/diagnostic.ts";
import { progress } from "../diagnostics/progress.ts";
import { constantsOf, evaluateOp } from "../ir/interpret.ts";
import type { Fn, Module, Op, Result, Value } from "../ir/ir.ts";
import { quoted } from "../ir/naming.ts";
import { elementCount, type Tensor } from "../ir/tensor.ts";
import type { Shape } from "../ir/types.ts";
import { type Imported, importModel } from "../onnx/import.ts";
import type { NodeProto } from "../onnx/messages.ts";
import { type OnnxModel, shown } from "../onnx/model.ts";
import { readNumbers } from "../onnx/tensors.ts";
import { controlReferences, type Evaluation, tensorOf } from "./control-reference.ts";
import { nodeReferences } from "./node-reference.ts";
import { NotComputed } from "./node-values.ts";
import type { RunInput, RunTensors } from "./onnxruntime.ts";

/** What the interpreter evaluates in a few seconds, and the numbers that it stores then. */
const most = { products: 3e8, elements: 2 ** 26 } as const;

interface Reference {
  readonly outputs: RunTensors;
  /** An op that turns the smallest error into a whole step, as a cast to integers does, in backquotes. */
  readonly step: string | undefined;
}

/** The outputs by name, for inputs of given shapes. Throws NotComputed. */
export function referenceOutputs(model: OnnxModel, inputs: Readonly<Record<string, RunInput>>): Reference {
  const fixed = model
    .dequantized()
    .withShapes(new Map(Object.entries(inputs).map(([name, { shape }]) => [name, shape])));
  try {
    return evaluate(fixed, importModel(fixed, "model.onnx"), inputs);
  } catch (caught) {
    if (caught instanceof TircError) throw new NotComputed(caught.diagnostics[0]?.message ?? "");
    throw caught;
  }
}

function evaluate(model: OnnxModel, imported: Imported, inputs: Readonly<Record<string, RunInput>>): Reference {
  const { module, tensors, weights, kept } = imported;
  const fn = module.fns[0] as Fn;
  for (const op of fn.ops) {
    const node = kept.get(op);
    const isKnown =
      node?.domain === "" && (nodeReferences[node.opType] ?? controlReferences[node.opType]) !== undefined;
    if (op.name !== "extern" || isKnown) continue;
    throw new NotComputed(`the interpreter does not compute ${node === undefined ? "an input" : shown(node)}`);
  }
  checkCost(module, fn);
  const constants = constantsOf(module, (constant): Tensor => {
    const numbers = model.numbers(weights.get(constant.name) as string)?.numbers as Float64Array;
    return { element: constant.type.element, shape: constant.type.shape as number[], data: numbers };
  });
  const values = new Map<Value, Tensor>();
  const dims: Record<string, number> = Object.create(null);
  for (const param of fn.params) {
    const { shape, numbers } = inputs[tensors.get(param) as string] as RunInput;
    values.set(param, { element: param.element, shape, data: numbers });
  }
  const run = (body: OnnxModel, given: Readonly<Record<string, RunInput>>) =>
    evaluate(body, importModel(body, "model.onnx"), given).outputs;
  for (const [i, op] of fn.ops.entries()) {
    progress(() => `float64: op ${i + 1} of ${fn.ops.length}`);
    const isOpen = op.results.some(({ shape }) => shape.some((dim) => typeof dim === "string" && !(dim in dims)));
    if (isOpen && !kept.has(op)) throw new NotComputed(`extents of ${quoted(op.result)} are not known`);
    const operands = op.operands.map((operand) => operand && values.get(operand));
    const node = kept.get(op);
    const results =
      op.name === "global"
        ? [constants(op.attributes.name as string)]
        : node === undefined
          ? evaluateOp(op, operands, dims)
          : evaluateNode({ model, imported, values, run }, node, op);
    for (const [j, tensor] of results.entries()) {
      const value = op.results[j] as Value;
      values.set(value, tensor);
      // Extents that depend on numbers are known now.
      for (const [axis, dim] of value.type.shape.entries()) {
        if (typeof dim === "string") dims[dim] ??= tensor.shape[axis] as number;
      }
    }
  }
  const outputs = new Map(
    model.graph.outputs.map(({ name }, i) => {
      const { shape, data } = values.get((fn.results[i] as Result).value) as Tensor;
      return [name, { shape, numbers: data }];
    }),
  );
  const step = fn.ops.find(isStep);
  return { outputs, step: step && quoted(step.result) };
}

function evaluateNode(around: Evaluation, node: NodeProto, op: Op): Tensor[] {
  const { model } = around;
  const inputs = node.inputs.map((name): Tensor | undefined => {
    const known = tensorOf(around, name);
    if (known === undefined && name !== "") throw new NotComputed(`the numbers of \`${name}\` are not known`);
    return known;
  });
  const attribute = (name: string) => model.attribute(node, name);
  const made =
    controlReferences[node.opType]?.(around, node, inputs) ??
    [
      (nodeReferences[node.opType] as (typeof nodeReferences)[string])({
        inputs,
        integer: (name, otherwise) => attribute(name)?.integer ?? otherwise,
        integers: (name) => attribute(name)?.integers(64),
        number: (name, otherwise) => attribute(name)?.float ?? otherwise,
        text: (name) => attribute(name)?.text,
        texts: (name) => attribute(name)?.texts ?? [],
        tensor: (name) => {
          const tensor = attribute(name)?.tensor;
          const read =
            tensor && readNumbers(model.reader, tensor, (_, refuse) => refuse("an attribute is stored in the model"));
          return read && { shape: read.shape, data: read.numbers };
        },
      }),
    ].flat();
  return op.results.map(({ type }, i): Tensor => {
    const one = made[i];
    if (one === undefined) throw new NotComputed(`the interpreter does not compute output ${i} of ${shown(node)}`);
    return { element: type.opaque ? "f32" : type.element, ...one };
  });
}

/** Before any number is read. */
function checkCost(module: Module, fn: Fn): void {
  // The size of results that depend on numbers is not known yet; it is usually small.
  const sizeOf = (shape: Shape) => elementCount(shape.map((dim) => (typeof dim === "number" ? dim : 1)));
  const results = fn.ops.flatMap((op) => op.results).map(({ shape }) => sizeOf(shape));
  const elements = [...module.consts.map(({ type }) => sizeOf(type.shape)), ...results].reduce((sum, n) => sum + n, 0);
  if (elements > most.elements) throw new NotComputed(`it has ${elements.toExponential(1)} numbers`, true);
  const products = fn.ops.reduce((sum, op) => sum + productsOf(op, sizeOf), 0);
  if (products > most.products) throw new NotComputed(`it takes ${products.toExponential(1)} products`, true);
}

/** The number of multiplications of a product; other ops cost as much as their results are large. */
function productsOf({ name, operands, result }: Op, sizeOf: (shape: Shape) => number): number {
  const [a, b] = operands;
  if (a === undefined || b === undefined || a.shape.length === 0) return 0;
  if (name === "matmul" || name === "linear") return sizeOf(result.shape) * (a.shape.at(-1) as number);
  const [channels = 1] = b.shape as number[];
  return name === "conv" ? (sizeOf(result.shape) * sizeOf(b.shape)) / channels : 0;
}

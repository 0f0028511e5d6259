/** The interpreter with the rounding of a device, and how far results are apart. */

import { constantsOf, dimsOfInputs, evaluateFn, evaluateOp } from "../../src/ir/interpret.ts";
import type { Const, Fn, Module } from "../../src/ir/ir.ts";
import type { Tensor } from "../../src/ir/tensor.ts";

type Tensors = Readonly<Record<string, Tensor>>;

function round(tensor: Tensor): Tensor {
  return tensor.element === "f32" ? { ...tensor, data: tensor.data.map(Math.fround) } : tensor;
}

/** The first function's results, every op's operands rounded to f32, as a device would store them. */
export function inFloat32(module: Module, inputs: Tensors, load: (constant: Const) => Tensor): Record<string, Tensor> {
  const fn = module.fns[0] as Fn;
  const dims = dimsOfInputs(fn, inputs);
  const values = evaluateFn(fn, inputs, dims, constantsOf(module, load), (op, operands) =>
    evaluateOp(
      op,
      operands.map((operand) => operand && round(operand)),
      dims,
    ),
  );
  return Object.fromEntries(fn.results.map(({ name, value }) => [name, round(values.get(value) as Tensor)]));
}

export function largestDifference(a: Tensors, b: Tensors): number {
  return Object.entries(a).reduce((most, [name, { data }]) => {
    const other = (b[name] as Tensor).data;
    return data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (other[i] as number))), most);
  }, 0);
}

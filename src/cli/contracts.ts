/** What a program promises of its inputs: `@centered` rows have mean zero, as far as their element type can say it. */

import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { contractErrors } from "../diagnostics/errors-data.ts";
import { makeOp } from "../ir/builder.ts";
import { evaluateOp } from "../ir/interpret.ts";
import { type Fn, Value } from "../ir/ir.ts";
import { broadcastTo, type Tensor } from "../ir/tensor.ts";
import { tensorType } from "../ir/types.ts";
import { fromNumbers, type HostTensor, toNumbers } from "../runtime/host-tensor.ts";

/** A mean may be off zero by this part of the row's largest value: what rounding to the element type leaves. */
const roundingOf = { f32: 1e-6, f16: 1e-3 } as const;

const asTensor = (tensor: HostTensor): Tensor => ({ ...tensor, data: toNumbers(tensor) });

/** Over the promised axes, which are kept: mean, or largest magnitude. */
function along(param: Value, tensor: Tensor, name: "mean" | "max"): Tensor {
  const x = new Value(tensorType(tensor.element, tensor.shape), param.name, param.span);
  const op = makeOp(name, [x], { axes: param.centered, keepdims: true }, { places: { op: param.span } });
  return evaluateOp(op, [tensor], {})[0] as Tensor;
}

/** Made-up data that keeps the promise: its row means taken off. */
export function centeredInput(param: Value, tensor: HostTensor): HostTensor {
  if (param.centered.length === 0) return tensor;
  const own = asTensor(tensor);
  const means = broadcastTo(along(param, own, "mean"), tensor.shape);
  return fromNumbers(
    tensor.element,
    tensor.shape,
    own.data.map((value, i) => value - (means[i] as number)),
  );
}

/** E0670 for each parameter that does not keep what it promises, with the row that is furthest off. */
export function brokenContracts(fn: Fn, inputs: Readonly<Record<string, HostTensor>>): Diagnostic[] {
  return fn.params.flatMap((param) => {
    if (param.centered.length === 0) return [];
    const tensor = asTensor(inputs[param.name as string] as HostTensor);
    const means = along(param, tensor, "mean").data;
    const sizes = along(param, { ...tensor, data: tensor.data.map(Math.abs) }, "max").data;
    const rounding = roundingOf[tensor.element as "f32" | "f16"];
    const isOff = (mean: number, row: number) => !(Math.abs(mean) <= rounding * (sizes[row] as number));
    const count = means.reduce((sum, mean, row) => sum + Number(isOff(mean, row)), 0);
    if (count === 0) return [];
    const worst = means.reduce((best, mean, row) => (Math.abs(mean) > Math.abs(means[best] as number) ? row : best), 0);
    const about = { row: worst, mean: means[worst] as number, count, rows: means.length };
    return [contractErrors.notCentered(param.span, param.name as string, param.centered, about)];
  });
}

/** Constants that the surgery computes from weights of the model. */

import { computedConstants } from "../driver/materialize.ts";
import { roundTo } from "../ir/float16.ts";
import { constantsOf } from "../ir/interpret.ts";
import { type Fn, type Module, type Op, usesOf } from "../ir/ir.ts";
import type { Tensor } from "../ir/tensor.ts";
import type { ElementType } from "../ir/types.ts";
import { dataTypes } from "../onnx/data-types.ts";
import type { OnnxModel } from "../onnx/model.ts";
import type { Scope } from "../onnx/types/view.ts";
import type { Emitter } from "./emit.ts";
import type { Constants } from "./products.ts";
import { numbersOf, type RawTensor, rawTensor } from "./raw.ts";

/** A constant that the passes introduced, and the initializer that it is computed from. */
export interface NewWeight {
  readonly tensor: RawTensor;
  readonly from: string;
  /** The largest row mean left by rounding, relative to the largest element of its row. Computes the tensor. */
  readonly residual: () => number;
}

/**
 * The constants that the passes introduced, by their names in the module. Each is computed on demand.
 * @param weights the tensors of the model that the other constants are loaded from.
 */
export function newConstants(
  model: OnnxModel,
  after: Module,
  weights: ReadonlyMap<string, string>,
): ReadonlyMap<string, NewWeight> {
  const load = ({ name, type: { element, shape } }: Module["consts"][number]): Tensor => {
    const numbers = model.numbers(weights.get(name) as string)?.numbers as Float64Array;
    return { element, shape: shape as number[], data: numbers };
  };
  const operandOf = new Map(
    after.consts.flatMap(({ name, data }) => (data.kind === "computed" ? [[name, data.operands[0] as string]] : [])),
  );
  const sourceOf = (name: string): string => {
    const operand = operandOf.get(name);
    return operand === undefined ? (weights.get(name) as string) : sourceOf(operand);
  };
  const wide = widened(after.fns[0] as Fn);
  // A new environment for each constant, so that its operands can be garbage collected.
  const numbers = (name: string): Tensor => {
    const tensor = constantsOf(after, load)(name);
    return wide.has(name) ? { ...tensor, element: "f32" } : tensor;
  };
  return new Map(
    computedConstants(after, numbers).map(({ constant: { name, type }, compute }): [string, NewWeight] => {
      const element = wide.has(name) ? "f32" : type.element;
      let residual = 0;
      const tensor = rawTensor(element, type.shape as number[], () => {
        const made = compute();
        residual = made.residual ?? 0;
        return made.tensor.data;
      });
      const afterwards = () => {
        tensor.raw();
        return residual;
      };
      return [name, { tensor, from: sourceOf(name), residual: afterwards }];
    }),
  );
}

const isHalf = (element: ElementType | undefined): element is "f16" | "bf16" => element === "f16" || element === "bf16";

/** The 16-bit constants that are only read as f32, and so need not be rounded to 16 bits. */
function widened(fn: Fn): Set<string> {
  const uses = usesOf(fn);
  const isWide = ({ result }: Op) =>
    !uses(result).returned &&
    uses(result).ops.every(({ name, attributes }) => name === "cast" && attributes.to === "f32");
  const globals = fn.ops.filter(({ name, results }) => name === "global" && isHalf(results[0]?.element));
  return new Set(globals.filter(isWide).map(({ attributes }) => attributes.name as string));
}

/** The constants of the rewritten graph, for folding. */
export function constantsIn(model: OnnxModel, emitter: Emitter, types: Scope): Constants {
  const elementOf = (name: string) => {
    const stored = dataTypes.get(model.tensorType(name)?.dataType ?? 0)?.element;
    return emitter.numbers.get(name)?.element ?? (isHalf(stored) ? stored : "f32");
  };
  const shapeOf = (name: string) => emitter.numbers.get(name)?.shape ?? model.tensorType(name)?.dims;
  const outputs = new Set(model.graph.outputs.map(({ name }) => name));
  return {
    shape: shapeOf,
    numbers: (name) => {
      const own = emitter.numbers.get(name);
      return own === undefined ? (model.numbers(name)?.numbers as Float64Array) : numbersOf(own);
    },
    add: (shape, numbers, like, hint) => {
      const element = elementOf(like);
      const name = emitter.fresh(hint);
      emitter.raw(
        rawTensor(element, shape, () => numbers().map(roundTo[element])),
        name,
      );
      return name;
    },
    ones: (like) => emitter.ones(elementOf(like), shapeOf(like) ?? []),
    isOutput: (name) => outputs.has(name),
    fresh: (hint) => emitter.fresh(hint),
    types,
  };
}

/** Models whose outputs are known: computed as imported, after the passes, and as the surgery writes them. */

import { expect } from "vitest";
import { optimize } from "../../src/driver/compile.ts";
import { constantsOf } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { constantsOfModel, type ImportedModel, imported, interpretImported } from "./import-onnx.ts";
import { type ModelParts, onnxModel } from "./onnx.ts";
import type { Graph } from "./onnx-graph.ts";
import type { Feed } from "./onnxruntime.ts";
import { operated } from "./surgery.ts";

export type Numbers = readonly number[];
type Feeds = Readonly<Record<string, Feed>>;

export const f32 = (shape: readonly number[], ...numbers: number[]): Feed => ({ element: "f32", shape, numbers });
export const f16 = (shape: readonly number[], ...numbers: number[]): Feed => ({ element: "f16", shape, numbers });

/** The function after the passes that compile it, on the inputs of the model. */
function afterPasses(model: ImportedModel, feeds: Feeds): { fn: Fn; results: Readonly<Record<string, Tensor>> } {
  const { module } = optimize(model.module);
  const constants = constantsOfModel(model.module, model.model);
  const fn = module.fns[0] as Fn;
  const results = interpretImported(
    { ...model, fn },
    feeds,
    constantsOf(module, ({ name }) => constants(name)),
  );
  return { fn, results };
}

export function expectNumbers(
  results: Readonly<Record<string, Tensor>>,
  wants: readonly Numbers[],
  tolerance: number,
  what: string,
) {
  const got = Object.values(results).map(({ data }) => [...data]);
  expect(
    got.map((data) => data.length),
    what,
  ).toEqual(wants.map((want) => want.length));
  for (const [i, want] of wants.entries()) {
    const largest = Math.max(1, ...want.map(Math.abs));
    for (const [k, number] of want.entries()) {
      const error = Math.abs((got[i]?.[k] as number) - number) / largest;
      expect(error, `${what}: output ${i}, element ${k} is ${got[i]?.[k]}, not ${number}`).toBeLessThanOrEqual(
        tolerance,
      );
    }
  }
}

/** Checks the outputs of a model in all its forms; gives the function after the passes and the written model. */
export function expectOutputs(parts: ModelParts, feeds: Feeds, wants: readonly Numbers[], tolerance = 1e-6) {
  const bytes = onnxModel(parts);
  const model = imported(bytes);
  expectNumbers(interpretImported(model, feeds), wants, tolerance, "as imported");
  const after = afterPasses(model, feeds);
  expectNumbers(after.results, wants, tolerance, "after the passes");
  const surgery = operated(bytes);
  expectNumbers(interpretImported(imported(surgery.written), feeds), wants, tolerance, "after the surgery");
  return { model, after: after.fn, surgery };
}

/** A LayerNorm in float64. */
export function normalized(row: Numbers, eps = 1e-5): number[] {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
  return row.map((value) => (value - mean) / Math.sqrt(variance + eps));
}

/** ReduceMean, Sub, Pow 2, ReduceMean, Add eps, Sqrt, Div. */
export function decomposed(g: Graph, x: string, axes: Numbers = [-1]): { squares: string; normal: string } {
  const centered = g.op("Sub", [x, g.op("ReduceMean", [x], { axes })]);
  const squares = g.op("Pow", [centered, g.scalar(2)]);
  const variance = g.op("ReduceMean", [squares], { axes });
  const deviation = g.op("Sqrt", [g.op("Add", [variance, g.scalar(1e-5)])]);
  return { squares, normal: g.op("Div", [centered, deviation]) };
}

export const parts = (g: Graph, outputs: readonly string[], given: ModelParts): ModelParts => ({
  ...given,
  opset: given.opset ?? 13,
  weights: { ...g.weights, ...given.weights },
  nodes: [...g.nodes, ...(given.nodes ?? [])],
  outputs: given.outputs ?? Object.fromEntries(outputs.map((name) => [name, { element: "f32" as const }])),
});

export const declared = (shape: readonly (number | string)[]) => ({ element: "f32", shape }) as const;

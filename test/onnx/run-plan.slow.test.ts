/** The example that runs a cut model on one device gives the results of onnxruntime for the whole model. */

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { elementCount } from "../../src/ir/tensor.ts";
import { buildPackage, root, runNode } from "../support/built.ts";
import { Workplace } from "../support/cli.ts";
import { deviceTest } from "../support/gpu.ts";
import { expectNear } from "../support/import-onnx.ts";
import { onnxModel, spread } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { type Feed, runOnnx } from "../support/onnxruntime.ts";

const width = 8;

function block(): Uint8Array {
  const graph = new Graph();
  const sum = graph.add("x", graph.attention(graph.expandedNorm("x", width), width, 2));
  const up = graph.geluErf(graph.dense(graph.expandedNorm(sum, width), width, 2 * width));
  const stream = { element: "f32", shape: ["batch", "tokens", width] } as const;
  const y = graph.rmsNorm(graph.add(sum, graph.dense(up, 2 * width, width)), width);
  const { weights, nodes } = graph;
  return onnxModel({ opset: 11, inputs: { x: stream }, outputs: { [y]: stream }, weights, nodes });
}

const file = (name: string) => readFileSync(new URL(`models/${name}.onnx`, import.meta.url));
const feed = (shape: number[], seed: number): Feed => ({
  element: "f32",
  shape,
  numbers: spread(elementCount(shape), seed),
});

const models: Readonly<Record<string, { bytes: Uint8Array; feeds: Record<string, Feed> }>> = {
  gated_cell: { bytes: file("gated_cell"), feeds: { x: feed([2, 32], 1), cell: feed([2, 8], 2) } },
  query_and_key_norms: { bytes: file("query_and_key_norms"), feeds: { x: feed([2, 5, 24], 3) } },
  block: { bytes: block(), feeds: { x: feed([2, 3, width], 4) } },
};

interface Ran {
  readonly readBacks: number;
  readonly outputs: Record<string, { shape: number[]; data: number[] }>;
}

deviceTest(
  "a cell with gates, attention with norms of its own, a block of a transformer",
  async () => {
    const place = new Workplace(
      Object.fromEntries(Object.entries(models).map(([name, { bytes }]) => [`${name}.onnx`, bytes])),
    );
    for (const name of Object.keys(models)) {
      const { code } = await place.run(["extract", `${name}.onnx`, "-o", name, "--cut"]);
      expect(code).toBe(0);
    }
    const folder = buildPackage();
    for (const path of ["package.json", "tools/models/device.mjs", "examples/onnx/run-plan.mjs"])
      cpSync(join(root, path), join(folder, path));
    const cases = Object.entries(models).map(([name, { feeds }]) => ({ files: join(place.folder, name), feeds }));
    writeFileSync(join(folder, "cases.json"), JSON.stringify(cases));
    // V8's second compiler would have onnxruntime's module at work for a minute, with Dawn's callbacks waiting for it.
    const script = join(root, "test/support/run-plan.mjs");
    const { status, stdout, stderr } = runNode(["--liftoff-only", script, folder, join(folder, "cases.json")]);
    expect(status, stderr).toBe(0);
    const ran = JSON.parse(stdout) as Ran[];
    for (const [i, { bytes, feeds }] of Object.values(models).entries()) {
      const { readBacks, outputs } = ran[i] as Ran;
      expect(readBacks).toBe(0);
      const want = await runOnnx(bytes, feeds);
      expect(Object.keys(outputs).sort()).toEqual(Object.keys(want).sort());
      for (const [name, tensor] of Object.entries(want)) {
        const { shape, data } = outputs[name] as Ran["outputs"][string];
        expectNear({ element: "f32", shape, data: Float64Array.from(data) }, tensor, 1e-5);
      }
    }
  },
  120_000,
);

/** The launches that a surgery reports are those of onnxruntime-web's WebGPU provider, and do not become more. */

import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { buildPackage, root, runNode } from "../support/built.ts";
import { deviceTest } from "../support/gpu.ts";
import { onnxModel } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { chosen } from "../support/surgery.ts";

const width = 16;
const stream = { element: "f32", shape: ["batch", "tokens", width] } as const;

type Norm = (g: Graph, x: string) => string;

const layerNorm: Norm = (g, x) => g.op("LayerNormalization", [x, g.weight([width]), g.weight([width])], { axis: -1 });
const chain: Norm = (g, x) => g.expandedNorm(x, width);
const rmsChain: Norm = (g, x) => g.rmsNorm(x, width);

function modelOf(opset: number, write: (g: Graph) => string): Uint8Array {
  const g = new Graph();
  const y = write(g);
  const { weights, nodes } = g;
  return onnxModel({ opset, inputs: { x: stream }, outputs: { [y]: stream }, weights, nodes });
}

/** Adds and norms, the norms in the stream. */
const postNorm = (count: number, norm: Norm) => (g: Graph) => {
  let h = "x";
  for (let i = 0; i < count; i++) h = norm(g, g.add(h, "x"));
  return g.op("Relu", [h]);
};

/** Norms beside a stream of products that add to it. */
const preNorm = (count: number, norm: Norm) => (g: Graph) => {
  let h = g.dense("x", width, width);
  for (let i = 0; i < count; i++) h = g.add(h, g.dense(norm(g, h), width, width));
  return h;
};

/** The last norm of a stream whose last product has a bias: two sums that onnxruntime makes one with the norm. */
const lastNorm = (g: Graph) => layerNorm(g, preNorm(2, layerNorm)(g));

/** As PyTorch traces a LayerNorm without gamma and beta: constants beside it, between casts that change nothing. */
const bare: Norm = (g, x) => {
  const constants = [1, 0].map((number) => {
    const value = { element: "f32", dims: [width], numbers: new Array(width).fill(number) };
    return g.op("Constant", [], { value });
  });
  const normal = g.op("LayerNormalization", [g.op("Cast", [x], { to: 1 }), ...constants], { axis: -1 });
  return g.op("Cast", [normal], { to: 1 });
};

const models: Readonly<Record<string, Uint8Array>> = {
  "16 adds and norms": modelOf(17, postNorm(16, layerNorm)),
  "16 adds and norms beside a stream": modelOf(17, preNorm(16, layerNorm)),
  "one norm, and its beta": modelOf(17, (g) => g.op("Relu", [layerNorm(g, g.dense("x", width, width))])),
  "a last norm behind two sums": modelOf(17, lastNorm),
  "a beta for a product without a bias": modelOf(17, (g) =>
    g.op("MatMul", [layerNorm(g, g.dense("x", width, width)), g.weight([width, width])]),
  ),
  "norms of primitives": modelOf(11, preNorm(4, chain)),
  "RMSNorms of primitives": modelOf(11, preNorm(4, rmsChain)),
  "norms without gamma and beta": modelOf(17, (g) =>
    g.op("MatMul", [bare(g, preNorm(4, bare)(g)), g.weight([width, width])]),
  ),
  "norms of set 23": modelOf(23, preNorm(4, layerNorm)),
};

const most: Readonly<Record<string, number>> = {
  "16 adds and norms": 17,
  // A norm, five products with their biases, four sums that are one with the next norm, and the last product.
  "norms without gamma and beta": 16,
};

deviceTest(
  "counted by onnxruntime-web",
  () => {
    const folder = buildPackage();
    cpSync(join(root, "tools/models/device.mjs"), join(folder, "tools/models/device.mjs"));
    const told = Object.entries(models).map(([name, bytes], i) => {
      const { written, launches } = chosen(bytes);
      const paths = [join(folder, `${i}.before.onnx`), join(folder, `${i}.after.onnx`)] as const;
      writeFileSync(paths[0], bytes);
      writeFileSync(paths[1], written);
      return { name, paths, launches };
    });
    const script = join(root, "test/support/count-launches.mjs");
    const paths = told.flatMap((one) => one.paths);
    // V8's second compiler would have onnxruntime's module at work for a minute.
    const { status, stdout, stderr } = runNode(["--liftoff-only", script, folder, ...paths]);
    expect(status, stderr).toBe(0);
    const counts = JSON.parse(stdout) as number[];
    for (const [i, { name, launches }] of told.entries()) {
      const [before, after] = counts.slice(2 * i, 2 * i + 2) as [number, number];
      expect(after, name).toBeLessThanOrEqual(Math.min(before, most[name] ?? before));
      expect([name, launches]).toEqual([name, { before, after }]);
      if (name === "RMSNorms of primitives") expect(after).toBeLessThanOrEqual((2 / 3) * before);
    }
  },
  120_000,
);

/** Whole transformer blocks as exporters write them: against onnxruntime, with the outcome of their norms. */

import { expect, test } from "vitest";
import { applyFusedRmsNorm } from "../../src/driver/apply-fused-rms-norm.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { elementCount } from "../../src/ir/tensor.ts";
import { constantsOfModel, expectNear, expectSameAsOnnxruntime } from "../support/import-onnx.ts";
import { type OnnxElement, onnxModel, spread } from "../support/onnx.ts";
import { Graph } from "../support/onnx-graph.ts";
import { runOnnx } from "../support/onnxruntime.ts";

const width = 12;

interface Given {
  readonly opset?: number;
  readonly element?: OnnxElement;
  readonly ids?: boolean;
  /** The norms, and what becomes of their centerings. */
  readonly norms: readonly (readonly [string, string])[];
  readonly tolerance?: number;
}

async function check(write: (graph: Graph, x: string) => string, given: Given): Promise<void> {
  const { opset = 11, element = "f32", ids = false, norms, tolerance = 1e-4 } = given;
  const graph = new Graph(element);
  const y = write(graph, "x");
  const input = ids
    ? ({ element: "i64", shape: ["batch", "seq"] } as const)
    : { element, shape: ["batch", "seq", width] };
  const { nodes, weights } = graph;
  const bytes = onnxModel({ opset, inputs: { x: input }, outputs: { [y]: { element } }, weights, nodes });
  const shape = ids ? [2, 5] : [2, 5, width];
  const numbers = ids ? [0, 3, 1, 2, 9, 9, 4, 5, 0, 7] : spread(elementCount(shape), 4);
  const x = { element: ids ? "i64" : element, shape, numbers } as const;
  const result = await expectSameAsOnnxruntime(bytes, { x }, tolerance);
  expect(result.kept.size).toBe(0);
  expect(result.remarks).toEqual([]);

  const fused = applyFusedRmsNorm(result.module);
  expect(fused.norms.map(({ norm, centering }) => [norm, centering])).toEqual(norms);
  const data = Float64Array.from(numbers);
  const inputs = { x: { element: ids ? "i32" : (element as "f32"), shape, data } } as const;
  const got = interpret(fused.module.fns[0] as Fn, inputs, constantsOfModel(fused.module, result.model));
  const [name] = Object.keys(got);
  expectNear(got[name as string], (await runOnnx(bytes, { x }))[y], tolerance);
}

// Everything that is added to the stream is linear in weights: all centerings go into these.
test("GPT-2: pre-norm over a stream that begins with embeddings", async () => {
  await check(
    (g, x) => {
      let stream = g.op("Gather", [g.weight([10, width]), x]);
      for (let layer = 0; layer < 2; layer++) {
        stream = g.add(stream, g.attention(g.expandedNorm(stream, width), width, 3));
        const up = g.geluErf(g.dense(g.expandedNorm(stream, width), width, 2 * width));
        stream = g.add(stream, g.dense(up, 2 * width, width));
      }
      return g.expandedNorm(stream, width);
    },
    { ids: true, norms: new Array(5).fill(["layernorm", "folded"]) },
  );
});

// Rows scaled by gamma do not have mean zero.
test("BERT: post-norm, with the operator of set 17", async () => {
  const norm = (g: Graph, x: string) =>
    g.op("LayerNormalization", [x, g.weight([width]), g.weight([width])], { axis: -1 });
  await check(
    (g, x) => {
      const attended = norm(g, g.add(x, g.dense(x, width, width)));
      return norm(g, g.add(attended, g.dense(g.geluErf(g.dense(attended, width, 24)), 24, width)));
    },
    {
      opset: 17,
      norms: [
        ["layernorm", "kept"],
        ["layernorm", "kept"],
      ],
    },
  );
});

test("LLaMA: RMSNorm in primitive ops, and a gated product", async () => {
  await check(
    (g, x) => {
      const attended = g.add(x, g.attention(g.rmsNorm(x, width), width, 2));
      const normal = g.rmsNorm(attended, width);
      const gate = g.op("MatMul", [normal, g.weight([width, 20])]);
      const silu = g.op("Mul", [gate, g.op("Sigmoid", [gate])]);
      const up = g.op("Mul", [silu, g.op("MatMul", [normal, g.weight([width, 20])])]);
      return g.add(attended, g.op("MatMul", [up, g.weight([20, width])]));
    },
    { norms: new Array(2).fill(["rmsnorm", "none"]) },
  );
});

test("halves, normalized in f32 between casts", async () => {
  await check(
    (g, x) => {
      const wide = g.op("Cast", [x], { to: 1 });
      const mean = g.op("ReduceMean", [wide], { axes: [-1] });
      const centered = g.op("Sub", [wide, mean]);
      const variance = g.op("ReduceMean", [g.op("Mul", [centered, centered])], { axes: [-1] });
      g.weights.eps = { element: "f32", dims: [], numbers: [Math.fround(1e-5)] };
      const normal = g.op("Div", [centered, g.op("Sqrt", [g.op("Add", [variance, "eps"])])]);
      return g.op("Mul", [g.op("Cast", [normal], { to: 10 }), g.weight([width])]);
    },
    { element: "f16", norms: [["layernorm", "kept"]], tolerance: 5e-3 },
  );
});

/** Transformer blocks as exporters write them, whole: against onnxruntime, and what becomes of their norms. */

import type { NodeProto } from "onnx-buf";
import { expect, test } from "vitest";
import { applyFusedRmsNorm } from "../../src/apply-fused-rms-norm.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { elementCount } from "../../src/ir/tensor.ts";
import { constantsOfModel, expectNear, expectSameAsOnnxruntime } from "../support/import-onnx.ts";
import { node, type OnnxElement, onnxModel, spread, type Weight } from "../support/onnx.ts";
import { runOnnx } from "../support/onnxruntime.ts";

/** Writes nodes one after the other, their constants beside them. */
class Graph {
  readonly nodes: NodeProto[] = [];
  readonly weights: Record<string, Weight> = {};
  private readonly element: OnnxElement;
  private count = 0;

  constructor(element: OnnxElement = "f32") {
    this.element = element;
  }

  weight(dims: readonly number[], scale = 0.3): string {
    const name = `weight.${this.count++}`;
    const numbers = spread(elementCount(dims), this.count).map((x) => Math.fround(x * scale));
    this.weights[name] = { element: this.element, dims, numbers };
    return name;
  }

  scalar(value: number): string {
    const name = `scalar.${this.count++}`;
    this.weights[name] = { element: this.element, dims: [], numbers: [Math.fround(value)] };
    return name;
  }

  integers(...numbers: number[]): string {
    const name = `shape.${this.count++}`;
    this.weights[name] = { element: "i64", dims: [numbers.length], numbers };
    return name;
  }

  index(value: number): string {
    const name = `index.${this.count++}`;
    this.weights[name] = { element: "i64", dims: [], numbers: [value] };
    return name;
  }

  op(type: string, inputs: readonly string[], attributes = {}, domain = ""): string {
    const output = `/${type}_${this.count++}_output_0`;
    this.nodes.push(node(type, inputs, [output], { attributes, domain, name: `/${type}_${this.count}` }));
    return output;
  }

  /** As PyTorch writes it for operator sets without LayerNormalization. */
  expandedNorm(x: string, width: number): string {
    const mean = this.op("ReduceMean", [x], { axes: [-1] });
    const centered = this.op("Sub", [x, mean]);
    const squared = this.op("Pow", [centered, this.scalar(2)]);
    const variance = this.op("ReduceMean", [squared], { axes: [-1] });
    const deviation = this.op("Sqrt", [this.op("Add", [variance, this.scalar(1e-5)])]);
    const normal = this.op("Div", [centered, deviation]);
    return this.op("Add", [this.op("Mul", [normal, this.weight([width])]), this.weight([width])]);
  }

  rmsNorm(x: string, width: number): string {
    const squared = this.op("Pow", [x, this.scalar(2)]);
    const mean = this.op("ReduceMean", [squared], { axes: [-1] });
    const root = this.op("Sqrt", [this.op("Add", [mean, this.scalar(1e-6)])]);
    return this.op("Mul", [this.weight([width]), this.op("Mul", [x, this.op("Div", [this.scalar(1), root])])]);
  }

  dense(x: string, from: number, to: number): string {
    return this.op("Add", [this.op("MatMul", [x, this.weight([from, to])]), this.weight([to])]);
  }

  geluErf(x: string): string {
    const erf = this.op("Erf", [this.op("Div", [x, this.scalar(Math.SQRT2)])]);
    return this.op("Mul", [this.op("Mul", [x, this.op("Add", [erf, this.scalar(1)])]), this.scalar(0.5)]);
  }

  /** Heads are cut by shapes that nodes compute, as tracing writes them. */
  attention(x: string, width: number, heads: number): string {
    const size = width / heads;
    const extent = (axis: number) =>
      this.op("Unsqueeze", [this.op("Gather", [this.op("Shape", [x]), this.index(axis)])], { axes: [0] });
    const cut = (y: string, perm: number[]) => {
      const shape = this.op("Concat", [extent(0), extent(1), this.integers(heads), this.integers(size)], { axis: 0 });
      return this.op("Transpose", [this.op("Reshape", [y, shape])], { perm });
    };
    const query = cut(this.dense(x, width, width), [0, 2, 1, 3]);
    const key = cut(this.dense(x, width, width), [0, 2, 3, 1]);
    const value = cut(this.dense(x, width, width), [0, 2, 1, 3]);
    const scores = this.op("Div", [this.op("MatMul", [query, key]), this.scalar(Math.sqrt(size))]);
    const weights = this.op("Softmax", [scores], { axis: 3 });
    const mixed = this.op("Transpose", [this.op("MatMul", [weights, value])], { perm: [0, 2, 1, 3] });
    const shape = this.op("Concat", [extent(0), extent(1), this.integers(width)], { axis: 0 });
    return this.dense(this.op("Reshape", [mixed, shape]), width, width);
  }

  add(a: string, b: string): string {
    return this.op("Add", [a, b]);
  }
}

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

// What a norm scales with gamma has no mean of zero.
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

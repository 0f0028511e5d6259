/** Parts of transformers as exporters write them. */

import type { NodeProto } from "onnx-buf";
import { elementCount } from "../../src/ir/tensor.ts";
import { node, type OnnxElement, spread, type Weight } from "./onnx.ts";

/** Writes nodes one after the other, and the constants that they use. */
export class Graph {
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

  /** A node of several outputs. */
  ops(type: string, inputs: readonly string[], outputs: number, attributes = {}): string[] {
    const at = this.count++;
    const names = Array.from({ length: outputs }, (_, i) => `/${type}_${at}_output_${i}`);
    this.nodes.push(node(type, inputs, names, { attributes, name: `/${type}_${at}` }));
    return names;
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

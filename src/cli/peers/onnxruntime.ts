/** onnxruntime-web on its WebGPU execution provider: the program as a model, norms as its own nodes. */

import type { Peer, PeerInput } from "../../bench/bench.ts";
import { evaluateWith, type Library } from "../../bench/library.ts";
import type { Attributes, Fn } from "../../ir/ir.ts";
import { roundUp } from "../../launch/counts.ts";
import { copyDestination, copySource, storage } from "../../launch/tensors.ts";
import {
  integerField,
  joinBytes,
  messageField,
  type NewAttribute,
  type NewTensor,
  nodeBytes,
  opsetBytes,
  tensorBytes,
  textField,
  valueInfoBytes,
} from "../../onnx/encode.ts";
import type { PeerContext } from "./context.ts";

const opset = 17;
const dataType = { float: 1, int64: 7 };
const elements = { f32: 1, u8: 2, i8: 3, i32: 6, bool: 9, f16: 10, u32: 12, bf16: 16, f8e4m3: 17, f8e5m2: 19 } as const;

/** A graph under construction: values are names. */
class Graph {
  readonly nodes: Uint8Array[] = [];
  readonly initializers: Uint8Array[] = [];
  private count = 0;

  private fresh(): string {
    return `v${this.count++}`;
  }

  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, NewAttribute>> = {},
    domain = "",
  ): string {
    const output = this.fresh();
    this.nodes.push(messageField(1, nodeBytes({ name: "", opType, domain, inputs, outputs: [output], attributes })));
    return output;
  }

  tensor(dims: readonly number[], kind: keyof typeof dataType, raw: Uint8Array): string {
    const tensor: NewTensor = { name: this.fresh(), dims, dataType: dataType[kind], raw };
    this.initializers.push(messageField(5, tensorBytes(tensor)));
    return tensor.name;
  }

  floats(dims: readonly number[], numbers: readonly number[]): string {
    return this.tensor(dims, "float", new Uint8Array(Float32Array.from(numbers).buffer));
  }

  integers(numbers: readonly number[]): string {
    return this.tensor([numbers.length], "int64", new Uint8Array(BigInt64Array.from(numbers.map(BigInt)).buffer));
  }
}

const reductions = {
  sum: "ReduceSum",
  mean: "ReduceMean",
  max: "ReduceMax",
  min: "ReduceMin",
  prod: "ReduceProd",
} as const;

function libraryOf(graph: Graph, fn: Fn): Library<string> {
  const one = (opType: string) => (x: string) => graph.node(opType, [x]);
  const two = (opType: string) => (a: string, b: string) => graph.node(opType, [a, b]);
  const columns = (fn.params[0]?.shape.at(-1) ?? 1) as number;
  const ones = () => graph.floats([columns], new Array<number>(columns).fill(1));
  const norm = ({ eps }: Attributes) => ({ axis: -1, epsilon: { float: eps as number } });
  return {
    functions: {
      ...{ neg: one("Neg"), abs: one("Abs"), sqrt: one("Sqrt"), exp: one("Exp"), log: one("Log"), tanh: one("Tanh") },
      ...{ erf: one("Erf"), sigmoid: one("Sigmoid"), floor: one("Floor"), ceil: one("Ceil"), round: one("Round") },
      ...{ sin: one("Sin"), cos: one("Cos"), pow: two("Pow"), minimum: two("Min"), maximum: two("Max") },
      ...{ add: two("Add"), sub: two("Sub"), mul: two("Mul"), div: two("Div"), eq: two("Equal") },
      ...{ lt: two("Less"), le: two("LessOrEqual"), gt: two("Greater"), ge: two("GreaterOrEqual") },
    },
    where: (condition, yes, no) => graph.node("Where", [condition, yes, no]),
    number: (value) => graph.floats([], [value]),
    reduce(kind, x, axes, keepdims) {
      // In set 17 only the sum has its axes as an input.
      const attributes = { keepdims: Number(keepdims), ...(kind === "sum" ? {} : { axes }) };
      return graph.node(reductions[kind], kind === "sum" ? [x, graph.integers(axes)] : [x], attributes);
    },
    reshape: (x, shape) => graph.node("Reshape", [x, graph.integers(shape)]),
    transpose: (x, perm) => graph.node("Transpose", [x], { perm }),
    broadcast: (x, shape) => graph.node("Expand", [x, graph.integers(shape)]),
    cast: (x, element) => graph.node("Cast", [x], { to: elements[element] }),
    own: {
      softmax: ([x]) => graph.node("Softmax", [x as string], { axis: -1 }),
      log_softmax: ([x]) => graph.node("LogSoftmax", [x as string], { axis: -1 }),
      relu: ([x]) => graph.node("Relu", [x as string]),
      gelu: ([x], { approximate }) =>
        graph.node(approximate === "tanh" ? "FastGelu" : "Gelu", [x as string], {}, "com.microsoft"),
      layernorm: ([x, gamma, beta], attributes) =>
        graph.node(
          "LayerNormalization",
          [x as string, gamma ?? ones(), ...(beta === undefined ? [] : [beta])],
          norm(attributes),
        ),
      rmsnorm: ([x, gamma], attributes) =>
        graph.node("SimplifiedLayerNormalization", [x as string, gamma ?? ones()], norm(attributes)),
    },
  };
}

/** The program as a model, and the names of its results in the model. */
function modelOf(
  fn: Fn,
  inputs: Readonly<Record<string, PeerInput>>,
): { bytes: Uint8Array; outputs: readonly string[] } {
  const graph = new Graph();
  const names = Object.fromEntries(Object.keys(inputs).map((name) => [name, `in_${name}`]));
  const results = Object.values(evaluateWith(fn, libraryOf(graph, fn), names));
  const outputs = results.map((result) => graph.node("Identity", [result]));
  const info = (field: number, name: string, shape: readonly number[]) =>
    messageField(field, valueInfoBytes(name, { dataType: dataType.float, shape }));
  const body = joinBytes(
    ...graph.nodes,
    textField(2, fn.name),
    ...graph.initializers,
    ...Object.entries(inputs).map(([name, { shape }]) => info(11, names[name] as string, shape)),
    ...outputs.map((name, i) => info(12, name, fn.results[i]?.value.shape as number[])),
  );
  const opsets = [opsetBytes("", opset), opsetBytes("com.microsoft", 1)].map((one) => messageField(8, one));
  return { bytes: joinBytes(integerField(1, 8), messageField(7, body), ...opsets), outputs };
}

/** @param ort the build with its WebAssembly next to it: `onnxruntime-web/webgpu` is for bundlers. */
export const openOnnxruntime =
  // biome-ignore lint/suspicious/noExplicitAny: the types of peers are not installed with tirc.
    (ort: any) =>
    async ({ device, adapter }: PeerContext): Promise<Peer> => {
      ort.env.wasm.numThreads = 1;
      ort.env.logLevel = "error";
      ort.env.webgpu.adapter = adapter;
      ort.env.webgpu.device = device;
      // Closing the last session would destroy the backend, so no session is closed.
      const sessions: unknown[] = [];
      return {
        name: "onnxruntime-web",
        async prepare(fn, inputs) {
          const { bytes, outputs } = modelOf(fn, inputs);
          const options = { executionProviders: ["webgpu"], preferredOutputLocation: "gpu-buffer" };
          const session = await ort.InferenceSession.create(bytes, options);
          sessions.push(session);
          const buffers = Object.entries(inputs).map(([name, { data, shape }]) => {
            const size = Math.max(16, roundUp(data.byteLength, 16));
            const flags = storage | copySource | copyDestination;
            const buffer = device.createBuffer({ size, usage: flags });
            device.queue.writeBuffer(buffer, 0, data);
            return [`in_${name}`, buffer, shape] as const;
          });
          const feeds = Object.fromEntries(
            buffers.map(([name, buffer, dims]) => [
              name,
              ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims }),
            ]),
          );
          let results: Readonly<Record<string, { getData(): Promise<ArrayLike<number>>; dispose(): void }>> = {};
          return {
            async launch() {
              for (const tensor of Object.values(results)) tensor.dispose();
              results = await session.run(feeds);
            },
            results: () => Promise.all(outputs.map((name) => (results[name] as (typeof results)[string]).getData())),
            destroy() {
              for (const tensor of Object.values(results)) tensor.dispose();
              for (const [, buffer] of buffers) buffer.destroy();
            },
          };
        },
      };
    };

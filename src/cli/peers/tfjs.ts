/** TensorFlow.js on its WebGPU backend: ops one by one, as in user code. */

import type { Peer } from "../../bench/bench.ts";
import { evaluateWith, type Library } from "../../bench/library.ts";
import type { PeerContext } from "./context.ts";

// biome-ignore lint/suspicious/noExplicitAny: the types of peers are not installed with tirc.
type Tensor = any;

export async function openTfjs({ device, adapterInfo, load }: PeerContext): Promise<Peer> {
  const page = globalThis as Record<string, unknown>;
  page.self ??= globalThis;
  page.WorkerGlobalScope ??= class {};
  const tf = await load("@tensorflow/tfjs-core");
  const { WebGPUBackend } = await load("@tensorflow/tfjs-backend-webgpu");
  tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => new WebGPUBackend(device, adapterInfo), 3);
  await tf.setBackend("webgpu");
  await tf.ready();
  const library: Library<Tensor> = {
    functions: {
      ...{ neg: tf.neg, abs: tf.abs, sqrt: tf.sqrt, exp: tf.exp, log: tf.log, tanh: tf.tanh, erf: tf.erf },
      ...{ sigmoid: tf.sigmoid, floor: tf.floor, ceil: tf.ceil, round: tf.round, sin: tf.sin, cos: tf.cos },
      ...{ add: tf.add, sub: tf.sub, mul: tf.mul, div: tf.div, pow: tf.pow, minimum: tf.minimum, maximum: tf.maximum },
      ...{ lt: tf.less, le: tf.lessEqual, gt: tf.greater, ge: tf.greaterEqual, eq: tf.equal },
    },
    where: tf.where,
    number: (value) => tf.scalar(value),
    reduce: (kind, x, axes, keepdims) => tf[kind](x, [...axes], keepdims),
    reshape: (x, shape) => tf.reshape(x, [...shape]),
    transpose: (x, perm) => tf.transpose(x, [...perm]),
    broadcast: (x, shape) => tf.broadcastTo(x, [...shape]),
    cast: (x, element) => tf.cast(x, element === "bool" ? "bool" : element === "i32" ? "int32" : "float32"),
    own: { softmax: ([x]) => tf.softmax(x, -1), log_softmax: ([x]) => tf.logSoftmax(x, -1), relu: ([x]) => tf.relu(x) },
  };
  return {
    name: "tfjs",
    async prepare(fn, inputs) {
      const given = Object.fromEntries(
        Object.entries(inputs).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
      );
      let outputs: Tensor[] = [];
      return {
        async launch() {
          for (const output of outputs) output.dispose();
          outputs = Object.values(tf.tidy(() => evaluateWith(fn, library, given)));
          // It submits by itself after a number of ops, and may have nothing left to submit.
          const backend = tf.backend();
          if (backend.commandEncoder === null) return;
          backend.endComputePassEncoder();
          backend.submitQueue();
        },
        results: () => Promise.all(outputs.map((output) => output.data())),
        destroy() {
          for (const tensor of [...outputs, ...Object.values(given)]) tensor.dispose();
        },
      };
    },
  };
}

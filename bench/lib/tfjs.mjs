/** TensorFlow.js on its WebGPU backend: one op at a time, as its users write them. */

export const name = "tfjs-webgpu";
export const hasGradients = true;

export async function open({ device, adapterInfo }) {
  globalThis.self ??= globalThis;
  globalThis.WorkerGlobalScope ??= class {};
  const tf = await import("@tensorflow/tfjs-core");
  // The core does not register the gradients of ops; its users do.
  await import("@tensorflow/tfjs-layers");
  const { WebGPUBackend } = await import("@tensorflow/tfjs-backend-webgpu");
  tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => new WebGPUBackend(device, adapterInfo), 3);
  await tf.setBackend("webgpu");
  await tf.ready();
  const layer = (x, gamma, beta) => {
    const centered = tf.sub(x, tf.mean(x, -1, true));
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centered), -1, true), 1e-5));
    return tf.add(tf.mul(tf.mul(centered, scale), gamma), beta);
  };
  const rms = (x, gamma) => tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5))), gamma);
  const gelu = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
  const functions = {
    layernorm: layer,
    rmsnorm: rms,
    chain: (x, residual, bias, gamma, beta) => {
      return gelu(layer(tf.add(tf.add(x, residual), bias), gamma, beta));
    },
    residual: (x, residual, gamma, beta) => gelu(layer(tf.add(x, residual), gamma, beta)),
    swiglu: (gate, up) => tf.mul(tf.mul(gate, tf.sigmoid(gate)), up),
    quantize: (x, residual, gamma) => {
      const h = tf.add(x, residual);
      const n = rms(h, gamma);
      const scale = tf.div(tf.max(tf.abs(n), -1, true), 127);
      return [scale, tf.round(tf.div(n, scale)), h];
    },
    softmax: (x) => tf.softmax(x, -1),
    "column-sums": (x) => tf.sum(x, 0),
    elementwise: (x, y) => {
      let v = x;
      for (let i = 0; i < 4; i++) v = tf.maximum(tf.sub(tf.tanh(tf.mul(tf.add(v, y), 0.5)), x), y);
      return v;
    },
  };
  /** `tf.valueAndGrads` always computes the result. */
  const withGradients =
    (f, names, { wrt, hasForward }) =>
    (...given) => {
      const d_y = given.pop();
      const by = names.flatMap((name, i) => (wrt.includes(name) ? [i] : []));
      const of = (...chosen) => f(...given.map((tensor, i) => (by.includes(i) ? chosen[by.indexOf(i)] : tensor)));
      const { value, grads } = tf.valueAndGrads(of)(
        by.map((i) => given[i]),
        d_y,
      );
      return hasForward ? [value, ...grads] : grads;
    };
  return {
    async prepare(op, [, n], data) {
      const inputs = Object.values(data).map((numbers) =>
        numbers.length === n ? tf.tensor1d(numbers) : tf.tensor2d(numbers, [numbers.length / n, n]),
      );
      const plain = functions[op.key];
      const f = op.wrt === undefined ? plain : withGradients(plain, Object.keys(op.inputs), op);
      let outputs = [];
      return {
        launch() {
          for (const output of outputs) output.dispose();
          outputs = [tf.tidy(() => f(...inputs))].flat();
          tf.backend().endComputePassEncoder();
          tf.backend().submitQueue();
        },
        results: (counts) => Promise.all(counts.map((_, i) => outputs[i].data())),
      };
    },
  };
}

/** TensorFlow.js on its WebGPU backend: ops one by one, as its users write them. */

export const name = "tfjs-webgpu";

export async function open({ device, adapterInfo }) {
  globalThis.self ??= globalThis;
  globalThis.WorkerGlobalScope ??= class {};
  const tf = await import("@tensorflow/tfjs-core");
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
  const functions = {
    layernorm: layer,
    rmsnorm: rms,
    chain: (x, residual, bias, gamma, beta) => {
      const n = layer(tf.add(tf.add(x, residual), bias), gamma, beta);
      return tf.mul(tf.mul(n, 0.5), tf.add(tf.erf(tf.mul(n, Math.SQRT1_2)), 1));
    },
    quantize: (x, residual, gamma) => {
      const h = tf.add(x, residual);
      const n = rms(h, gamma);
      const scale = tf.div(tf.max(tf.abs(n), -1, true), 127);
      return [scale, tf.round(tf.div(n, scale)), h];
    },
    softmax: (x) => tf.softmax(x, -1),
    elementwise: (x, y) => {
      let v = x;
      for (let i = 0; i < 4; i++) v = tf.maximum(tf.sub(tf.tanh(tf.mul(tf.add(v, y), 0.5)), x), y);
      return v;
    },
  };
  return {
    async prepare(key, op, [, n], data) {
      const inputs = Object.entries(op.inputs).map(([input, shape]) =>
        shape === "n" ? tf.tensor1d(data[input]) : tf.tensor2d(data[input], [data[input].length / n, n]),
      );
      let outputs = [];
      return {
        launch() {
          for (const output of outputs) output.dispose();
          outputs = [tf.tidy(() => functions[key](...inputs))].flat();
          tf.backend().endComputePassEncoder();
          tf.backend().submitQueue();
        },
        result: () => outputs[0].data(),
      };
    },
  };
}

/** jax-js: each op under `jit`. Arrays are given away unless `ref` is taken. */

export const name = "jax-js";

export async function open() {
  const { init, defaultDevice, jit, nn, numpy: np } = await import("@jax-js/jax");
  await init("webgpu");
  defaultDevice("webgpu");
  const rms = (x, gamma) => {
    const scale = np.reciprocal(np.sqrt(np.mean(np.square(x.ref), -1, { keepdims: true }).add(1e-5)));
    return x.mul(scale).mul(gamma);
  };
  const layer = (x, gamma, beta) => nn.standardize(x, -1, { epsilon: 1e-5 }).mul(gamma).add(beta);
  const functions = {
    layernorm: layer,
    rmsnorm: rms,
    chain: (x, residual, bias, gamma, beta) =>
      nn.gelu(layer(x.add(residual).add(bias), gamma, beta), { approximate: false }),
    quantize: (x, residual, gamma) => {
      const h = x.add(residual);
      const n = rms(h.ref, gamma);
      const scale = np.max(np.abs(n.ref), -1, { keepdims: true }).mul(1 / 127);
      return [scale.ref, np.round(n.div(scale)), h];
    },
    softmax: (x) => nn.softmax(x, -1),
    elementwise: (x, y) => {
      let v = x.ref;
      for (let i = 0; i < 4; i++) v = np.maximum(np.tanh(v.add(y.ref).mul(0.5)).sub(x.ref), y.ref);
      x.dispose();
      y.dispose();
      return v;
    },
  };
  return {
    async prepare(key, op, [, n], data) {
      const inputs = Object.entries(op.inputs).map(([input, shape]) =>
        np.array(data[input], { shape: shape === "n" ? [n] : [data[input].length / n, n] }),
      );
      const f = jit(functions[key]);
      let outputs;
      return {
        launch() {
          outputs = [f(...inputs.map((input) => input.ref))].flat();
          return Promise.all(outputs.map((output) => output.blockUntilReady()));
        },
        result: async () => outputs[0].ref.data(),
      };
    },
  };
}

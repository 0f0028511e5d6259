/** jax-js: each op under `jit`. Calls consume their arrays unless these are passed as `ref`. */

export const name = "jax-js";
export const hasGradients = true;

export async function open() {
  const { init, defaultDevice, jit, nn, numpy: np, vjp } = await import("@jax-js/jax");
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
    residual: (x, residual, gamma, beta) => nn.gelu(layer(x.add(residual), gamma, beta), { approximate: false }),
    swiglu: (gate, up) => nn.silu(gate).mul(up),
    chain: (x, residual, bias, gamma, beta) =>
      nn.gelu(layer(x.add(residual).add(bias), gamma, beta), { approximate: false }),
    quantize: (x, residual, gamma) => {
      const h = x.add(residual);
      const n = rms(h.ref, gamma);
      const scale = np.max(np.abs(n.ref), -1, { keepdims: true }).mul(1 / 127);
      return [scale.ref, np.round(n.div(scale)), h];
    },
    softmax: (x) => nn.softmax(x, -1),
    "column-sums": (x) => np.sum(x, 0),
    elementwise: (x, y) => {
      let v = x.ref;
      for (let i = 0; i < 4; i++) v = np.maximum(np.tanh(v.add(y.ref).mul(0.5)).sub(x.ref), y.ref);
      x.dispose();
      y.dispose();
      return v;
    },
  };
  /** A function that returns the result, if requested, followed by the gradients of the inputs `wrt`. */
  const withGradients =
    (f, names, { wrt, hasForward }) =>
    (...given) => {
      const d_y = given.pop();
      const [by, others] = [names.filter((name) => wrt.includes(name)), new Map()];
      for (const [i, name] of names.entries()) if (!wrt.includes(name)) others.set(name, given[i]);
      const of = (...chosen) => f(...names.map((name) => others.get(name) ?? chosen[by.indexOf(name)]));
      const [y, backward] = vjp(
        of,
        by.map((name) => given[names.indexOf(name)]),
      );
      const gradients = backward(d_y);
      backward.dispose();
      if (hasForward) return [y, ...gradients];
      y.dispose();
      return gradients;
    };
  return {
    async prepare(op, [, n], data) {
      const inputs = Object.values(data).map((numbers) => {
        return np.array(numbers, { shape: numbers.length === n ? [n] : [numbers.length / n, n] });
      });
      const plain = functions[op.key];
      const f = jit(op.wrt === undefined ? plain : withGradients(plain, Object.keys(op.inputs), op));
      let outputs;
      return {
        launch() {
          outputs = [f(...inputs.map((input) => input.ref))].flat();
          return Promise.all(outputs.map((output) => output.blockUntilReady()));
        },
        results: (counts) => Promise.all(counts.map((_, i) => outputs[i].ref.data())),
      };
    },
  };
}

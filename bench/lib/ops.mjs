/** The ops to time, each as a `.tir` program that also gives the float64 reference, with its inputs. */
import { normal, randomNumbers } from "../../dist/src/ir/random.js";

const all = "rows, n";
const steps = ["v + y", "v * 0.5", "tanh(v)", "v - x", "maximum(v, y)"];
const chain = Array.from({ length: 20 }, (_, i) => `  let v${i + 1} = ${steps[i % 5].replaceAll("v", `v${i}`)}`);

/** The first result is compared. Inputs of shape `n` are parameters such as gamma and beta. */
const forwards = {
  layernorm: {
    title: "LayerNorm",
    inputs: { x: all, gamma: "n", beta: "n" },
    body: "  return layernorm(x, gamma, beta, axes = [-1])",
  },
  rmsnorm: {
    title: "RMSNorm",
    inputs: { x: all, gamma: "n" },
    body: "  return rmsnorm(x, gamma, axes = [-1])",
  },
  chain: {
    title: "GELU(LayerNorm(x + residual + bias))",
    inputs: { x: all, residual: all, bias: "n", gamma: "n", beta: "n" },
    body: "  return gelu(layernorm(x + residual + bias, gamma, beta, axes = [-1]))",
  },
  quantize: {
    title: "x + residual, RMSNorm, scale and values of int8",
    inputs: { x: all, residual: all, gamma: "n" },
    results: "scale: f32[rows, 1], q: f32[rows, n], h: f32[rows, n]",
    body: `  let h = x + residual
  let n1 = rmsnorm(h, gamma, axes = [-1])
  let scale = max(abs(n1), axes = [-1], keepdims = true) / 127
  return scale, round(n1 / scale), h`,
  },
  softmax: { title: "softmax", inputs: { x: all }, body: "  return softmax(x, axes = [-1])" },
  elementwise: {
    title: "20 elementwise ops",
    inputs: { x: all, y: all },
    body: `  let v0 = x\n${chain.join("\n")}\n  return v20`,
  },
  "column-sums": {
    title: "sum over rows",
    inputs: { x: all },
    results: "y: f32[n]",
    body: "  return sum(x, axes = [0])",
  },
};

const residual = {
  title: "GELU(LayerNorm(x + residual))",
  inputs: { x: all, residual: all, gamma: "n", beta: "n" },
  body: "  return gelu(layernorm(x + residual, gamma, beta, axes = [-1]))",
};
const swiglu = { title: "SwiGLU", inputs: { gate: all, up: all }, body: "  return silu(gate) * up" };

/**
 * An op with gradients by the inputs `wrt`; `hasForward` says whether the op's own result is computed too. The
 * cotangent is the input `d_y`, and all results are compared.
 */
const withGradients = (key, op, wrt, hasForward = true) => ({
  ...op,
  key,
  title: hasForward
    ? `${op.title}, forward and backward`
    : `${op.title}, backward: ${wrt.map((x) => `d_${x}`).join(", ")}`,
  ...{ wrt, hasForward },
});
const { layernorm, rmsnorm, softmax } = forwards;
const trained = {
  "layernorm-grad": withGradients("layernorm", layernorm, ["x", "gamma", "beta"]),
  "rmsnorm-grad": withGradients("rmsnorm", rmsnorm, ["x", "gamma"]),
  "softmax-grad": withGradients("softmax", softmax, ["x"]),
  "residual-grad": withGradients("residual", residual, ["x", "residual", "gamma", "beta"]),
  "swiglu-grad": withGradients("swiglu", swiglu, ["gate", "up"]),
  "layernorm-dx": withGradients("layernorm", layernorm, ["x"], false),
  "rmsnorm-dx": withGradients("rmsnorm", rmsnorm, ["x"], false),
  "rmsnorm-dx-dgamma": withGradients("rmsnorm", rmsnorm, ["x", "gamma"], false),
};

/** `key` is the name by which the libraries' modules know an op. */
export const ops = {
  ...Object.fromEntries(Object.entries(forwards).map(([key, op]) => [key, { key, ...op }])),
  ...trained,
};

/** The program for a shape, with extents as numbers, as when a model's kernel is compiled for its hidden size. */
export function programOf({ inputs, results = "y: f32[rows, n]", body }, [rows, n]) {
  const params = Object.entries(inputs).map(([name, shape]) => `${name}: f32[${shape}]`);
  const text = `fn f(${params.join(", ")}) -> (${results}) {\n${body}\n}`;
  return text.replaceAll("[rows, n]", `[rows, ${n}]`).replaceAll("[n]", `[${n}]`).replaceAll("rows", String(rows));
}

/** Standard normal numbers, reproducible by name. */
export function noise(name, count) {
  const seed = [...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16777619), 2166136261) | 1;
  const next = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => normal(next));
}

export function inputsOf({ inputs, wrt }, [rows, n]) {
  const shapes = { ...inputs, ...(wrt && { d_y: all }) };
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, noise(name, shape === "n" ? n : rows * n)]),
  );
}

/** The functions of an op's program: one, or for training the backward and, if requested, the forward function. */
export function functionsOf(tirc, op, shape) {
  const module = tirc.parse(programOf(op, shape));
  if (op.wrt === undefined) return [module.fns[0]];
  const { forward, backward } = tirc.gradient(module, { wrt: op.wrt, save: op.hasForward ? "auto" : "none" })
    .functions[0];
  return op.hasForward ? [forward, backward] : [backward];
}

/** The names of the results to compare: the op's own and the gradients. */
export function comparedOf({ wrt = [], hasForward = true }) {
  return [...(hasForward ? ["y"] : []), ...wrt.map((name) => `d_${name}`)];
}

/** The results to compare, in float64. */
export function reference(tirc, op, shape, data) {
  const module = tirc.parse(programOf(op, shape));
  const tensors = Object.entries(data).map(([name, numbers]) => {
    const extents = numbers.length === shape[1] ? [shape[1]] : shape;
    return [name, { element: "f32", shape: extents, data: Float64Array.from(numbers) }];
  });
  const interpreted = (fn) => Object.values(tirc.interpret(fn, Object.fromEntries(tensors))).map(({ data }) => data);
  const results = op.hasForward === false ? [] : interpreted(module.fns[0]).slice(0, 1);
  if (op.wrt === undefined) return results;
  return [...results, ...interpreted(tirc.gradient(module, { wrt: op.wrt }).functions[0].backward)];
}

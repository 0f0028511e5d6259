/**
 * Trains a model with RMSNorms in place of its LayerNorms, in float64, with two optimizers. Variants: weights centered
 * once; their gradients centered as well; the weights centered again after each step instead; both; and the centering
 * kept in the graph, as an op on the weights.
 */

import { type Fn, type FunctionGradient, gradient, interpret, type Module, optimize, parse, type Tensor } from "tirc";

const model = (norm: string) =>
  parse(`
fn loss(x: f32[16, 5], w: f32[8, 5] @trained, b: f32[8] @trained, gamma: f32[8], target: f32[16, 8]) -> (loss: f32) {
  let h = linear(x, w, b)
  let e = ${norm}(h, gamma, axes = [-1]) - target
  return mean(e * e, axes = [0, 1])
}`);

type Tensors = Record<string, Tensor>;
type Step = (slope: number, at: number, step: number) => number;

const filled = (shape: number[], seed: number): Tensor => {
  const count = shape.reduce((a, b) => a * b);
  const data = Float64Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) * (seed + 1)) * 1.5);
  return { element: "f32", shape, data };
};
const start: Tensors = {
  x: filled([16, 5], 1),
  w: filled([8, 5], 2),
  b: filled([8], 3),
  gamma: { element: "f32", shape: [8], data: new Float64Array(8).fill(1) },
};
// The targets are the outputs of another model of this kind, so that there is something to learn.
const teacher = parse(`
fn teacher(x: f32[16, 5], w: f32[8, 5], b: f32[8]) -> (target: f32[16, 8]) {
  return layernorm(linear(x, w, b), axes = [-1])
}`);
Object.assign(start, interpret(teacher.fns[0] as Fn, { ...start, w: filled([8, 5], 5), b: filled([8], 6) }));

/** Creates an optimizer for a tensor of `count` elements: the amount to subtract from the element `at`. */
const optimizers: Record<string, (count: number) => Step> = {
  momentum(count) {
    const velocity = new Float64Array(count);
    return (slope, at) => {
      velocity[at] = 0.9 * (velocity[at] as number) + slope;
      return 0.05 * (velocity[at] as number);
    };
  },
  /** Kingma & Ba 2015. */
  Adam(count) {
    const [m, v] = [new Float64Array(count), new Float64Array(count)];
    return (slope, at, step) => {
      m[at] = 0.9 * (m[at] as number) + 0.1 * slope;
      v[at] = 0.999 * (v[at] as number) + 0.001 * slope ** 2;
      const [mean, square] = [(m[at] as number) / (1 - 0.9 ** step), (v[at] as number) / (1 - 0.999 ** step)];
      return (0.02 * mean) / (Math.sqrt(square) + 1e-8);
    };
  },
};

const centering = parse(`
fn centered(w: f32[8, 5], b: f32[8]) -> (w: f32[8, 5], b: f32[8]) {
  return center(w, axes = [0]), center(b, axes = [0])
}`).fns[0] as Fn;

/** Subtracts the mean from each column of w, and from b. */
function centered(tensors: Tensors): Tensors {
  return { ...tensors, ...interpret(centering, tensors) };
}
const untouched = (tensors: Tensors) => tensors;

/** The losses before each of 200 steps. @param gradients, weights the changes made to them in each step. */
function train(
  module: Module,
  optimizer: string,
  { from = start, gradients = untouched, weights = untouched },
): number[] {
  const { forward, backward } = gradient(module, { wrt: ["w", "b", "gamma"] }).functions[0] as FunctionGradient;
  const d_loss: Tensor = { element: "f32", shape: [], data: Float64Array.of(1) };
  const steps = new Map<string, Step>();
  let now = from;
  return Array.from({ length: 200 }, (_, step) => {
    const [loss = Number.NaN] = interpret(forward, now).loss?.data ?? [];
    const { d_w, d_b, d_gamma } = interpret(backward, { ...now, d_loss });
    const slopes = gradients({ w: d_w, b: d_b, gamma: d_gamma } as Tensors);
    const next = Object.entries(slopes).map(([name, { data: slope }]) => {
      const tensor = now[name] as Tensor;
      const down = steps.get(name) ?? (optimizers[optimizer] as (typeof optimizers)[string])(slope.length);
      steps.set(name, down);
      const data = Float64Array.from(tensor.data, (value, i) => value - down(slope[i] as number, i, step + 1));
      return [name, { ...tensor, data }];
    });
    now = weights({ ...now, ...Object.fromEntries(next) });
    return loss;
  });
}

const layernorm = model("layernorm");
const inGraph = optimize(layernorm, { passes: "layernorm-to-rmsnorm,eliminate-centering" }).module;
const rmsnorm = model("rmsnorm");
const once = { from: centered(start) };

const tried: Record<string, (optimizer: string) => number[]> = {
  "weights centered once": (by) => train(rmsnorm, by, once),
  "gradients centered too": (by) => train(rmsnorm, by, { ...once, gradients: centered }),
  "weights centered after each step": (by) => train(rmsnorm, by, { ...once, weights: centered }),
  "both of these": (by) => train(rmsnorm, by, { ...once, gradients: centered, weights: centered }),
  "centered in the graph": (by) => train(inGraph, by, {}),
};

/** The largest difference of each variant's losses from the LayerNorm model's, by optimizer. */
export const drifts: Record<string, Record<string, number>> = {};
for (const optimizer of Object.keys(optimizers)) {
  const reference = train(layernorm, optimizer, {});
  console.log(`LayerNorm, ${optimizer}: loss ${reference[0]?.toFixed(4)} to ${reference.at(-1)?.toFixed(4)}`);
  const found = Object.entries(tried).map(([what, losses]) => {
    const drift = Math.max(...losses(optimizer).map((loss, i) => Math.abs(loss - (reference[i] as number))));
    console.log(`  RMSNorm, ${what}: off by ${drift < 1e-13 ? "rounding" : drift.toPrecision(2)}`);
    return [what, drift];
  });
  drifts[optimizer] = Object.fromEntries(found);
}

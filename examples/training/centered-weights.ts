/**
 * Training a LayerNorm's model with an RMSNorm in its place: with the weights centered once and then trained, and with
 * the centering of the weights kept in the graph. Adam, 200 steps, in float64.
 */

import { type Fn, type FunctionGradient, gradient, interpret, type Module, optimize, parse, type Tensor } from "tirc";

const model = (norm: string) => `
fn loss(x: f32[32, 5], w: f32[8, 5], b: f32[8], gamma: f32[8], target: f32[32, 8]) -> (loss: f32) {
  let h = linear(x, w, b)
  let e = ${norm}(h, gamma, axes = [-1]) - target
  return mean(e * e, axes = [0, 1])
}`;

type Tensors = Record<string, Tensor>;
type Moments = { readonly m: Float64Array; readonly v: Float64Array };
const filled = (shape: number[], seed: number): Tensor => {
  const count = shape.reduce((a, b) => a * b);
  const data = Float64Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) * (seed + 1)) * 1.5);
  return { element: "f32", shape, data };
};
const start: Tensors = {
  x: filled([32, 5], 1),
  w: filled([8, 5], 2),
  b: filled([8], 3),
  gamma: { element: "f32", shape: [8], data: new Float64Array(8).fill(1) },
};
// What another such model gives, so that there is something to learn.
const teacher = parse(`
fn teacher(x: f32[32, 5], w: f32[8, 5], b: f32[8]) -> (target: f32[32, 8]) {
  return layernorm(linear(x, w, b), axes = [-1])
}`);
Object.assign(start, interpret(teacher.fns[0] as Fn, { ...start, w: filled([8, 5], 5), b: filled([8], 6) }));

/** One step of Adam (Kingma & Ba 2015), the moments in place. */
function stepped({ data, ...rest }: Tensor, g: Float64Array, { m, v }: Moments, step: number): Tensor {
  const next = data.map((value, i) => {
    const slope = g[i] as number;
    m[i] = 0.9 * (m[i] as number) + 0.1 * slope;
    v[i] = 0.999 * (v[i] as number) + 0.001 * slope ** 2;
    const [mean, square] = [(m[i] as number) / (1 - 0.9 ** step), (v[i] as number) / (1 - 0.999 ** step)];
    return value - (0.02 * mean) / (Math.sqrt(square) + 1e-8);
  });
  return { ...rest, data: next };
}

/** The loss before each of 200 steps. */
function train(module: Module, from: Tensors): number[] {
  const { functions } = gradient(module, { wrt: ["w", "b", "gamma"] });
  const { forward, backward } = functions[0] as FunctionGradient;
  const d_loss: Tensor = { element: "f32", shape: [], data: Float64Array.of(1) };
  const now: Tensors = { ...from };
  const moments: Record<string, Moments> = {};
  return Array.from({ length: 200 }, (_, step) => {
    const [loss = Number.NaN] = interpret(forward, now).loss?.data ?? [];
    for (const [name, { data: g }] of Object.entries(interpret(backward, { ...now, d_loss }))) {
      moments[name] ??= { m: new Float64Array(g.length), v: new Float64Array(g.length) };
      const weight = name.slice("d_".length);
      now[weight] = stepped(now[weight] as Tensor, g, moments[name], step + 1);
    }
    return loss;
  });
}

/** Each column of w, and b, with its mean taken away. */
function centeredOnce(from: Tensors): Tensors {
  const program = parse(`
fn centered(w: f32[8, 5], b: f32[8]) -> (w: f32[8, 5], b: f32[8]) {
  return center(w, axes = [0]), center(b, axes = [0])
}`);
  return { ...from, ...interpret(program.fns[0] as Fn, from) };
}

const layernorm = parse(model("layernorm"));
const inGraph = optimize(layernorm, { passes: "layernorm-to-rmsnorm,eliminate-centering{trained=w+b}" }).module;
const rmsnorm = parse(model("rmsnorm"));

const reference = train(layernorm, start);
const report = (what: string, losses: readonly number[]) => {
  const off = Math.max(...losses.map((loss, i) => Math.abs(loss / (reference[i] as number) - 1)));
  const ends = [losses[0], losses.at(-1)].map((loss) => loss?.toFixed(4)).join(" to ");
  console.log(`${what}: loss ${ends}, off by ${off < 1e-9 ? "rounding" : `${Math.round(100 * off)} %`}`);
};
report("LayerNorm", reference);
report("RMSNorm, weights centered in the graph", train(inGraph, start));
report("RMSNorm, weights centered once", train(rmsnorm, centeredOnce(start)));

/** Models of random steps on one stream of rows, with norms in primitive nodes and as operators. */

import fc from "fast-check";
import { type Declared, onnxModel } from "./onnx.ts";
import { Graph } from "./onnx-graph.ts";

export const width = 6;
export const rows = 4;

/** What a step adds: an op on existing tensors (their numbers count from the end), and a number that makes choices. */
interface Step {
  readonly op: keyof typeof steps;
  readonly a: number;
  readonly b: number;
  readonly n: number;
}

type Write = (g: Graph, a: string, b: string, n: number, weight: (dims: number[]) => string) => string;

/** Tensors are all of `[2, rows, width]`. */
const steps = {
  add: (g, a, b) => g.op("Add", [a, b]),
  sub: (g, a, b) => g.op("Sub", [a, b]),
  neg: (g, a) => g.op("Neg", [a]),
  scale: (g, a, _b, n) => g.op("Mul", [a, g.scalar(n % 2 === 0 ? 2 : -0.5)]),
  bias: (g, a, _b, n, weight) => g.op("Add", [a, weight(n % 3 === 0 ? [rows, 1] : [width])]),
  product: (g, a, _b, _n, weight) => g.op("MatMul", [a, weight([width, width])]),
  table: (g, a, _b, _n, weight) => g.op("Add", [weight([rows, width]), a]),
  relu: (g, a) => g.op("Relu", [a]),
  gelu: (g, a) => g.geluErf(a),
  softmax: (g, a) => g.op("Softmax", [a], { axis: 2 }),
  identity: (g, a) => g.op("Identity", [a]),
  turn: (g, a) => g.op("Transpose", [g.op("Transpose", [a], { perm: [1, 0, 2] })], { perm: [1, 0, 2] }),
  flat: (g, a) => g.op("Reshape", [g.op("Reshape", [a, g.integers(2 * rows, width)]), g.integers(2, rows, width)]),
  center: (g, a) => g.op("Sub", [a, g.op("ReduceMean", [a], { axes: [-1] })]),
  column: (g, a, b) => g.op("Add", [a, g.op("ReduceMax", [b], { axes: [-1] })]),
  chain: (g, a) => g.expandedNorm(a, width),
  rms: (g, a) => g.rmsNorm(a, width),
  norm: (g, a, _b, n, weight) =>
    g.op("LayerNormalization", n % 2 === 0 ? [a, weight([width])] : [a, weight([width]), weight([width])], {
      axis: -1,
    }),
} satisfies Record<string, Write>;

const names = Object.keys(steps) as (keyof typeof steps)[];
/** What centerings go through, and norms. */
const linear = ["add", "sub", "neg", "bias", "product", "table", "turn", "flat", "norm", "chain"] as const;
const step: fc.Arbitrary<Step> = fc.record({
  op: fc.oneof({ arbitrary: fc.constantFrom(...linear), weight: 3 }, fc.constantFrom(...names)),
  a: fc.nat(3),
  b: fc.nat(7),
  n: fc.nat(11),
});

/** The number decides which weights are shared; some steps occur twice. */
function modelOf(list: readonly Step[], isOutput: readonly number[]): Uint8Array {
  const g = new Graph();
  const made = ["x", g.op("MatMul", ["x", g.weight([width, width])])];
  const weights = new Map<string, string>();
  for (const { op, a, b, n } of list) {
    const at = (back: number) => made[Math.max(0, made.length - 1 - back)] as string;
    const weight = (dims: number[]) => {
      const key = `${dims.join()} ${n % 4}`;
      const known = n % 4 < 2 ? weights.get(key) : undefined;
      const name = known ?? g.weight(dims);
      weights.set(key, name);
      return name;
    };
    const write: Write = steps[op];
    const [one, other] = [at(a), at(b)];
    const result = write(g, one, other, n, weight);
    made.push(n === 7 ? g.op("Add", [result, write(g, one, other, n, weight)]) : result);
  }
  // Models end in a norm of their stream.
  const last = g.expandedNorm(made.at(-1) as string, width);
  const others = isOutput.flatMap((back) => made[made.length - 1 - back] ?? []).filter((name) => name !== "x");
  const outputs = Object.fromEntries(
    [...new Set([last, ...others])].map((name) => [name, { element: "f32" } as Declared]),
  );
  const { nodes, weights: tensors } = g;
  const x = { element: "f32", shape: [2, rows, width] } as const;
  // Set 17 has the operator, and axes as attributes but where Unsqueeze takes them, which no step does.
  return onnxModel({ opset: 17, inputs: { x }, outputs, weights: tensors, nodes });
}

/** Of the last of a model's tensors some are outputs: `isOutput` has their numbers, counted from the end. */
export const randomModels: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.array(step, { minLength: 2, maxLength: 14, size: "max" }), fc.array(fc.nat(6), { maxLength: 1 }))
  .map(([list, outputs]) => modelOf(list, outputs));

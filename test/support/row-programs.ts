/** Random programs about rows: sums, products, lookups and norms of tensors of which some are promised to be centered. */

import fc from "fast-check";
import type { Module } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";

/** Values of 4 rows of 6; `a` and `b` are two of them. */
const steps = [
  (a: string, b: string) => `${a} + ${b}`,
  (a: string, b: string) => `${a} - ${b}`,
  (a: string) => `-${a}`,
  (a: string) => `${a} * s`,
  (a: string) => `s * ${a}`,
  (a: string) => `${a} * g`,
  (a: string) => `${a} * c`,
  (a: string) => `${a} / (s * s + 1)`,
  () => "s / c * 0.1",
  (a: string, b: string) => `${a} * ${b} * 0.5`,
  (a: string) => `${a} + s`,
  (a: string) => `${a} + b`,
  (a: string) => `${a} + c`,
  (a: string) => `${a} + 0.5`,
  (a: string) => `relu(${a})`,
  (a: string) => `tanh(${a})`,
  (a: string, b: string) => `where(s > 0, ${a}, ${b})`,
  (a: string, b: string) => `where(${a} > 0, ${a}, ${b})`,
  (a: string) => `where(s > 0, ${a}, s)`,
  (a: string) => `center(${a}, axes = [-1])`,
  (a: string) => `center(${a}, axes = [-2])`,
  (a: string) => `${a} - mean(${a}, axes = [-1], keepdims = true)`,
  (a: string) => `layernorm(${a}, axes = [-1], eps = 0.1)`,
  (a: string) => `layernorm(${a}, g, b, axes = [-1], eps = 0.1)`,
  (a: string) => `layernorm(${a}, ones, c, axes = [-1], eps = 0.1)`,
  (a: string) => `rmsnorm(${a}, axes = [-1], eps = 0.1)`,
  (a: string) => `rmsnorm(${a}, g, axes = [-1], eps = 0.1)`,
  (a: string) => `l2norm(${a}, axes = [-1], eps = 0.1)`,
  (a: string) => `softmax(${a}, axes = [-1])`,
  (a: string) => `matmul(${a}, w) * 0.4`,
  (a: string) => `matmul(${a}, v) * 0.4`,
  (a: string) => `matmul(m, ${a}) * 0.5`,
  (a: string) => `matmul(softmax(m, axes = [-1]), ${a})`,
  (a: string) => `linear(${a}, w, b) * 0.4`,
  (a: string) => `linear(${a}, w, c) * 0.4`,
  (a: string) => `linear(${a}, v) * 0.4`,
  () => "embedding(ids, table)",
  (a: string, b: string) =>
    `concat(slice(${a}, axis = 0, start = 0, end = 2), slice(${b}, axis = 0, start = 2, end = 4), axis = 0)`,
  (a: string, b: string) =>
    `concat(slice(${a}, axis = 1, start = 0, end = 3), slice(${b}, axis = 1, start = 3, end = 6), axis = 1)`,
  (a: string) => `pad(slice(${a}, axis = 1, start = 1, end = 5), axis = 1, before = 1, after = 1)`,
  (a: string) => `pad(slice(${a}, axis = 0, start = 0, end = 2), axis = 0, after = 2)`,
  (a: string) => `flip(${a}, axis = 0)`,
  (a: string) => `flip(${a}, axis = 1)`,
  (a: string) => `gather(${a}, iota(shape = [4, 6], axis = 0), axis = 1)`,
  (a: string) => `concat(matmul(${a}, w3), matmul(${a}, v3), axis = 1) * 0.4`,
  (a: string) => `transpose(center(transpose(${a}, perm = [1, 0]), axes = [-2]), perm = [1, 0])`,
  (a: string) => `transpose(tanh(transpose(${a}, perm = [1, 0])), perm = [1, 0])`,
  (a: string) => `reshape(reshape(${a}, shape = [2, 2, 6]) * 2, shape = [4, 6])`,
  (a: string) => `reshape(center(reshape(${a}, shape = [6, 4]), axes = [-1]), shape = [4, 6])`,
  (a: string) => `reshape(transpose(reshape(${a}, shape = [4, 2, 3]), perm = [0, 2, 1]), shape = [4, 6])`,
  (a: string) => `broadcast(mean(${a}, axes = [0], keepdims = true), shape = [4, 6])`,
  (a: string) => `broadcast(sum(${a}, axes = [0]), shape = [4, 6])`,
  (a: string) => `broadcast(max(${a}, axes = [0]), shape = [4, 6])`,
  (a: string) => `${a} * broadcast(s, shape = [4, 6])`,
  (a: string) => `(matmul(${a}, w) + b) * b * 0.3`,
  (a: string) => `linear(${a}, v, b) * reshape(b, shape = [1, 6]) * 0.3`,
  (a: string) => `reshape(conv(reshape(${a}, shape = [4, 6, 1]), k, b), shape = [4, 6]) * 0.4`,
  (a: string) => `reshape(conv(reshape(${a}, shape = [4, 6, 1]), kg, c, group = 2), shape = [4, 6]) * 0.4`,
  (a: string) => `reshape(conv(reshape(${a}, shape = [1, 4, 6]), k4, pads = [1, 0]), shape = [4, 6]) * 0.4`,
  (a: string) => `reshape(center(reshape(${a}, shape = [4, 3, 2]), axes = [-1]), shape = [4, 6])`,
  (a: string) => `reshape(layernorm(reshape(${a}, shape = [4, 2, 3]), axes = [-1], eps = 0.1), shape = [4, 6])`,
];

/** Parameters and constants whose contracts are drawn: the name, the shape, the axes that may be promised. */
const promised = [
  ["x", "4, 6", [-1, -2]],
  ["y", "4, 6", [-1, -2]],
  ["c", "6", [-1]],
] as const;
const weights = [
  ["w", "6, 6", [-1, -2]],
  ["v", "6, 6", [-1, -2]],
  ["m", "4, 4", [-1, -2]],
  ["table", "21, 6", [-1, -2]],
  ["w3", "6, 3", [-1, -2]],
  ["v3", "6, 3", [-1, -2]],
  ["b", "6", [-1]],
  ["k", "6, 6, 1", [-3, -2]],
  ["kg", "6, 3, 1", [-3, -2]],
  ["k4", "4, 4, 2", [-3, -2]],
] as const;

/** Functions that return norms of what they have computed, and some of it as it is. */
const rowPrograms: fc.Arbitrary<string> = fc.array(fc.nat(10_000), { minLength: 40, maxLength: 40 }).map((numbers) => {
  let at = 0;
  const choose = (count: number) => (numbers[at++ % numbers.length] as number) % count;
  const contract = (axes: readonly number[]) => {
    const axis = choose(2) === 0 ? undefined : axes[choose(axes.length)];
    return axis === undefined ? "" : ` @centered(${axis})`;
  };
  const params = promised.map(([name, shape, axes]) => `${name}: f32[${shape}]${contract(axes)}`);
  const consts = weights.map(
    ([name, shape, axes]) => `const ${name}: f32[${shape}]${contract(axes)} = load("w.safetensors", "${name}")`,
  );
  const values = ["x", "y"];
  const pick = () => values[choose(3) === 0 ? choose(values.length) : values.length - 1] as string;
  const lines: string[] = [];
  for (let i = 2 + choose(8); i > 0; i--) {
    const step = steps[choose(steps.length)] as (a: string, b: string) => string;
    const name = `t${lines.length}`;
    lines.push(`  let ${name} = ${step(pick(), pick())}`);
    values.push(name);
  }
  const norm = () => (choose(3) === 0 ? "rmsnorm" : "layernorm");
  const returned = Array.from({ length: 1 + choose(3) }, () => `${norm()}(${pick()}, axes = [-1], eps = 0.1)`);
  if (choose(3) === 0) returned.push(pick());
  const results = returned.map((_, i) => `out${i}: f32[4, 6]`);
  return `${consts.join("\n")}
const ones: f32[6] = [1, 1, 1, 1, 1, 1]

fn f(${params.join(", ")}, s: f32[4, 1], g: f32[6], ids: u32[4]) -> (${results.join(", ")}) {
${lines.join("\n")}
  return ${returned.join(", ")}
}
`;
});

/** The same programs every time. */
export function sampleRowPrograms(count: number): { text: string; module: Module }[] {
  return fc.sample(rowPrograms, { numRuns: count, seed: 20_240_531 }).map((text) => ({ text, module: parse(text) }));
}

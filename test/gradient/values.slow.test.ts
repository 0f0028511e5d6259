/** Gradients against independent values: worked out in float64, by PyTorch, and by central differences. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { randomNumbers } from "../../src/ir/random.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { backwardOf, computed } from "../support/gradients.ts";
import { programs } from "../support/programs.ts";
import { expectGradients, pytorchGradients } from "../support/pytorch-gradients.ts";

const x = [
  [1, 2, 3, 4],
  [4, -3, 2, -1],
];
const gamma = [1, 0.5, 2, -1];
const d_y = [
  [1, -1, 2, 0.5],
  [0, 1, 0, -2],
];
const norm = (op: string, params = "gamma: f32[4]", args = "gamma") =>
  `fn f(x: f32[rows, 4], ${params}) -> (y: f32[rows, 4]) { return ${op}(x, ${args}, axes = [-1]) }`;

describe("vectors", () => {
  const close = (found: readonly number[] | undefined, wanted: readonly number[]) => {
    expect(found).toHaveLength(wanted.length);
    for (const [i, value] of wanted.entries()) expect(found?.[i]).toBeCloseTo(value, 7);
  };

  test("RMSNorm", () => {
    const found = computed(backwardOf(norm("rmsnorm")), { x, gamma, d_y });
    close(
      found.d_x,
      [...[0.2434322, -0.4260058, 1.0954449, -0.6694376], ...[0.1704022, 0.0547724, 0.0852011, 0.6876957]].map(
        (value) => value,
      ),
    );
    close(found.d_gamma, [0.3651481, -1.8257406, 2.1908888, 1.4605925]);
  });

  test("LayerNorm", () => {
    const fn = backwardOf(norm("layernorm", "gamma: f32[4], beta: f32[4]", "gamma, beta"));
    const found = computed(fn, { x, gamma, beta: [0, 0, 0, 0], d_y });
    close(found.d_x, [...[0, -1.3416354, 2.6832708, -1.3416354], ...[-0.0192101, -0.2593327, -0.1408724, 0.4194152]]);
    close(found.d_gamma, [-1.3416354, -0.8526547, 0.8944236, 1.784989]);
    close(found.d_beta, [1, 0, 2, -1.5]);
  });

  test("softmax", () => {
    const fn = backwardOf("fn f(x: f32[rows, 4]) -> (y: f32[rows, 4]) { return softmax(x, axes = [-1]) }");
    close(
      computed(fn, { x: [[1, 2, 3, 4]], d_y: [[1, -1, 2, 0.5]] }).d_x,
      [0.0083148, -0.1516866, 0.2983214, -0.1549496],
    );
  });

  test("gamma is not kept from 0, in d_x and in d_gamma", () => {
    const fn = (eps: number) => backwardOf(norm("layernorm").replace("axes", `eps = ${eps}, axes`));
    const row = [[1, 2, 4, 7]];
    const small = computed(fn(0.1), { x: row, gamma: [0.05, -0.02, 0.5, 1], d_y: [[1, 2, 3, 4]] });
    for (const [i, value] of [0.16776, -0.16782, -0.09538, 0.09544].entries()) {
      expect(small.d_x?.[i]).toBeCloseTo(value, 5);
    }
    const zero = computed(fn(0), { x: row, gamma: [0, 1, 1, 1], d_y: [[1, 2, 3, 4]] });
    expect(zero.d_gamma?.[0]).toBeCloseTo(-1.09109, 5);
  });

  test("elements that share an extreme share the cotangent, and a clamp passes it at its limits", () => {
    const of = (expression: string, type = "f32[rows, 4]") =>
      backwardOf(`fn f(x: f32[rows, 4]) -> (y: ${type}) { return ${expression} }`);
    const found = computed(of("max(x, axes = [-1])", "f32[rows]"), { x: [[1, 3, 3, 2]], d_y: [4] });
    expect(found.d_x).toEqual([0, 2, 2, 0]);
    const clamped = computed(of("clamp(x, -1, 1)"), { x: [[-1, 1, 2, 0]], d_y: [[5, 6, 7, 8]] });
    expect(clamped.d_x).toEqual([5, 6, 0, 8]);
    const maximum = computed(of("maximum(x, 1)"), { x: [[0, 1, 2, 3]], d_y: [[4, 4, 4, 4]] });
    expect(maximum.d_x).toEqual([0, 2, 4, 4]);
    const prod = computed(of("prod(x, axes = [-1])", "f32[rows]"), { x: [[2, 0, 3, 5]], d_y: [1] });
    expect(prod.d_x).toEqual([0, 30, 0, 0]);
  });
});

test.each(pytorchGradients)("PyTorch: $op of $shape", ({ text, inputs, gradients }) => {
  expectGradients({ gradients }, interpret(backwardOf(text), inputs()), 1e-12);
});

/** Of <d_y, f(x)> along a direction, by central differences and by the gradients, relative to what is summed. */
function differenceAlong(text: string, dims: Readonly<Record<string, number>>, seed: number): number {
  const forward = parse(text).fns[0] as NonNullable<ReturnType<typeof parse>["fns"][0]>;
  const backward = backwardOf(text);
  const inputs = randomInputs(backward, seed, { ...dims });
  const gradients = interpret(backward, inputs);
  const next = randomNumbers(seed);
  const directions = Object.fromEntries(
    Object.entries(gradients).map(([name, { data }]) => [name.slice(2), data.map(() => 2 * next() - 1)]),
  );
  const loss = (step: number) => {
    const moved = forward.params.map(({ name = "" }) => {
      const [tensor, direction] = [inputs[name] as Tensor, directions[name]];
      return [
        name,
        direction ? { ...tensor, data: tensor.data.map((v, i) => v + step * (direction[i] as number)) } : tensor,
      ];
    });
    const results = interpret(forward, Object.fromEntries(moved));
    return Object.entries(results).reduce((sum, [name, { data }]) => {
      const cotangent = inputs[`d_${name}`]?.data;
      return cotangent === undefined ? sum : sum + data.reduce((all, v, i) => all + v * (cotangent[i] as number), 0);
    }, 0);
  };
  const step = 1e-5;
  const slope = (loss(step) - loss(-step)) / (2 * step);
  let [product, size] = [0, 1];
  for (const [name, { data }] of Object.entries(gradients)) {
    for (const [i, value] of data.entries()) {
      const term = value * (directions[name.slice(2)]?.[i] as number);
      product += term;
      size += Math.abs(term);
    }
  }
  return Math.abs(product - slope) / size;
}

test("random programs: central differences in float64 agree", () => {
  let count = 0;
  fc.assert(
    fc.property(programs, ({ text, dims }) => {
      // If a step crosses a kink, another point is used.
      const errors = [1, 2].map((seed) => differenceAlong(text, dims, seed));
      count++;
      if (Math.min(...errors) > 1e-6) throw new Error(`${errors}\n${text}`);
    }),
    { numRuns: 25, seed: 1 },
  );
  expect(count).toBe(25);
});

/** Gradients that PyTorch's autograd gives in float64 (tools/gradients/pytorch.py), as programs, inputs and numbers. */

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { randomNumbers } from "../../src/ir/random.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { rowError } from "./gradients.ts";

interface Case {
  readonly op: string;
  readonly shape: readonly number[];
  readonly eps?: number;
  readonly groups?: number;
  readonly gradients: Readonly<Record<string, string>>;
}

const { cases } = JSON.parse(readFileSync("test/fixtures/gradients.json", "utf8")) as {
  readonly cases: readonly Case[];
};

/** The function of a case, and its parameters with their shapes. */
function programOf({ op, shape, eps, groups }: Case) {
  const type = (dims: readonly number[]) => `f32[${dims.join(", ")}]`;
  const columns = op === "groupnorm" ? shape.slice(1, 2) : shape.slice(-1);
  const forms: Record<string, readonly [params: string[], call: string]> = {
    layernorm: [["x", "gamma", "beta"], `layernorm(x, gamma, beta, axes = [-1], eps = ${eps})`],
    rmsnorm: [["x", "gamma"], `rmsnorm(x, gamma, axes = [-1], eps = ${eps})`],
    groupnorm: [["x", "gamma", "beta"], `groupnorm(x, gamma, beta, groups = ${groups}, eps = ${eps})`],
    softmax: [["x"], "softmax(x, axes = [-1])"],
    log_softmax: [["x"], "log_softmax(x, axes = [-1])"],
    gelu: [["x"], "gelu(x)"],
    gelu_tanh: [["x"], 'gelu(x, approximate = "tanh")'],
    swiglu: [["a", "b"], "silu(a) * b"],
  };
  const [params, call] = forms[op] as (typeof forms)[string];
  const shapes = params.map((name) => [name, name === "gamma" || name === "beta" ? columns : shape] as const);
  const declared = shapes.map(([name, dims]) => `${name}: ${type(dims)}`).join(", ");
  return { text: `fn f(${declared}) -> (y: ${type(shape)}) { return ${call} }`, shapes };
}

/** 50 of them: the forward as a program, and the inputs of its backward. */
export const pytorchGradients = cases.map((one, seed) => {
  const { text, shapes } = programOf(one);
  return {
    ...{ op: one.op, shape: one.shape, text, gradients: one.gradients },
    inputs: () => {
      const next = randomNumbers(seed);
      const drawn = ([name, shape]: readonly [string, readonly number[]]): [string, Tensor] => {
        const count = shape.reduce((a, b) => a * b, 1);
        const data = Float64Array.from({ length: count }, () => Math.fround(4 * next() - 2));
        return [name, { element: "f32", shape, data }];
      };
      return Object.fromEntries([...shapes, ["d_y", one.shape] as const].map(drawn));
    },
  };
});

/** Within 2e-6 of the largest of each row. Where there is no gradient but for rounding on either side, within `rounding`. */
export function expectGradients(
  { gradients }: Pick<Case, "gradients">,
  found: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>>,
  rounding: number,
): void {
  for (const [name, text] of Object.entries(gradients)) {
    const bytes = Buffer.from(text, "base64");
    const wanted = Float64Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
    const { data, shape } = found[name] as { readonly shape: readonly number[]; readonly data: ArrayLike<number> };
    const width = shape.at(-1) as number;
    if (Math.max(...wanted.map(Math.abs)) > 1e-12) {
      expect(rowError(data, wanted, width), name).toBeLessThan(2e-6);
    } else for (const value of Array.from(data)) expect(Math.abs(value), name).toBeLessThan(rounding);
  }
}

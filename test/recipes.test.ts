/** The programs of docs/recipes.md: each is one kernel, and computes its formula, which is written out here by hand. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compile } from "../src/driver/compile.ts";
import { interpret } from "../src/ir/interpret.ts";
import type { Fn } from "../src/ir/ir.ts";
import { parse } from "../src/parse/parse.ts";
import type { Kernel } from "../src/target/manifest.ts";
import { float8 } from "./support/float8.ts";
import { gpuTest } from "./support/gpu.ts";
import { compareKernel, type Fill, inputsFor, tensorsOf } from "./support/oracle.ts";

type Numbers = Readonly<Record<string, ArrayLike<number>>>;

interface Recipe {
  readonly dims: Readonly<Record<string, number>>;
  readonly fill?: Readonly<Record<string, Fill>>;
  /** Element `i` of the result, in row-major order. */
  readonly element: (tensors: Numbers, i: number) => number;
  /** Of the kernel, where it is not 2e-6. */
  readonly tolerance?: number;
}

const at = (numbers: ArrayLike<number> | undefined, i: number) => numbers?.[i] as number;
const range = (count: number, of: (i: number) => number) => Array.from({ length: count }, (_, i) => of(i));
const total = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0);

const recipes: Readonly<Record<string, Recipe>> = {
  "causal-softmax": {
    dims: { heads: 2, queries: 3, keys: 6 },
    fill: { first: () => 2 },
    element: ({ scores }, i) => {
      const [row, key] = [Math.floor(i / 6), i % 6];
      const seen = 2 + (row % 3) + 1;
      const powers = range(seen, (k) => Math.exp(at(scores, row * 6 + k)));
      return key < seen ? at(powers, key) / total(powers) : 0;
    },
  },
  "channel-affine": {
    dims: { batch: 2, channels: 3, height: 2, width: 5 },
    element: ({ x, scale, shift }, i) => {
      const channel = Math.floor(i / 10) % 3;
      return Math.max(0, at(x, i) * at(scale, channel) + at(shift, channel));
    },
  },
  "cross-entropy": {
    dims: { tokens: 4, classes: 7 },
    fill: { label: (_, i) => (3 * i) % 7 },
    element: ({ logits, label }, i) => {
      const row = range(7, (k) => at(logits, 7 * i + k));
      const all = Math.log(total(row.map(Math.exp)));
      return all - 0.9 * at(row, at(label, i)) - 0.1 * (total(row) / 7);
    },
  },
  dequantize: {
    dims: { rows: 3, columns: 8 },
    element: ({ q, scale, zero }, i) => {
      const row = Math.floor(i / 8);
      return (at(q, i) - at(zero, row)) * at(scale, row);
    },
  },
  "padding-mean": {
    dims: { batch: 2, tokens: 5, width: 3 },
    fill: { length: (_, i) => [2, 5][i] as number },
    element: ({ x, length }, i) => {
      const [sequence, column] = [Math.floor(i / 3), i % 3];
      const count = at(length, sequence);
      return total(range(count, (k) => at(x, (sequence * 5 + k) * 3 + column))) / count;
    },
  },
  "quantize-f8": {
    dims: { rows: 3, columns: 9 },
    element: ({ x }, i) => {
      const row = range(9, (k) => at(x, 9 * Math.floor(i / 9) + k));
      const scaled = at(x, i) / (Math.max(...row.map(Math.abs)) / 448);
      const distance = (value: number) => Math.abs(value - scaled);
      return float8.f8e4m3.values.reduce((best, value) => (distance(value) < distance(best) ? value : best), 0);
    },
  },
  rope: {
    dims: { tokens: 4, heads: 2 },
    fill: { first: () => 3 },
    element: ({ x }, i) => {
      const [token, place] = [Math.floor(i / 128), i % 64];
      const angle = (3 + token) * 10000 ** (-(place % 32) / 32);
      const other = place < 32 ? -at(x, i + 32) : at(x, i - 32);
      return at(x, i) * Math.cos(angle) + other * Math.sin(angle);
    },
    // The angle is a number of 32 bits, too.
    tolerance: 1e-5,
  },
  swiglu: {
    dims: { rows: 2 },
    element: ({ x }, i) => {
      const [row, column] = [Math.floor(i / 256), i % 256];
      const gate = at(x, 512 * row + column);
      return (gate / (1 + Math.exp(-gate))) * at(x, 512 * row + 256 + column);
    },
  },
};

const read = (name: string) => readFileSync(`examples/recipes/${name}.tir`, "utf8");

function prepared(name: string) {
  const { dims, fill = {} } = recipes[name] as Recipe;
  const module = parse(read(name));
  const fn = module.fns[0] as Fn;
  return { module, fn, inputs: inputsFor(fn, dims, { fill }) };
}

test("every recipe is among them, and on the page", () => {
  const files = readdirSync("examples/recipes");
  expect(files).toEqual(Object.keys(recipes).map((name) => `${name}.tir`));
  const page = readFileSync("docs/recipes.md", "utf8");
  for (const file of files) expect(page).toContain(`<!-- example examples/recipes/${file} -->`);
});

describe.each(Object.keys(recipes))("%s", (name) => {
  const { element, tolerance = 2e-6 } = recipes[name] as Recipe;

  test("computes its formula", () => {
    const { fn, inputs } = prepared(name);
    const tensors = tensorsOf(inputs);
    const numbers = Object.fromEntries(Object.entries(tensors).map(([key, { data }]) => [key, data]));
    const [result] = Object.values(interpret(fn, tensors));
    const got = Array.from(result?.data ?? []);
    expect(got.length).toBeGreaterThan(3);
    for (const [i, value] of got.entries()) expect(value, `element ${i}`).toBeCloseTo(element(numbers, i), 10);
  });

  gpuTest("is one kernel", async ({ gpu: { device, target } }) => {
    const { module, fn, inputs } = prepared(name);
    const { kernels } = compile(module, { target });
    expect(kernels).toHaveLength(1);
    const { errors } = await compareKernel(device, kernels[0] as Kernel, fn, inputs);
    for (const error of Object.values(errors)) expect(error).toBeLessThanOrEqual(tolerance);
  });
});

/** Random bits are those of Threefry-2x32, wherever they are computed, and dropout drops the same forward and backward. */

import { expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { gradient } from "../../src/driver/gradient.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { threefry2x32 } from "../../src/ir/ops/threefry.ts";
import { parse } from "../../src/parse/parse.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import { gpuTest } from "../support/gpu.ts";

/** Random123, `tests/kat_vectors`: threefry2x32 20. Counter, key, result. */
const known = [
  [
    [0x00000000, 0x00000000],
    [0x00000000, 0x00000000],
    [0x6b200159, 0x99ba4efe],
  ],
  [
    [0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x1cb996fc, 0xbb002be7],
  ],
  [
    [0x243f6a88, 0x85a308d3],
    [0x13198a2e, 0x03707344],
    [0xc4923a9c, 0x483df7a0],
  ],
] as const;

test.each(known)("%o, %o", (counter, key, want) => {
  expect(threefry2x32(counter, key)).toEqual(want);
});

gpuTest.for(known)("in kernels: %o, %o", async ([[position, offset], [seed, stream], [want]], { gpu }) => {
  // Read by vectors of four, and one by one.
  for (const n of [8, 1]) {
    const text = `fn f(position: u32[n, ${n}], offset: u32, seed: u32[n, 1]) -> (y: u32[n, ${n}]) {
  return random_bits(position, offset, seed, stream = ${stream})
}`;
    const { kernels } = compile(parse(text), { target: gpu.target });
    const tensors = { position: new Uint32Array(n).fill(position), offset, seed: Uint32Array.of(seed) };
    const { outputs } = await runKernel(gpu.device, kernels[0] as (typeof kernels)[0], tensors, { n: 1 });
    expect(Array.from(outputs.y?.data as Uint32Array)).toEqual(new Array(n).fill(want));
  }
});

const text = `fn f(x: f32[rows, 24], seed: u32, step: u32) -> (y: f32[rows, 24]) {
  return dropout(x, seed, step, p = 0.25)
}`;
const module = parse(text);
const rows = 50;
const number = (element: "u32", value: number) => ({ element, shape: [], data: Float64Array.of(value) });
const inputs = {
  x: { element: "f32", shape: [rows, 24], data: new Float64Array(rows * 24).fill(3) },
  seed: number("u32", 4294967291),
  step: number("u32", 17),
} as const;

/** What stays, from the definition. */
const kept = Array.from({ length: rows * 24 }, (_, i) => threefry2x32([i, 17], [4294967291, 0])[0] >= 2 ** 30);

test("a quarter is dropped, and the gradient goes where the value did", () => {
  const dropped = kept.filter((is) => !is).length;
  // Within three standard deviations.
  expect(Math.abs(dropped - 300)).toBeLessThan(3 * Math.sqrt(1200 * 0.25 * 0.75));
  const { y } = interpret(module.fns[0] as Fn, inputs);
  expect(Array.from(y?.data ?? [])).toEqual(kept.map((is) => (is ? 4 : 0)));
  const { backward } = gradient(module, { wrt: ["x"] }).functions[0] as { backward: Fn };
  const d_y = { ...inputs.x, data: new Float64Array(rows * 24).fill(6) };
  expect(backward.params.map(({ name }) => name)).toEqual(["x", "seed", "step", "d_y"]);
  const { d_x } = interpret(backward, { ...inputs, d_y });
  expect(Array.from(d_x?.data ?? [])).toEqual(kept.map((is) => (is ? 8 : 0)));
});

gpuTest("one kernel drops the same on a device, in any number of rows", async ({ gpu }) => {
  const { kernels } = compile(module, { target: gpu.target, verify: "exact" });
  expect(kernels).toHaveLength(1);
  for (const count of [1, rows]) {
    const x = new Float32Array(count * 24).fill(3);
    const given = { x, seed: 4294967291, step: 17 };
    const { outputs } = await runKernel(gpu.device, kernels[0] as (typeof kernels)[0], given);
    expect(Array.from(outputs.y?.data as Float32Array)).toEqual(kept.slice(0, count * 24).map((is) => (is ? 4 : 0)));
  }
});

// Which elements are dropped depends neither on the other ops of the kernel nor on its schedule.
gpuTest.for([
  ["behind a norm", "x: f32[rows, 24]", "dropout(rmsnorm(x, axes = [-1]), seed, step, p = 0.25)"],
  ["read in another order", "x: f32[24, rows]", "dropout(transpose(x, perm = [1, 0]), seed, step, p = 0.25)"],
  [
    "of named extents",
    "x: f32[1, rows, columns]",
    "reshape(dropout(x, seed, step, p = 0.25), shape = [rows, columns])",
  ],
  [
    "cut and joined again",
    "x: f32[rows, 24]",
    "concat(slice(dropout(x, seed, step, p = 0.25), axis = 1, start = 0, end = 7), slice(dropout(x, seed, step, p = 0.25), axis = 1, start = 7, end = 24), axis = 1)",
  ],
] as const)("the same elements: %s", async ([, parameter, result], { gpu }) => {
  const named = parameter.includes("columns");
  const module = parse(
    `fn f(${parameter}, seed: u32, step: u32) -> (y: f32[rows, ${named ? "columns" : 24}]) { return ${result} }`,
  );
  const { kernels } = compile(module, { target: gpu.target });
  expect(kernels).toHaveLength(1);
  const given = { x: new Float32Array(rows * 24).fill(3), seed: 4294967291, step: 17 };
  const { outputs } = await runKernel(gpu.device, kernels[0] as (typeof kernels)[0], given, {
    rows,
    ...(named && { columns: 24 }),
  });
  expect(Array.from(outputs.y?.data as Float32Array, (value) => value !== 0)).toEqual(kept);
});

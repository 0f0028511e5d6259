/** Halves in and out of kernels: all 65536, and numbers between them, with and without the feature `shader-f16`. */

import { expect } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { fromFloat16Bits, toFloat16Bits } from "../../src/ir/float16.ts";
import { parse } from "../../src/parse/parse.ts";
import { fromNumbers, type HostTensor } from "../../src/runtime/host-tensor.ts";
import type { OpenedDevice } from "../../src/runtime/node.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import type { TargetProfile } from "../../src/target/target.ts";
import { driverTest } from "../support/gpu.ts";

const all = Array.from({ length: 65536 }, (_, bits) => fromFloat16Bits(bits));
const float = new Float32Array(1);
const word = new Int32Array(float.buffer);
/** The f32 `steps` away from a number that is not 0. */
function neighbour(x: number, steps: number): number {
  float[0] = x;
  word[0] = (word[0] as number) + steps;
  return float[0] as number;
}

/** Halves, their midpoints, and the f32 next to these; far beyond both ends; all with both signs. */
const between = [
  ...all.slice(0, 0x7c00).flatMap((low, bits) => {
    const middle = (low + (bits === 0x7bff ? 65536 : (all[bits + 1] as number))) / 2;
    return [low, neighbour(middle, -1), middle, neighbour(middle, 1)];
  }),
  ...[65504, 65519.99, 65520, 65536, 7e4, 1e5, 3e38, Infinity, 2 ** -24, 2 ** -25, neighbour(2 ** -25, 1), 2 ** -26],
  ...[1e-20, 2 ** -126, 2 ** -149, 0],
].map(Math.fround);

/** The targets that a device takes: without `shader-f16`, and with it where it has it. */
function targetsOf({ target }: OpenedDevice): TargetProfile[] {
  const packed = { ...target, features: target.features.filter((feature) => feature !== "shader-f16") };
  return target.features.includes("shader-f16") ? [packed, target] : [packed];
}

/** The bits that the kernel stores, NaN as one of them. */
async function halvesOf(gpu: OpenedDevice, target: TargetProfile, text: string, x: HostTensor): Promise<number[]> {
  const [kernel] = compile(parse(text), { target }).kernels;
  if (kernel === undefined) throw new Error("no kernel");
  const { outputs } = await runKernel(gpu.device, kernel, { x });
  return [...((outputs.out0 as HostTensor).data as Uint16Array)].map(canonical);
}

/** Any NaN is as good as another. */
const canonical = (bits: number) => ((bits & 0x7fff) > 0x7c00 ? 0x7e00 : bits);

function expectHalves(got: readonly number[], numbers: readonly number[], what: string): void {
  const wrong = got.flatMap((bits, i) => {
    const want = toFloat16Bits(numbers[i] as number);
    return bits === want ? [] : [`${numbers[i]}: 0x${bits.toString(16)}, not 0x${want.toString(16)}`];
  });
  expect(wrong.slice(0, 5), what).toEqual([]);
  expect(got.length).toBe(numbers.length);
}

/** Widths of 4, 2 and 1, by the row's length. */
const columns = [8, 6, 5];

driverTest("all halves come out as they went in", async (gpu) => {
  for (const target of targetsOf(gpu)) {
    for (const n of columns) {
      const rows = Math.ceil(all.length / n);
      const numbers = Array.from({ length: rows * n }, (_, i) => all[i % all.length] as number);
      const program = `fn f(x: f16[${rows}, ${n}]) -> f16[${rows}, ${n}] { return transpose(x, perm = [0, 1]) }`;
      const got = await halvesOf(gpu, target, program, fromNumbers("f16", [rows, n], numbers));
      expectHalves(got, numbers, `${target.features} ${n} columns`);
    }
  }
});

driverTest("what is stored is the nearest half", async (gpu) => {
  const numbers = [...between, ...between.map((x) => -x), NaN];
  for (const target of targetsOf(gpu)) {
    for (const n of columns) {
      const rows = Math.ceil(numbers.length / n);
      const padded = Array.from({ length: rows * n }, (_, i) => numbers[i % numbers.length] as number);
      const program = `fn f(x: f32[${rows}, ${n}]) -> f16[${rows}, ${n}] { return cast(x, to = f16) }`;
      const got = await halvesOf(gpu, target, program, fromNumbers("f32", [rows, n], padded));
      expectHalves(got, padded, `${target.features}, ${n} columns`);
    }
  }
});

/** What f16 arithmetic gives without a cast: computed in f32, rounded by the store. */
driverTest("an element that overflows is an infinity, and leaves its neighbour alone", async (gpu) => {
  const cases: [text: string, x: number[], y: number[]][] = [
    ["exp(x)", [100, 0], [Infinity, 1]],
    ["exp(x)", [0, 100, 0, -100, 100], [1, Infinity, 1, 0, Infinity]],
    ["x * 2", [60000, 1, -60000, 3], [Infinity, 2, -Infinity, 6]],
    ["x * 1", [Infinity, 0, 1, -Infinity], [Infinity, 0, 1, -Infinity]],
    ["x + 40000", [40000, 0, -40000, 30000], [Infinity, 40000, 0, Infinity]],
  ];
  for (const target of targetsOf(gpu)) {
    for (const [expression, x, y] of cases) {
      const program = `fn f(x: f16[${x.length}]) -> f16[${x.length}] { return ${expression} }`;
      const got = await halvesOf(gpu, target, program, fromNumbers("f16", [x.length], x));
      expectHalves(got, y, `${expression}, ${target.features}`);
    }
  }
});

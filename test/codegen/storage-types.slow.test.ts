/** bf16, i8 and u8 in and out of kernels: all their values, numbers between these, and words shared by lanes. */

import { describe, expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { compile, optimize } from "../../src/driver/compile.ts";
import { fromBfloat16Bits, toBfloat16Bits } from "../../src/ir/float16.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { parse } from "../../src/parse/parse.ts";
import { fromNumbers, type HostTensor } from "../../src/runtime/host-tensor.ts";
import type { OpenedDevice } from "../../src/runtime/node.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import { builtinTargets, portableTarget } from "../../src/target/target.ts";
import { driverTest } from "../support/gpu.ts";

/** A bfloat16 is the f32 whose lower bits are zeros. */
function bfloatOf(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits);
  return view.getFloat32(0);
}

/** The bfloat16 nearest to a number, found among its neighbours: of two that are as near the one whose last bit is 0. */
function nearest(value: number): number {
  if (Number.isNaN(value)) return Number.NaN;
  const size = Math.abs(value);
  let [low, high] = [0, 0x7f80];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (bfloatOf(middle) <= size) low = middle;
    else high = middle;
  }
  // Beyond the largest number, infinity stands for the next one, 2^128.
  const above = high === 0x7f80 ? 2 ** 128 : bfloatOf(high);
  if (size === Infinity) return value;
  const [below, rest] = [size - bfloatOf(low), above - size];
  const bits = below < rest || (below === rest && low % 2 === 0) ? low : high;
  return Math.sign(value) * bfloatOf(bits);
}

const everyBfloat = Array.from({ length: 65536 }, (_, bits) => bfloatOf(bits));
const isNormal = (x: number) => x === 0 || Math.abs(x) >= 2 ** -126;

/** A sample of numbers, their midpoints, and the f32 next to these; both ends. */
const between = [
  ...Array.from({ length: 2000 }, (_, i) => 0x80 + i * 16).flatMap((bits) => {
    const [low, high] = [bfloatOf(bits), bfloatOf(bits + 1)];
    const middle = (low + high) / 2;
    return [low, middle, middle * (1 + 2 ** -23), middle * (1 - 2 ** -23)].map(Math.fround);
  }),
  ...[3.39e38, 3.3961e38, 3.4e38, Infinity, 2 ** -126, 0].map(Math.fround),
];

describe("bfloat16 on the host", () => {
  test("has the upper half of an f32's bits", () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = fromBfloat16Bits(bits);
      expect(Object.is(value, bfloatOf(bits)) || Number.isNaN(value), String(bits)).toBe(true);
      if (!Number.isNaN(value)) expect(toBfloat16Bits(value)).toBe(bits);
    }
    expect(toBfloat16Bits(Number.NaN)).toBe(0x7fc0);
  });

  test("is the nearest, to even between two, of float64 too", () => {
    // The last is above a midpoint by less than an f32 can represent.
    const numbers = [...between, 2 ** -133, 2 ** -134, 1.5 * 2 ** -133, 2 ** -140, 1 + 2 ** -8 + 2 ** -40];
    for (const value of [...numbers, ...numbers.map((x) => -x)]) {
      expect(fromBfloat16Bits(toBfloat16Bits(value)), String(value)).toBe(nearest(value));
    }
  });
});

/** Widths of 4, 2 and 1, by the row's length. */
const columns = [8, 6, 5];

async function resultOf(gpu: OpenedDevice, text: string, inputs: Readonly<Record<string, HostTensor>>) {
  const [kernel] = compile(parse(text), { target: gpu.target }).kernels;
  if (kernel === undefined) throw new Error("no kernel");
  const { outputs } = await runKernel(gpu.device, kernel, inputs);
  return Array.from((outputs.out0 as HostTensor).data);
}

/** The numbers again and again, until rows of `n` are full. */
function rowsOf(
  element: "f32" | "bf16" | "i8" | "u8" | "i32" | "u32",
  numbers: readonly number[],
  n: number,
): HostTensor {
  const rows = Math.ceil(numbers.length / n);
  return fromNumbers(
    element,
    [rows, n],
    Array.from({ length: rows * n }, (_, i) => numbers[i % numbers.length] as number),
  );
}

function program(from: string, to: string, [rows, n]: readonly number[], expression: string): string {
  return `fn f(x: ${from}[${rows}, ${n}]) -> ${to}[${rows}, ${n}] { return ${expression} }`;
}

driverTest("all bfloat16 are loaded and stored as they are", async (gpu) => {
  const numbers = everyBfloat.filter((x) => !Number.isNaN(x) && isNormal(x));
  for (const n of columns) {
    const x = rowsOf("bf16", numbers, n);
    expect(await resultOf(gpu, program("bf16", "bf16", x.shape, "transpose(x, perm = [0, 1])"), { x })).toEqual(
      Array.from(x.data),
    );
    const wide = await resultOf(gpu, program("bf16", "f32", x.shape, "cast(x, to = f32)"), { x });
    expect(wide).toEqual(Array.from(x.data, bfloatOf));
  }
});

driverTest("what is stored is the nearest bfloat16, and a NaN stays one", async (gpu) => {
  const numbers = [...between, ...between.map((x) => -x)];
  for (const n of columns) {
    const x = rowsOf("f32", numbers, n);
    const got = await resultOf(gpu, program("f32", "bf16", x.shape, "cast(x, to = bf16)"), { x });
    expect(got.map(bfloatOf)).toEqual(Array.from(x.data, nearest));
  }
  const nan = fromNumbers("f32", [2], [Number.NaN, 1]);
  const [first, second] = await resultOf(gpu, "fn f(x: f32[2]) -> bf16[2] { return cast(x, to = bf16) }", { x: nan });
  expect([bfloatOf(first as number), bfloatOf(second as number)]).toEqual([Number.NaN, 1]);
});

const bytes = { i8: [-128, 127, "i32"], u8: [0, 255, "u32"] } as const;

driverTest("all bytes are loaded with their sign and stored", async (gpu) => {
  for (const element of ["i8", "u8"] as const) {
    const [least, most, wide] = bytes[element];
    const numbers = Array.from({ length: 256 }, (_, i) => least + i);
    expect(numbers.at(-1)).toBe(most);
    for (const n of columns) {
      const x = rowsOf(element, numbers, n);
      expect(await resultOf(gpu, program(element, wide, x.shape, `cast(x, to = ${wide})`), { x })).toEqual([...x.data]);
      const moved = await resultOf(gpu, program(element, element, x.shape, "flip(x, axis = -1)"), { x });
      const flipped = Array.from(x.data, (_, i) => x.data[i - (i % n) + n - 1 - (i % n)]);
      expect(moved).toEqual(flipped);
    }
  }
});

driverTest("what a byte does not hold becomes its end, and NaN 0", async (gpu) => {
  const floats = [-1e9, -129, -128.9, -128, -1.9, -0.5, 0, 0.5, 1.9, 127, 127.9, 128, 254.9, 255, 256, 1e9, Infinity];
  const whole = floats.map((x) => Math.trunc(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, x))));
  for (const element of ["i8", "u8"] as const) {
    const [least, most] = bytes[element];
    const ends = (x: number) => Math.max(least, Math.min(most, Math.trunc(x)));
    for (const n of columns) {
      for (const [from, numbers] of [
        ["f32", [...floats, -Infinity]],
        ["i32", whole],
        ["u32", whole.map(Math.abs)],
      ] as const) {
        const x = rowsOf(from, numbers, n);
        const got = await resultOf(gpu, program(from, element, x.shape, `cast(x, to = ${element})`), { x });
        expect(got, `${from} to ${element}`).toEqual(Array.from(x.data, (value) => ends(value) + 0));
      }
    }
    const x = fromNumbers("f32", [3], [Number.NaN, 7, Number.NaN]);
    expect(await resultOf(gpu, `fn f(x: f32[3]) -> ${element}[3] { return cast(x, to = ${element}) }`, { x })).toEqual([
      0, 7, 0,
    ]);
  }
});

driverTest("scalars of narrow types are numbers in the uniform buffer", async (gpu) => {
  const x = fromNumbers("i32", [3], [1, 2, 3]);
  const text =
    "fn f(x: i32[3], k: i8, b: bf16) -> f32[3] { return cast(x * cast(k, to = i32), to = f32) + cast(b, to = f32) }";
  const scalars = { k: fromNumbers("i8", [], [-100]), b: fromNumbers("bf16", [], [0.5]) };
  expect(await resultOf(gpu, text, { x, ...scalars })).toEqual([-99.5, -199.5, -299.5]);
});

test("kernels of narrow types are proved at each width", () => {
  const texts = columns.flatMap((n) => [
    `fn f(x: f32[rows, ${n}]) -> (q: i8[rows, ${n}], s: f32[rows, 1]) {
  let s = max(abs(x), axes = [-1], keepdims = true) / 127
  return cast(round(x / s), to = i8), s
}`,
    `fn f(q: u8[rows, ${n}], z: i8[rows, ${n}], s: bf16[rows, 1]) -> bf16[rows, ${n}] {
  return cast(cast(q, to = f32) - cast(z, to = f32), to = bf16) * s
}`,
    `fn f(q: i32[rows, ${n}]) -> u8[rows, ${n}] { return cast(maximum(q, -5), to = u8) }`,
  ]);
  for (const text of texts) {
    const { module } = optimize(parse(text));
    expect(proveKernel(module.fns[0] as Fn, module.consts, portableTarget), text).toMatchObject({ verdict: "equal" });
  }
});

test("bytes are moved, chosen, tested for equality and converted, and nothing else computes with them", () => {
  const computing = Object.entries(ops).filter(([, { kind, elements }]) => {
    return !["shape", "index", "extern"].includes(kind) && (elements as readonly string[]).includes("i8");
  });
  expect(computing.map(([name]) => name).sort()).toEqual(["cast", "constant", "eq", "global", "ne", "where"]);
});

test("lanes write whole words where the rows' length is a multiple of what a word holds", () => {
  for (const target of builtinTargets) {
    for (const [element, n, isAtomic] of [
      ...([
        ["i8", 8, false],
        ["i8", 6, true],
        ["i8", 5, true],
      ] as const),
      ...([
        ["bf16", 8, false],
        ["bf16", 6, false],
        ["bf16", 5, true],
      ] as const),
    ] as const) {
      const text = `fn f(x: f32[rows, ${n}]) -> ${element}[rows, ${n}] {
  return cast(x / max(abs(x), axes = [-1], keepdims = true), to = ${element})
}`;
      const [kernel] = compile(parse(text), { target }).kernels;
      expect(kernel?.wgsl.includes("atomic"), `${element}, ${n} columns, ${target.name}`).toBe(isAtomic);
    }
  }
});

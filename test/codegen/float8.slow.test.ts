/** f8e4m3 and f8e5m2 in and out of kernels, as in ml_dtypes: all their values, ties, and numbers beyond the largest. */

import { describe, expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { compile, optimize } from "../../src/driver/compile.ts";
import { gradient } from "../../src/driver/gradient.ts";
import {
  readSafetensor,
  readSafetensorsHeader,
  type TensorEntry,
  writeSafetensors,
} from "../../src/formats/safetensors.ts";
import { byteBits } from "../../src/ir/float8.ts";
import { isBeyond } from "../../src/ir/float16.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { parse } from "../../src/parse/parse.ts";
import { fromNumbers, type HostTensor, toNumbers } from "../../src/runtime/host-tensor.ts";
import type { OpenedDevice } from "../../src/runtime/node.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import { builtinTargets, portableTarget, type TargetProfile } from "../../src/target/target.ts";
import { allTargets, compileText, targetsFor } from "../support/compile.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { float8 } from "../support/float8.ts";
import { driverTest } from "../support/gpu.ts";
import { compareKernel, inputsFor } from "../support/oracle.ts";

const elements = ["f8e4m3", "f8e5m2"] as const;
type Element = (typeof elements)[number];

/** What has no finite code: the number that a conversion gives instead. */
const beyond = {
  f8e4m3: [464, 464.1, 1e9, 3.4e38, Infinity].map((x) => [x, 448]),
  f8e5m2: [...[61440, 1e9, 3.4e38].map((x) => [x, 57344]), [Infinity, Infinity]],
} as const satisfies Record<Element, readonly (readonly number[])[]>;
const bothSigns = (numbers: readonly number[]) => numbers.flatMap((x) => [x, -x]);

describe.each(elements)("%s on the host", (element) => {
  const { values, samples } = float8[element];
  const { from, to } = byteBits[element];

  test("every code is the number that ml_dtypes has", () => {
    for (const [code, value] of values.entries()) {
      expect(from(code), String(code)).toBe(value);
      if (!Number.isNaN(value)) expect(to(value), String(value)).toBe(code);
    }
    expect(from(to(Number.NaN))).toBe(Number.NaN);
  });

  test("every number becomes the code that ml_dtypes gives it", () => {
    expect(samples.length).toBeGreaterThan(3000);
    for (const [number, code] of samples) expect(to(number), String(number)).toBe(code);
  });

  test("what is beyond the largest number saturates, and is out of range", () => {
    for (const [number, want] of beyond[element] as readonly (readonly [number, number])[]) {
      expect([from(to(number)), from(to(-number))]).toEqual([want, -want]);
      expect(isBeyond(element, number)).toBe(number !== want);
    }
  });
});

test("safetensors has their bytes, under its names", () => {
  const data = Uint8Array.from({ length: 256 }, (_, code) => code);
  for (const [element, dtype] of [
    ["f8e4m3", "F8_E4M3"],
    ["f8e5m2", "F8_E5M2"],
  ] as const) {
    const bytes = writeSafetensors([{ name: "w", tensor: { element, shape: [16, 16], data } }]);
    const file = { size: bytes.length, read: (start: number, length: number) => bytes.subarray(start, start + length) };
    const entry = readSafetensorsHeader(file, "m").get("w") as TensorEntry;
    expect(entry).toMatchObject({ type: dtype, shape: [16, 16], length: 256 });
    expect(bytes.subarray(entry.start)).toEqual(data);
    expect([...readSafetensor(file, "m", "w", entry).numbers]).toEqual(float8[element].values);
  }
});

/** Widths of 4, 2 and 1, by the row's length. */
const columns = [8, 6, 5];

async function resultOf(gpu: OpenedDevice, text: string, x: HostTensor): Promise<HostTensor> {
  const [kernel] = compile(parse(text), { target: gpu.target }).kernels;
  if (kernel === undefined) throw new Error("no kernel");
  const { outputs } = await runKernel(gpu.device, kernel, { x });
  return outputs.out0 as HostTensor;
}

/** The numbers in rows of `n`, the last filled with zeros. */
function rowsOf(element: "f32" | Element, numbers: readonly number[], n: number): HostTensor {
  const rows = Math.ceil(numbers.length / n);
  const all = Array.from({ length: rows * n }, (_, i) => numbers[i] ?? 0);
  return fromNumbers(element, [rows, n], all);
}

const program = (from: string, to: string, [rows, n]: readonly number[], expression: string) =>
  `fn f(x: ${from}[${rows}, ${n}]) -> ${to}[${rows}, ${n}] { return ${expression} }`;

driverTest("all 256 codes are loaded as their numbers", async (gpu) => {
  for (const element of elements) {
    for (const n of columns) {
      const codes = Uint8Array.from({ length: Math.ceil(256 / n) * n }, (_, i) => i % 256);
      const x: HostTensor = { element, shape: [codes.length / n, n], data: codes };
      const wide = await resultOf(gpu, program(element, "f32", x.shape, "cast(x, to = f32)"), x);
      expect(Array.from(wide.data)).toEqual(Array.from(codes, (code) => float8[element].values[code]));
    }
  }
});

driverTest("all numbers are moved as they are, and a NaN stays one", async (gpu) => {
  for (const element of elements) {
    for (const n of columns) {
      const x = rowsOf(element, float8[element].values, n);
      const moved = await resultOf(gpu, program(element, element, x.shape, "flip(x, axis = -1)"), x);
      const numbers = toNumbers(x);
      const flipped = Array.from(numbers, (_, i) => numbers[i - (i % n) + n - 1 - (i % n)]);
      expect(Array.from(toNumbers(moved))).toEqual(flipped);
    }
  }
});

driverTest("what is stored has the code that ml_dtypes gives it, or saturates", async (gpu) => {
  for (const element of elements) {
    const { samples } = float8[element];
    const ends = beyond[element] as readonly (readonly [number, number])[];
    const numbers = [...samples.map(([number]) => number), ...bothSigns(ends.map(([number]) => number)), Number.NaN];
    const { to } = byteBits[element];
    const codes = [...samples.map(([, code]) => code), ...bothSigns(ends.map(([, want]) => want)).map(to)];
    for (const n of columns) {
      const x = rowsOf("f32", numbers, n);
      const got = await resultOf(gpu, program("f32", element, x.shape, `cast(x, to = ${element})`), x);
      expect(Array.from(got.data).slice(0, codes.length)).toEqual(codes);
      expect(toNumbers(got)[codes.length]).toBe(Number.NaN);
    }
  }
});

driverTest("a cast rounds in the middle of a kernel as it does at the end", async (gpu) => {
  for (const element of elements) {
    const { samples, values } = float8[element];
    const x = rowsOf(
      "f32",
      samples.map(([number]) => number),
      8,
    );
    const round = `cast(cast(x, to = ${element}), to = f32) * 2`;
    const got = await resultOf(gpu, program("f32", "f32", x.shape, round), x);
    const want = samples.map(([, code]) => 2 * (values[code] as number));
    expect(Array.from(got.data).slice(0, want.length)).toEqual(want);
  }
});

const programs = (n: number) => [
  `fn quantize(x: f32[rows, ${n}]) -> (q: f8e4m3[rows, ${n}], s: f32[rows, 1]) {
  let s = max(abs(x), axes = [-1], keepdims = true) / 448
  return cast(x / s, to = f8e4m3), s
}`,
  `fn dequantize(q: f8e5m2[rows, ${n}], r: f8e4m3[rows, ${n}], s: bf16[rows, 1]) -> bf16[rows, ${n}] {
  return cast(cast(q, to = f32) - cast(r, to = f32), to = bf16) * s
}`,
  `fn choose(x: f8e5m2[rows, ${n}], k: f8e5m2) -> f8e5m2[rows, ${n}] { return where(x == k, 0.5, x) }`,
  `fn convert(x: f8e4m3[rows, ${n}], h: f16[rows, ${n}]) -> (a: f8e5m2[rows, ${n}], b: f8e4m3[rows, ${n}], c: i32[rows, ${n}]) {
  return cast(x, to = f8e5m2), cast(h, to = f8e4m3), cast(x, to = i32)
}`,
];

test("kernels are proved at each width", () => {
  for (const text of columns.flatMap(programs)) {
    const { module } = optimize(parse(text));
    expect(proveKernel(module.fns[0] as Fn, module.consts, portableTarget), text).toMatchObject({ verdict: "equal" });
  }
});

test.each(allTargets)("kernels for $name are sound", (target) => {
  for (const text of columns.flatMap(programs)) compileText(text, target);
});

driverTest("kernels agree with the interpreter", async (gpu) => {
  for (const [i, text] of columns.flatMap(programs).entries()) {
    const { module } = optimize(parse(text));
    const fn = module.fns[0] as Fn;
    const rounding = i % 2 === 0 ? "late" : "strict";
    const target = targetsFor(gpu.target)[Math.floor(i / 2) % 2] as TargetProfile;
    const [kernel] = compile(parse(text), { target, rounding }).kernels;
    const inputs = inputsFor(fn, { rows: 7 });
    const { errors } = await compareKernel(gpu.device, kernel as NonNullable<typeof kernel>, fn, inputs);
    for (const [name, error] of Object.entries(errors)) expect(error, `${name}\n${text}`).toBeLessThanOrEqual(8e-3);
  }
});

test("no gradient passes through them, as through integers", () => {
  const text =
    "fn f(x: f32[n], w: f8e4m3[n]) -> f32[n] { return x * cast(cast(x, to = f8e5m2), to = f32) + cast(w, to = f32) }";
  const { module } = gradient(parse(text), {});
  const backward = module.fns.find(({ name }) => name === "f_grad");
  expect(backward?.results.map(({ name }) => name)).toEqual(["d_x"]);
  expect(backward?.ops.map(({ name }) => name)).toEqual(["cast", "cast", "mul"]);
  expect(diagnosticsOf(() => gradient(parse(text), { wrt: ["w"] }))[0]).toContain("E0802");
  for (const wrong of ["fn f(x: f8e4m3[n] @centered(-1))", "fn f(x: f8e5m2[4] @trained)"]) {
    expect(diagnosticsOf(() => parse(`${wrong} -> f32 { return 1 }`))[0]).toContain("E0204");
  }
});

test("they are moved, chosen, tested for equality and converted, and nothing else computes with them", () => {
  for (const element of elements) {
    const computing = Object.entries(ops).filter(([, { kind, elements: accepted }]) => {
      return !["shape", "index", "extern"].includes(kind) && (accepted as readonly string[]).includes(element);
    });
    expect(computing.map(([name]) => name).sort()).toEqual(["cast", "constant", "eq", "global", "ne", "where"]);
  }
});

test("lanes write whole words where the rows' length is a multiple of four", () => {
  for (const target of builtinTargets) {
    for (const element of elements) {
      for (const [n, isAtomic] of [
        [8, false],
        [6, true],
        [5, true],
      ] as const) {
        const text = program("f32", element, ["rows", n] as never, `cast(softmax(x, axes = [-1]), to = ${element})`);
        const [kernel] = compile(parse(text), { target }).kernels;
        expect(kernel?.wgsl.includes("atomic"), `${element}, ${n} columns, ${target.name}`).toBe(isAtomic);
      }
    }
  }
});

test("the interpreter rounds a cast as the host does", () => {
  const { fns } = parse("fn f(x: f32[n]) -> f8e4m3[n] { return cast(x, to = f8e4m3) }");
  const x = { element: "f32", shape: [4], data: Float64Array.of(1.0625, 1.1875, -1e6, 2 ** -10) } as const;
  expect(Array.from(interpret(fns[0] as Fn, { x }).out0?.data ?? [])).toEqual([1, 1.25, -448, 0]);
});

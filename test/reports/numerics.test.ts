/**
 * Faults of arithmetic that users of other compilers and runtimes have reported, and inputs that a fuzzer has found here:
 * each with the value that is right, in the interpreter and on both drivers, at -O0 and optimized.
 */

import { describe, expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { fromNumbers, type HostTensor, toNumbers } from "../../src/runtime/host-tensor.ts";
import type { OpenedDevice } from "../../src/runtime/node.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import { driverTest } from "../support/gpu.ts";
import { tensorsOf } from "../support/oracle.ts";

interface Report {
  readonly what: string;
  readonly text: string;
  /** By parameter. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** By result. */
  readonly right: Readonly<Record<string, readonly number[]>>;
  /** Of the largest number of the result, or of 1. */
  readonly tolerance?: number;
  /** The interpreter computes in float64, in which the case does not overflow. */
  readonly kernelOnly?: true;
  readonly accuracy?: "scaled";
  /** A GPU's compiler may assume that there is no NaN, as WGSL allows: that of an H200 does. */
  readonly onNaN?: true;
}

const over = (op: string, columns: number, more = "") =>
  `fn f(x: f32[1, ${columns}]) -> (y: f32[1, ${columns}]) { return ${op}(x, axes = [-1]${more}) }`;
const map = (expression: string, n: number, element = "f32") =>
  `fn f(x: ${element}[${n}]) -> (y: ${element}[${n}]) { return ${expression} }`;
const times = (count: number, value: number) => new Array<number>(count).fill(value);

/** LayerNorm in float64, the variance as its definition has it. */
function layerNorm(row: readonly number[], eps: number): number[] {
  const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
  const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
  return row.map((x) => (x - mean) / Math.sqrt(variance + eps));
}

const noisy = Array.from({ length: 4096 }, (_, i) => 1 + (((i * 2654435761) >>> 16) & 1) * 2 ** -10);
const groups = Array.from({ length: 2 * 68_921 }, (_, i) => Math.fround(Math.sin(i * 0.7) * (i < 68_921 ? 1 : 40) + 3));
const deviation = Math.sqrt(1.5e-6 + 1e-5);

const reports: readonly Report[] = [
  {
    what: "softmax of masked rows (tensorflow/tfjs#5394)",
    text: "fn f(x: f32[2, 4]) -> (y: f32[2, 4]) { return softmax(x, axes = [-1]) }",
    inputs: { x: [-1e9, -1e9, -1e9, -1e9, 1, 2, -1e9, -1e9] },
    right: { y: [0.25, 0.25, 0.25, 0.25, 0.2689414213699951, 0.7310585786300049, 0, 0] },
  },
  {
    what: "softmax where a part of the row is all -inf (tenstorrent/tt-metal#56056)",
    text: over("softmax", 10),
    inputs: { x: [...times(8, -Infinity), 0, 1] },
    right: { y: [...times(8, 0), 0.2689414213699951, 0.7310585786300049] },
  },
  {
    what: "softmax of long rows with a part that is all -inf (microsoft/onnxruntime#24855)",
    text: over("softmax", 600),
    inputs: { x: [...times(598, -Infinity), 0, 1] },
    right: { y: [...times(598, 0), 0.2689414213699951, 0.7310585786300049] },
  },
  {
    what: "softmax of nothing but -inf is NaN (pytorch/pytorch#25110)",
    text: over("softmax", 4),
    inputs: { x: times(4, -Infinity) },
    right: { y: times(4, NaN) },
  },
  {
    what: "gelu of large numbers (pytorch/executorch#22323)",
    text: map('gelu(x, approximate = "tanh")', 6),
    inputs: { x: [-13.24, 13.24, 88, -1e4, 1e4, 1e20] },
    right: { y: [0, 13.24, 88, 0, 1e4, 1e20].map(Math.fround) },
    tolerance: 1e-7,
  },
  {
    what: "tanh and erf of large numbers (gpuweb/gpuweb#4458)",
    text: map("tanh(x) + erf(x) * 2", 6),
    inputs: { x: [-1e20, -88, -13.24, 13.24, 88, 1e20] },
    right: { y: [-3, -3, -3, 3, 3, 3] },
  },
  {
    what: "groups of more than 65535 elements (tinygrad/tinygrad#11782)",
    text: "fn f(x: f32[1, 2, 41, 41, 41]) -> (y: f32[1, 2, 41, 41, 41]) { return groupnorm(x, groups = 2) }",
    inputs: { x: groups },
    right: { y: [...layerNorm(groups.slice(0, 68_921), 1e-5), ...layerNorm(groups.slice(68_921), 1e-5)] },
  },
  {
    what: "eps is scaled with the row (apple/coremltools#2821)",
    text: over("rmsnorm", 4, ", eps = 1e-5"),
    inputs: { x: [1e-3, -1e-3, 2e-3, 0] },
    right: { y: [1e-3, -1e-3, 2e-3, 0].map((x) => x / deviation) },
    accuracy: "scaled",
  },
  {
    what: "rows of zeros stay zeros where rows are scaled (apple/coremltools#2822)",
    text: over("rmsnorm", 4, ", eps = 1e-5"),
    inputs: { x: times(4, 0) },
    right: { y: times(4, 0) },
    accuracy: "scaled",
  },
  {
    what: "rows whose squares overflow (tenstorrent/tt-metal#55159)",
    text: over("rmsnorm", 4, ", eps = 0"),
    inputs: { x: [1e25, -1e25, 2e25, 0].map(Math.fround) },
    right: { y: [1, -1, 2, 0].map((x) => x / Math.sqrt(1.5)) },
    accuracy: "scaled",
  },
  {
    what: "rows whose squares vanish (tenstorrent/tt-metal#55159)",
    text: over("rmsnorm", 4, ", eps = 0"),
    inputs: { x: [1e-25, -1e-25, 2e-25, 0].map(Math.fround) },
    right: { y: [1, -1, 2, 0].map((x) => x / Math.sqrt(1.5)) },
    accuracy: "scaled",
  },
  {
    what: "a row that is constant in f32, far from 0 (intel/torch-xpu-ops#1374)",
    text: over("layernorm", 5, ", eps = 1e-5"),
    inputs: { x: [0, 1, 2, 3, 4].map((x) => Math.fround(1e15 + x)) },
    right: { y: times(5, 0) },
    tolerance: 0,
  },
  {
    what: "LayerNorm of a row with an infinity is NaN (pytorch/pytorch#173885)",
    text: over("layernorm", 4),
    inputs: { x: [1, Infinity, 2, 3] },
    right: { y: times(4, NaN) },
  },
  {
    what: "log(exp(x)) overflows on the way (openxla/xla#42732)",
    text: "fn f(x: f32[2], z: f32[2]) -> (a: f32[2], y: f32[2]) { let e = exp(x)\n  return e, log(e * z) }",
    inputs: { x: [89, 1], z: [1, 1] },
    right: { a: [Infinity, Math.E], y: [Infinity, 1] },
    kernelOnly: true,
  },
  {
    what: "half an overflow: the neighbour in the word keeps its value",
    text: "fn f(x: f32[4]) -> (y: f16[4]) { return cast(x, to = f16) }",
    inputs: { x: [Infinity, 0, 1, -Infinity] },
    right: { y: [Infinity, 0, 1, -Infinity] },
  },
  {
    what: "an overflow to f16",
    text: "fn f(x: f32[5]) -> (y: f16[5]) { return cast(x, to = f16) }",
    inputs: { x: [1e5, 0, 0, 70000, 1] },
    right: { y: [Infinity, 0, 0, Infinity, 1] },
  },
  {
    what: "arithmetic of f16 that overflows (f16-overflow-neighbour.tir)",
    text: map("exp(x)", 2, "f16"),
    inputs: { x: [100, 0] },
    right: { y: [Infinity, 1] },
    kernelOnly: true,
  },
  {
    what: "LayerNorm of f16 sums in f32 (nntrainer/nntrainer#3785)",
    text: "fn f(x: f16[1, 4096]) -> (y: f16[1, 4096]) { return layernorm(x, axes = [-1], eps = 1e-12) }",
    inputs: { x: noisy },
    right: { y: layerNorm(noisy, 1e-12) },
    tolerance: 1e-3,
  },
  {
    what: "a NaN in a row (max-loses-nan.tir)",
    onNaN: true,
    text: `fn f(x: f32[1, 4]) -> (m: f32[1], n: f32[1], r: f32[1, 4], c: f32[1, 4]) {
  return max(x, axes = [-1]), min(x, axes = [-1]), relu(x), clamp(x, -1, 1)
}`,
    inputs: { x: [NaN, 1, 2, 3] },
    right: { m: [NaN], n: [NaN], r: [NaN, 1, 2, 3], c: [NaN, 1, 1, 1] },
  },
  {
    what: "the usual test for NaN (not-equal-nan.tir)",
    text: map("where(x != x, 0, x)", 2),
    inputs: { x: [NaN, 1] },
    right: { y: [0, 1] },
  },
  {
    what: "remainders of large quotients (rem-larger-than-divisor.tir)",
    text: "fn f(x: f32[4], z: f32[4]) -> (y: f32[4]) { return x % z }",
    inputs: { x: [1e9, 1e8, 100, -1e9], z: [7, 7, Math.fround(0.1), 7] },
    right: { y: [6, 2, 100 % Math.fround(0.1), -6] },
    tolerance: 0,
  },
  {
    what: "sines far from 0 (sin-beyond-one.tir)",
    text: "fn f(x: f32[5]) -> (s: f32[5], c: f32[5]) { return sin(x), cos(x) }",
    inputs: { x: [1e6, 1e7, 1e9, -1e9, Math.fround(3e38)] },
    right: {
      s: [
        -0.34999350217129294,
        0.4205477931907825,
        0.5458434494486996,
        -0.5458434494486996,
        Math.sin(Math.fround(3e38)),
      ],
      c: [0.9367521275331447, -0.9072703861817396, 0.8378871813639024, 0.8378871813639024, Math.cos(Math.fround(3e38))],
    },
    tolerance: 4e-7,
  },
  {
    what: "softmax without a maximum is left as written (softmax-raised-loses-nan.tir)",
    text: `fn f(x: f32[1, 2]) -> (y: f32[1, 2]) {
  let e = exp(x)
  return e / sum(e, axes = [-1], keepdims = true)
}`,
    inputs: { x: [1000, 1] },
    right: { y: [NaN, 0] },
  },
  {
    what: "a cast of f16 to f16 rounds (cast-f16-to-f16.tir)",
    text: `fn f(x: f16[1, 4]) -> (y: bool[1, 4]) {
  let y = x / 3
  return y == cast(y, to = f16)
}`,
    inputs: { x: [1, 2, 4, 5] },
    right: { y: times(4, 0) },
  },
  {
    what: "softmax of a row with a NaN or an infinity",
    text: "fn f(x: f32[2, 600]) -> (y: f32[2, 600]) { return softmax(x, axes = [-1]) }",
    inputs: { x: [NaN, ...times(600, 1), Infinity, ...times(598, 2)] },
    right: { y: times(1200, NaN) },
  },
  ...["layernorm", "rmsnorm", "center", "softmax", "log_softmax", "l2norm"].map(
    (op): Report => ({
      what: `${op} of one column`,
      onNaN: true as const,
      text: `fn f(x: f32[2, 1]) -> (y: f32[2, 1]) { return ${op}(x, axes = [-1]) }`,
      inputs: { x: [NaN, Infinity] },
      right: { y: [NaN, NaN] },
    }),
  ),
  ...["3", "rows"].map(
    (rows): Report => ({
      what: `rows of length 0, ${rows} of them`,
      text: `fn f(x: f32[${rows}, 0]) -> (s: f32[${rows}], p: f32[${rows}], m: f32[${rows}], a: f32[${rows}]) {
  return sum(x, axes = [-1]), prod(x, axes = [-1]), max(x, axes = [-1]), mean(x, axes = [-1])
}`,
      inputs: { x: [] },
      right: { s: times(3, 0), p: times(3, 1), m: times(3, -Infinity), a: times(3, NaN) },
    }),
  ),
];

const fnOf = (text: string) => parse(text).fns[0] as Fn;

function inputsOf({ text, inputs }: Report): Record<string, HostTensor> {
  const params = fnOf(text).params.map(({ name, element, shape }) => {
    const extents = shape.map((dim) => (typeof dim === "number" ? dim : 3));
    return [name as string, fromNumbers(element, extents, inputs[name as string] as number[])] as const;
  });
  return Object.fromEntries(params);
}

function expectRight({ right, tolerance = 2e-6 }: Report, got: Readonly<Record<string, ArrayLike<number>>>): void {
  for (const [name, numbers] of Object.entries(right)) {
    const largest = numbers.reduce((most, x) => (Math.abs(x) < Infinity ? Math.max(most, Math.abs(x)) : most), 1);
    const found = Array.from(got[name] as ArrayLike<number>);
    const wrong = numbers.flatMap((want, i) => {
      const value = found[i] as number;
      const isSame = value === want || (Number.isNaN(value) && Number.isNaN(want));
      return isSame || Math.abs(value - want) <= tolerance * largest ? [] : [`${name}[${i}] is ${value}, not ${want}`];
    });
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(found.length).toBe(numbers.length);
  }
}

async function runOn(gpu: OpenedDevice, report: Report, passes: string): Promise<Record<string, ArrayLike<number>>> {
  const { kernels } = compile(parse(report.text), { target: gpu.target, accuracy: report.accuracy, passes });
  const { outputs } = await runKernel(gpu.device, kernels[0] as (typeof kernels)[number], inputsOf(report));
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, toNumbers(output)]));
}

describe.each(reports.map((report) => [report.what, report] as const))("%s", (_, report) => {
  test.skipIf(report.kernelOnly)("in the interpreter (skipped where float64 does not overflow)", () => {
    const results = interpret(fnOf(report.text), tensorsOf(inputsOf(report)));
    expectRight(report, Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data])));
  });

  driverTest("in a kernel", async (gpu, driver, skip) => {
    if (driver === "hardware" && report.onNaN) skip("a GPU's compiler may assume that there is no NaN");
    for (const passes of ["fuse-elementwise", "default"]) expectRight(report, await runOn(gpu, report, passes));
  });
});

test.each([
  ["nan", "NaN"],
  ["inf", "Infinity"],
  ["-1e-5", "-0.00001"],
])("eps = %s is refused (eps-nan.tir)", (eps, shown) => {
  const text = `fn f(x: f32[1, 4]) -> f32[1, 4] { return l2norm(x, axes = [-1], eps = ${eps}) }`;
  expect(() => parse(text)).toThrow(
    `error[E0211]: \`eps\` of \`l2norm\` must be 0 or a positive number that f32 can hold, not ${shown}`,
  );
});

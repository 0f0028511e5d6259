/** Reductions whose state is a record, against float64: lane by lane, on hard rows, and on the device. */

import { describe, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { verifyProgram } from "../../src/kernel/verify.ts";
import { fromNumbers, toNumbers } from "../../src/runtime/host-tensor.ts";
import { portableTarget, targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";
import { gpuTest } from "../support/gpu.ts";
import { compareKernel, errorOf, inputsFor, tensorsOf } from "../support/oracle.ts";
import { runProgram } from "../support/run-program.ts";

const all = (length: number | string, element = "f32") => `fn f(x: ${element}[n, ${length}]) -> (a: i32[n], b: i32[n]) {
  return argmax(x, axes = [-1]), argmin(x, axes = [-1])
}`;

const programs: Readonly<Record<string, string>> = {
  "places in f32": all(132),
  "places in f16": all(40, "f16"),
  "places of integers": all(21, "i32"),
  "places of integers without a sign": all(21, "u32"),
  "a row whose length has a name": all("columns"),
  "places of two axes, beside a mean": `fn f(x: f32[n, 6, 8]) -> (a: i32[n], y: f32[n, 6, 8]) {
  return argmax(x, axes = [-2, -1]), center(x, axes = [-2, -1])
}`,
  "places of axes in two orders": `fn f(x: f32[n, 6, 8]) -> (a: i32[n], b: i32[n]) {
  return argmax(x, axes = [-2, -1]), argmax(transpose(x, perm = [0, 2, 1]), axes = [-2, -1])
}`,
  "places of two axes whose extents have names":
    "fn f(x: f32[n, columns, n]) -> i32[n] { return argmax(x, axes = [-2, -1]) }",
  "places of one": "fn f(x: f32[n, 1]) -> i32[n] { return argmax(x, axes = [-1]) }",
  "places of one, of many rows": "fn f(x: f32[128, 1]) -> i32[128] { return argmax(x, axes = [-1]) }",
  "what an argmax finds": `fn f(x: f32[n, 20]) -> f32[n, 1] {
  return gather(exp(x), argmax(x, axes = [-1], keepdims = true), axis = -1)
}`,
  "places of a part of the row": `fn f(x: f32[n, 24]) -> i32[n] {
  return argmin(slice(x, axis = -1, start = 4, end = 24), axes = [-1])
}`,
  "deviations and variances": `fn f(x: f32[n, 40]) -> (s: f32[n], v: f32[n], y: f32[n, 40]) {
  let s = std(x, axes = [-1], correction = 1, keepdims = true)
  return std(x, axes = [-1]), var(x, axes = [-1]), center(x, axes = [-1]) / s
}`,
  "logarithms of sums": `fn f(x: f32[n, 132]) -> (a: f32[n], y: f32[n, 132]) {
  let a = logsumexp(x * 20, axes = [-1], keepdims = true)
  return reshape(a, shape = [n]), exp(x * 20 - a)
}`,
  "a logarithm of one": "fn f(x: f32[n, 1]) -> f32[n] { return logsumexp(square(x), axes = [-1]) }",
};

const few = { ...portableTarget.limits, maxComputeInvocationsPerWorkgroup: 8 };
const targets = [{ ...portableTarget, name: "a tree", limits: few }, targetByName("lavapipe")];
const dims = { n: 3, columns: 37 };
const tolerance = { f16: 1e-3, bf16: 8e-3, f8e4m3: 0, f8e5m2: 0, f32: 2e-6, i32: 0, u32: 0, i8: 0, u8: 0, bool: 0 };

describe.each(targets)("$name", (target) => {
  test.each(Object.entries(programs))("%s", (_, text) => {
    const { kernel, program, fn } = compileText(text, target);
    expect(verifyProgram(program)).toEqual([]);
    const inputs = inputsFor(fn, dims);
    const { outputs, faults } = runProgram(kernel, program, dims, { inputs });
    expect(faults).toEqual([]);
    for (const [name, wanted] of Object.entries(interpret(fn, tensorsOf(inputs)))) {
      const got = outputs[name] as NonNullable<(typeof outputs)[string]>;
      expect(errorOf(got, wanted), name).toBeLessThanOrEqual(tolerance[got.element]);
    }
  });

  test("equal elements, NaN and infinities", () => {
    const text = `fn f(x: f32[8, 32]) -> (a: i32[8], b: i32[8], c: f32[8]) {
  return argmax(x, axes = [-1]), argmin(x, axes = [-1]), logsumexp(x, axes = [-1])
}`;
    const { kernel, program, fn } = compileText(text, target);
    const { POSITIVE_INFINITY: inf } = Number;
    const rows = [
      Array.from({ length: 32 }, () => 4),
      Array.from({ length: 32 }, (_, i) => -Math.abs(i - 17) - Math.abs(i - 21)),
      Array.from({ length: 32 }, () => -inf),
      Array.from({ length: 32 }, (_, i) => (i > 20 ? inf : i)),
      Array.from({ length: 32 }, (_, i) => (i === 9 || i === 30 ? NaN : i)),
      Array.from({ length: 32 }, (_, i) => (i % 2 ? -1e4 : 1e4)),
      Array.from({ length: 32 }, (_, i) => (i === 31 ? 0 : -inf)),
      Array.from({ length: 32 }, (_, i) => (i % 8 === 3 ? 1e38 : -1e38)),
    ];
    const x = fromNumbers("f32", [8, 32], Float64Array.from(rows.flat()));
    const { outputs } = runProgram(kernel, program, {}, { inputs: { x } });
    const wanted = interpret(fn, tensorsOf({ x }));
    const numbers = (name: string) => Array.from(toNumbers(outputs[name] as NonNullable<(typeof outputs)[string]>));
    expect(numbers("a")).toEqual([0, 17, 0, 21, 9, 0, 31, 3]);
    expect(numbers("b")).toEqual([0, 0, 0, 0, 9, 1, 0, 0]);
    for (const [i, value] of numbers("c").entries()) {
      const want = Math.fround(wanted.c?.data[i] as number);
      if (Number.isFinite(want)) expect(Math.abs(value - want)).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(want)));
      else expect(value).toBe(want);
    }
  });
});

gpuTest("on the device", { timeout: 100_000 }, async ({ gpu }) => {
  for (const [name, text] of Object.entries(programs).filter(([about]) => !/of one|of two|sign|named/.test(about))) {
    const { kernel, fn } = compileText(text, gpu.target);
    const { errors, outputs } = await compareKernel(gpu.device, kernel, fn, inputsFor(fn, dims));
    for (const [result, error] of Object.entries(errors)) {
      const { element } = outputs[result] as NonNullable<(typeof outputs)[string]>;
      expect(error, `${name}\n${kernel.wgsl}`).toBeLessThanOrEqual(tolerance[element]);
    }
  }
});

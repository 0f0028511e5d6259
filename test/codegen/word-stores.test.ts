/** Results whose rows start and end within words: lanes store whole words, and put in atomically what rows share. */

import { describe, expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { compile, optimize } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { estimate } from "../../src/kernel/estimate.ts";
import { parse } from "../../src/parse/parse.ts";
import { fromNumbers, type HostTensor } from "../../src/runtime/host-tensor.ts";
import { runKernel } from "../../src/runtime/prepare.ts";
import { portableTarget, targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";
import { driverTest } from "../support/gpu.ts";

describe("kernels are equal to their functions", () => {
  const quantized = (n: number) => `fn f(x: f32[rows, ${n}]) -> (q: i8[rows, ${n}], s: f32[rows, 1]) {
  let s = max(abs(x), axes = [-1], keepdims = true) / 127
  return cast(round(x / s), to = i8), s
}`;
  test.each([
    ["rows of less than a word", "fn f(x: f16[rows, 1]) -> f16[rows, 1] { return softmax(x, axes = [-1]) }"],
    ["rows of odd lengths", "fn f(x: f16[rows, 7]) -> f16[rows, 7] { return layernorm(x, axes = [-1]) }"],
    ["rows of any length", "fn f(x: f16[rows, n]) -> f16[rows, n] { return x - max(x, axes = [-1], keepdims = true) }"],
    ["three bytes in a word of four", quantized(3)],
    ["pairs of bytes", quantized(6)],
    [
      "rows in another order than they are read",
      `fn f(x: f16[a, 2, 5], g: f16[5]) -> f16[2, a, 5] {
  return transpose(rmsnorm(x, g, axes = [-1]), perm = [1, 0, 2])
}`,
    ],
    [
      "words of two sizes, and elements of a row that several use",
      `fn f(x: bf16[rows, 5], r: u8[rows, 5]) -> (y: bf16[rows, 5], z: u8[rows, 5], h: f32[rows, 5]) {
  let h = cast(x, to = f32) + cast(r, to = f32)
  return x - max(x, axes = [-1], keepdims = true), cast(h, to = u8), h
}`,
    ],
  ])("%s", (_, text) => {
    const { module } = optimize(parse(text));
    // The second has several rows at hand.
    for (const target of [portableTarget, ...(text.includes(", n]") ? [] : [targetByName("swiftshader")])]) {
      expect(proveKernel(module.fns[0] as Fn, module.consts, target), target.name).toMatchObject({ verdict: "equal" });
    }
  });
});

test.each(["f16", "bf16"])(
  "%s: a word is stored once, and costs little more than where rows are whole words",
  (element) => {
    const of = (n: number) => {
      const text = `fn f(x: ${element}[512, ${n}]) -> ${element}[512, ${n}] { return rmsnorm(x, axes = [-1]) }`;
      const { program } = compileText(text, portableTarget);
      return estimate(program, { extents: {}, workgroups: 512, inStep: 32, areAlike: true });
    };
    const [odd, even] = [of(769), of(768)];
    expect(odd.bytesStored).toBe(even.bytesStored + 512 * 2);
    expect(odd.operations / even.operations).toBeLessThan(1.8);
  },
);

test("no result is written over an input that words are computed from later", () => {
  const text = (n: number) => `fn f(x: f32[rows, ${n}], r: f32[rows, ${n}]) -> (y: f32[rows, ${n}], q: i8[rows, ${n}]) {
  let y = (x + r) / max(abs(x + r), axes = [-1], keepdims = true)
  return y, cast(round(y * 127), to = i8)
}`;
  const aliasesFor = (n: number) =>
    compileText(text(n), targetByName("gpu-subgroup-32")).kernel.manifest.bindings.find(({ name }) => name === "y")
      ?.mayAlias;
  expect(aliasesFor(8)).toEqual(["x", "r"]);
  expect(aliasesFor(7)).toBeUndefined();
});

driverTest("words at the ends of rows have the elements of both", async (gpu) => {
  for (const element of ["i8", "bf16"] as const) {
    const [rows, n] = [97, 33];
    const text = `fn f(x: i32[${rows}, ${n}]) -> (y: ${element}[${rows}, ${n}]) {
  return cast(cast(max(x, axes = [-1], keepdims = true) - x, to = f32), to = ${element})
}`;
    const x = Array.from({ length: rows * n }, (_, i) => (i * 7919) % 101);
    const [kernel] = compile(parse(text), { target: gpu.target }).kernels;
    const { outputs } = await runKernel(gpu.device, kernel as NonNullable<typeof kernel>, {
      x: fromNumbers("i32", [rows, n], x),
    });
    const most = Array.from({ length: rows }, (_, row) => Math.max(...x.slice(row * n, (row + 1) * n)));
    const wanted = x.map((value, i) => (most[Math.floor(i / n)] as number) - value);
    const expected = fromNumbers(element, [rows, n], wanted);
    expect(Array.from((outputs.y as HostTensor).data), element).toEqual(Array.from(expected.data));
  }
});

/** Results whose rows start and end within words: lanes store whole words, and put in atomically what rows share. */

import { describe, expect, test } from "vitest";
import { proveKernel } from "../../codegen/prove.ts";
import { compile, optimize } from "../../src/driver/compile.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { estimate } from "../../src/kernel/estimate.ts";
import { parse } from "../../src/parse/parse.ts";
import { fromNumbers, type HostTensor } from "../../src/runtime/host-tensor.ts";
import { prepare, runKernel } from "../../src/runtime/prepare.ts";
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
    ["a single element", "fn f(x: f16[1], r: u8[1]) -> (y: f16[1], z: u8[1]) { return x + x, where(r == 3, 1, r) }"],
    ["three bytes in a word of four", quantized(3)],
    ["a single row", "fn f(x: f16[n]) -> (y: f16[n], m: f16) { return sin(x), max(x, axes = [0]) }"],
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
    ["nothing that is reduced", "fn f(x: f16[rows, 7], g: f16[7]) -> f16[rows, 7] { return x * g }"],
    ["nothing, of any length", "fn f(x: bf16[rows, n]) -> bf16[rows, n] { return x * x }"],
    ["nothing, and pairs of bytes", "fn f(x: f32[rows, 6]) -> i8[rows, 6] { return cast(x, to = i8) }"],
    [
      "as many rows as words have, and no more",
      "fn f(x: u8[4, 1], r: u8[4, 1]) -> u8[4, 1] { return where(x == r, x, 7) }",
    ],
    [
      "nothing, of words of two sizes, and a result in another order",
      `fn f(x: bf16[a, 3, 5], r: u8[a, 3, 5]) -> (y: bf16[a, 3, 5], z: u8[a, 3, 5], t: bf16[3, a, 5]) {
  return x * x, where(r == 3, 1, r), transpose(x, perm = [1, 0, 2])
}`,
    ],
    [
      "one value a row",
      `fn f(x: f32[rows, 36]) -> (y: f16[rows], n: u8[rows]) {
  return cast(max(x, axes = [-1]), to = f16), cast(sum(x, axes = [-1]), to = u8)
}`,
    ],
  ])("%s", (_, text) => {
    const { module } = optimize(parse(text));
    // On swiftshader a lane holds several rows.
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

test.each([
  ["f16", 2],
  ["bf16", 2],
  ["u8", 4],
])("%s: where nothing is reduced no lane waits for another's part of a word", (element, inWord) => {
  const of = (n: number, name: string) => {
    const text = `fn f(x: ${element}[512, ${n}]) -> ${element}[512, ${n}] { return where(x == 0, 1, x) }`;
    const { program } = compileText(text, targetByName(name));
    const rows = (program.workgroupSize * 4) / n;
    return estimate(program, { extents: {}, workgroups: Math.ceil(512 / rows), inStep: 4 });
  };
  for (const name of ["portable", "swiftshader"]) {
    const estimated = of(7, name);
    // Two atomic operations per element would store eight bytes and load eight.
    const bytes = 512 * 7 * (4 / inWord);
    expect(estimated.bytesStored).toBe(bytes);
    expect(estimated.bytesLoaded).toBeLessThan(1.2 * bytes);
  }
});

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

/** As in GPUBufferUsage, of which Node knows nothing. */
const usage = { read: 1, from: 4, to: 8, storage: 128 };

driverTest("what lies around a result in its words stays", async ({ device, target }) => {
  const before = 256;
  // The last word has one, two or three elements; most lanes have no row.
  const sizes = [
    ...(["u8", "i8"] as const).flatMap((element) => [1, 6, 7, 1031].map((n) => [element, n] as const)),
    ...(["f16", "bf16"] as const).flatMap((element) => [1, 333].map((n) => [element, n] as const)),
  ];
  for (const [element, n] of sizes) {
    const text = `fn f(x: ${element}[rows, ${n}]) -> (y: ${element}[rows, ${n}]) { return cast(2 * cast(x, to = f32), to = ${element}) }`;
    for (const profile of [target, portableTarget]) {
      const [kernel] = compile(parse(text), { target: profile }).kernels;
      const prepared = await prepare(device, kernel as NonNullable<typeof kernel>);
      for (const rows of [1, 3]) {
        const numbers = Array.from({ length: rows * n }, (_, i) => (i % 5) + 1);
        const x = fromNumbers(element, [rows, n], numbers);
        const doubled = fromNumbers(
          element,
          [rows, n],
          numbers.map((value) => value + value),
        ).data as Uint8Array;
        const size = 4 * Math.ceil(doubled.byteLength / 4);
        const around = new Uint8Array(before + size + before).fill(0xa5);
        const buffer = device.createBuffer({ size: around.length, usage: usage.storage | usage.from | usage.to });
        device.queue.writeBuffer(buffer, 0, around);
        const { outputs } = await prepared.run({ x, y: { buffer, offset: before, size } });
        expect(outputs).toEqual({});
        const wanted = around.slice();
        wanted.set(new Uint8Array(doubled.buffer, doubled.byteOffset, doubled.byteLength), before);
        const got = await bytesOf(device, buffer);
        expect(got, `${element}[${rows}, ${n}] for ${profile.name}`).toEqual(wanted);
        buffer.destroy();
      }
      prepared.destroy();
    }
  }
});

async function bytesOf(device: GPUDevice, from: GPUBuffer): Promise<Uint8Array> {
  const copy = device.createBuffer({ size: from.size, usage: usage.read | usage.to });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(from, copy);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(usage.read);
  return new Uint8Array(copy.getMappedRange()).slice();
}

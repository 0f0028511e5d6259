import { expect, test } from "vitest";
import { bufferSize, encode, fromNumbers, toNumbers } from "../../src/runtime/host-tensor.ts";
import { handKernel } from "../support/hand-kernel.ts";

test("numbers are rounded to the element type", () => {
  expect(fromNumbers("f32", [1], [0.1]).data).toEqual(new Float32Array([0.1]));
  // 1 + 2^-11 lies halfway between two halves, the even one is 1; 65520 rounds to infinity.
  expect(fromNumbers("f16", [3], [1 + 2 ** -11, 65520, -0]).data).toEqual(new Uint16Array([0x3c00, 0x7c00, 0x8000]));
  expect(fromNumbers("i32", [2], [2 ** 31, -1.9]).data).toEqual(new Int32Array([-(2 ** 31), -1]));
  expect(fromNumbers("u32", [1], [-1]).data).toEqual(new Uint32Array([2 ** 32 - 1]));
  expect(fromNumbers("bool", [3], [0, -2, 0.5]).data).toEqual(new Uint8Array([0, 1, 1]));
});

test("toNumbers is exact", () => {
  expect([...toNumbers({ element: "f16", shape: [2], data: new Uint16Array([0x3555, 0x0001]) })]).toEqual([
    1365 / 4096,
    2 ** -24,
  ]);
  expect([...toNumbers({ element: "f32", shape: [1], data: new Float32Array([0.1]) })]).toEqual([Math.fround(0.1)]);
  expect([...toNumbers({ element: "u32", shape: [1], data: new Uint32Array([2 ** 32 - 1]) })]).toEqual([2 ** 32 - 1]);
});

test("buffers have room for a whole vec4, and for nothing", () => {
  const { bindings } = handKernel("", { outputs: { y: ["f32", [1]], h: ["f16", [1]] } }).manifest;
  const [y, h] = bindings as [(typeof bindings)[number], (typeof bindings)[number]];
  expect([0, 1, 4, 5].map((count) => bufferSize(y, count))).toEqual([16, 16, 16, 32]);
  expect([0, 8, 9].map((count) => bufferSize(h, count))).toEqual([16, 16, 32]);
});

test("an array of the parameter's own type is not copied", () => {
  const [y] = handKernel("", { outputs: { y: ["f32", [1]] } }).manifest.bindings;
  const data = new Float32Array([1]);
  expect(encode(y as NonNullable<typeof y>, data)).toBe(data);
});

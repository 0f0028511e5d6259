import { expect, test } from "vitest";
import type { ElementType } from "../../src/ir/types.ts";
import { boundSize } from "../../src/launch/tensors.ts";
import { encode, fromNumbers, toNumbers } from "../../src/runtime/host-tensor.ts";
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

test("what is bound is a tensor's own bytes, in words, and at least one of what the kernel's array is of", () => {
  const sizes = (element: ElementType, stride: number) =>
    [0, 1, 7, 8].map((count) => boundSize(element, stride, count));
  expect(sizes("f32", 4)).toEqual([4, 4, 28, 32]);
  expect(sizes("f32", 16)).toEqual([16, 16, 28, 32]);
  expect(sizes("f16", 2)).toEqual([4, 4, 16, 16]);
  expect(sizes("f16", 8)).toEqual([8, 8, 16, 16]);
});

test("an array of the parameter's own type is not copied", () => {
  const [y] = handKernel("", { outputs: { y: ["f32", [1]] } }).manifest.bindings;
  const data = new Float32Array([1]);
  expect(encode(y as NonNullable<typeof y>, data)).toBe(data);
});

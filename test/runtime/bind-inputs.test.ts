import { describe, expect, test } from "vitest";
import { bindInputs, readDims } from "../../src/runtime/bind-inputs.ts";
import { encode, type HostInput } from "../../src/runtime/host-tensor.ts";
import type { Parameter } from "../../src/target/manifest.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { handKernel } from "../support/hand-kernel.ts";

/** A kernel that is never run: only its parameters count. */
const kernel = handKernel("", {
  inputs: { x: ["f32", ["rows", "columns"]], scale: ["f32", ["columns"]], mask: ["bool", [2]], h: ["f16", []] },
  outputs: { y: ["f32", ["rows"]] },
  dims: [
    { name: "rows", binding: "uniform" },
    { name: "columns", binding: "uniform" },
  ],
});
const good = {
  x: { element: "f32", shape: [3, 4], data: new Float32Array(12) },
  scale: new Float32Array(4),
  mask: [1, 0],
  h: [0.5],
} as const;

const tensor = (shape: unknown, length = 12) => ({ element: "f32", shape, data: new Float32Array(length) });
const wrong = (inputs: Record<string, unknown>, dims: Record<string, number> = {}) =>
  diagnosticsOf(() => bindInputs(kernel, { ...good, ...inputs } as Record<string, HostInput>, dims));

describe("dimensions", () => {
  const extentsOf = (inputs: Record<string, unknown>, dims: Record<string, number> = {}) => ({
    ...bindInputs(kernel, { ...good, ...inputs } as Record<string, HostInput>, dims).dims,
  });

  test("follow from the shapes", () => {
    expect(extentsOf({})).toEqual({ rows: 3, columns: 4 });
  });
  test("follow from the length of a bare array, once the others are known", () => {
    expect(extentsOf({ x: new Float32Array(20) })).toEqual({ rows: 5, columns: 4 });
    expect(extentsOf({ x: new Float32Array(20), scale: [1, 1] })).toEqual({ rows: 10, columns: 2 });
  });
  test("may be given as well, when they agree", () => {
    expect(extentsOf({}, { rows: 3 })).toEqual({ rows: 3, columns: 4 });
  });
  test("may be 0", () => {
    expect(extentsOf({ x: { element: "f32", shape: [0, 4], data: new Float32Array(0) } })).toEqual({
      rows: 0,
      columns: 4,
    });
    expect(extentsOf({ x: [] })).toEqual({ rows: 0, columns: 4 });
  });
  test("may have the names of JavaScript's own properties", () => {
    const odd = handKernel("", {
      inputs: { x: ["f32", ["constructor", "__proto__"]] },
      outputs: { y: ["f32", ["constructor"]] },
      dims: [
        { name: "constructor", binding: "uniform" },
        { name: "__proto__", binding: "uniform" },
      ],
    });
    const { dims } = bindInputs(odd, { x: { element: "f32", shape: [2, 3], data: new Float32Array(6) } }, {});
    expect(Object.entries(dims).sort()).toEqual([
      ["__proto__", 3],
      ["constructor", 2],
    ]);
  });
});

test("inputs come in the order of the parameters, as they were given", () => {
  const { arrays } = bindInputs(kernel, good, {});
  expect(arrays.map(({ binding }) => binding.name)).toEqual(["x", "scale", "mask", "h"]);
  expect(arrays[0]?.data).toBe(good.x.data);
});

test("E0601: an input is missing", () => {
  expect(wrong({ scale: undefined })).toEqual([
    "E0601: the kernel `hand` needs the input `scale`, f32[columns], but got none\nhelp: pass it by its name: `{ scale: ... }`",
  ]);
});

test("E0602: an input too many", () => {
  expect(wrong({ gamma: [1] })).toEqual([
    "E0602: the kernel `hand` has no input `gamma`\nnote: its inputs are `x`, `scale`, `mask`, `h`\nhelp: leave it out",
  ]);
});

test.each([
  ["another element type", { mask: new Float32Array(2) }, "the input `mask` is bool[2], but got a Float32Array"],
  ["plain 16-bit numbers for an f32", { scale: new Uint16Array(4) }, "is f32[columns], but got a Uint16Array"],
  [
    "a tensor of another element type",
    { x: { element: "i32", shape: [3, 4], data: new Int32Array(12) } },
    "the input `x` is f32[rows, columns], but got i32[3, 4] in an Int32Array",
  ],
  [
    "a tensor that says one type and holds another",
    { x: { element: "f32", shape: [3, 4], data: new Int32Array(12) } },
    "the input `x` is f32[rows, columns], but got f32[3, 4] in an Int32Array",
  ],
  ["a text", { scale: "1, 2" }, "the input `scale` is f32[columns], but got a string"],
  ["a number", { scale: 1 }, "the input `scale` is f32[columns], but got a number"],
  ["an object without data", { h: {} }, "the input `h` is f16, but got an object"],
  [
    "a tensor whose shape is not a list",
    { x: tensor("3x4") },
    "the input `x` is f32[rows, columns], but got a tensor whose shape is not a list",
  ],
  ["a BigInt array", { scale: new BigInt64Array(4) }, "the input `scale` is f32[columns], but got a BigInt64Array"],
])("E0603: %s", (_, inputs, message) => {
  const [first, ...more] = wrong(inputs);
  expect(first).toContain("E0603: ");
  expect(first).toContain(message);
  expect(more).toEqual([]);
});

test.each([
  ["another rank", { x: tensor([12]) }, {}, "but got [12]: it has 1 dimensions, not 2"],
  ["another extent", { mask: { element: "bool", shape: [3], data: [1, 0, 1] } }, {}, "axis 0 is 3, not 2"],
  ["a fraction", { x: tensor([3, 0.5]) }, {}, "the extent of axis 1 is not a whole number"],
  ["a negative extent", { x: tensor([-3, 4]) }, {}, "the extent of axis 0 is not a whole number"],
  ["no number", { x: tensor([3, "4"]) }, {}, "the extent of axis 1 is not a whole number"],
])("E0604: a shape with %s", (_, inputs, dims, why) => {
  const [first, ...more] = wrong(inputs, dims);
  expect(first).toContain("E0604: ");
  expect(first).toContain(why);
  expect(more).toEqual([]);
});

test("E0605: data of another length than the shape", () => {
  expect(wrong({ x: tensor([3, 4], 11) })).toEqual([
    "E0605: the input `x` is f32[3, 4], 12 elements, but its data has 11\nhelp: pass 12 numbers in row-major order",
  ]);
  expect(wrong({ mask: [1] })[0]).toMatch("E0605: the input `mask` is bool[2], 2 elements, but its data has 1");
});

test("E0605: a length that does not tell the shape", () => {
  const open = { x: new Float32Array(12), scale: undefined };
  const two = handKernel("", { ...kernel.manifest, inputs: { x: ["f32", ["rows", "columns"]] }, outputs: {} });
  expect(diagnosticsOf(() => bindInputs(two, { x: open.x }, {}))).toEqual([
    "E0605: 12 elements do not determine the shape of the input `x`, f32[rows, columns]\nnote: not known: `rows`, `columns`\n" +
      "help: pass `{ element, shape, data }`, or give the dimensions",
  ]);
  expect(wrong({ x: new Float32Array(13) })[0]).toMatch(/^E0605: 13 elements do not determine the shape/);
});

test("E0606: one dimension with two extents", () => {
  expect(wrong({ scale: tensor([3], 3) })).toEqual([
    "E0606: the dimension `columns` is 4 according to the shape of `x`, but 3 according to the shape of `scale`\n" +
      "note: one name is one extent in the whole function\nhelp: pass tensors that agree, or give one of the dimensions another name in the program",
  ]);
  expect(wrong({}, { rows: 5 })[0]).toContain(
    "`rows` is 5 according to the dimensions given, but 3 according to the shape of `x`",
  );
});

test("E0607: dimensions that are none", () => {
  expect(wrong({}, { depth: 1 })[0]).toBe(
    "E0607: the kernel `hand` has no dimension `depth` to choose\nnote: its dimensions are `rows`, `columns`\nhelp: leave it out",
  );
  for (const extent of [-1, 1.5, Number.NaN, 2 ** 32]) {
    expect(diagnosticsOf(() => readDims(kernel, { rows: extent }))).toEqual([
      `E0607: the dimension \`rows\` must be a whole number from 0 to 2^32 - 1, but is ${extent}\nhelp: give a number: \`{ rows: 1024 }\``,
    ]);
  }
});

test("E0607: a dimension that no input tells", () => {
  const silent = handKernel("", { outputs: { y: ["f32", ["rows"]] }, dims: [{ name: "rows", binding: "uniform" }] });
  expect(diagnosticsOf(() => bindInputs(silent, {}, {}))).toEqual([
    "E0607: the kernel `hand` needs the dimension `rows`, which no input determines\n" +
      "help: give it with the dimensions: { rows: 1024 }",
  ]);
});

test("everything wrong is reported at once", () => {
  const codes = wrong({ x: tensor([12]), gamma: [1], mask: "no" }, { depth: 3 }).map((text) => text.slice(0, 5));
  expect(codes.sort()).toEqual(["E0602", "E0603", "E0604", "E0607"]);
});

test("typed arrays of integers of other widths are those of the parameter", () => {
  const picks = handKernel("", {
    inputs: { at: ["i32", [2]], byte: ["u8", [2]] },
    outputs: { y: ["f32", [2]] },
    dims: [],
  });
  for (const at of [Int8Array.of(3, 4), Uint16Array.of(3, 4), Uint8ClampedArray.of(3, 4), Uint32Array.of(3, 4)]) {
    const { arrays } = bindInputs(picks, { at, byte: Int16Array.of(0, 255) }, {});
    expect(arrays.map(({ data }) => [...data])).toEqual([
      [3, 4],
      [0, 255],
    ]);
  }
  const found = (at: Int8Array | Uint32Array, byte: Int8Array | Int16Array) =>
    diagnosticsOf(() => bindInputs(picks, { at, byte }, {}))[0];
  expect(found(Uint32Array.of(0, 2 ** 31), Int16Array.of(0, 0))).toContain("got 2147483648 at element 1");
  expect(found(Int8Array.of(0, 0), Int8Array.of(-1, 0))).toContain("got -1 at element 0");
});

test("an f8 is given as bits, or as numbers, which are rounded", () => {
  const kernel = handKernel("", { inputs: { x: ["f8e4m3", [3]] }, outputs: { y: ["f32", [3]] }, dims: [] });
  const bits = Uint8Array.of(0x38, 0x7e, 0xff);
  for (const x of [bits, [1.05, 1e6, Number.NaN], Float64Array.of(1, 448, Number.NaN)]) {
    const { arrays } = bindInputs(kernel, { x }, {});
    const encoded = arrays.map(({ data }) => encode({ element: "f8e4m3" } as Parameter, data) as Uint8Array);
    expect(encoded.map((codes) => Array.from(codes, (code) => code & 0x7f))).toEqual([[0x38, 0x7e, 0x7f]]);
  }
  expect(diagnosticsOf(() => bindInputs(kernel, { x: Int8Array.of(1, 2, 3) }, {}))[0]).toContain("E0603");
});

describe("integers of 64 bits", () => {
  const picks = handKernel("", {
    inputs: { at: ["i32", [3]], byte: ["u8", [1]] },
    outputs: { y: ["f32", [3]] },
    dims: [],
  });
  const bind = (at: BigInt64Array, byte: BigUint64Array) =>
    bindInputs(picks, { at: { element: "i32", shape: [3], data: at }, byte }, {});

  test("are those of the parameter where it holds them", () => {
    const { arrays } = bind(BigInt64Array.of(7n, -(2n ** 31n), 2n ** 31n - 1n), BigUint64Array.of(255n));
    expect(arrays.map(({ data }) => [...data])).toEqual([[7, -(2 ** 31), 2 ** 31 - 1], [255]]);
  });

  test.each([
    [BigInt64Array.of(0n, 2n ** 31n, 0n), BigUint64Array.of(0n), "got 2147483648 at element 1"],
    [BigInt64Array.of(-(2n ** 31n) - 1n, 0n, 0n), BigUint64Array.of(0n), "got -2147483649 at element 0"],
    [BigInt64Array.of(0n, 0n, 2n ** 62n), BigUint64Array.of(0n), "got 4611686018427388000 at element 2"],
    [BigInt64Array.of(0n, 0n, 0n), BigUint64Array.of(256n), "got 256 at element 0"],
  ])("%o, %o: refused with the place", (at, byte, message) => {
    const [found, ...others] = diagnosticsOf(() => bind(at, byte));
    expect(others).toEqual([]);
    expect(found).toContain("E0603");
    expect(found).toContain(message);
  });

  test("no float is read from them", () => {
    expect(wrong({ scale: BigInt64Array.of(1n, 2n, 3n, 4n) })[0]).toContain("got a BigInt64Array");
  });
});

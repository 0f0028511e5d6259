/** NumPy's files: they read back as written, each type is read as NumPy wrote it, and others are rejected. */

import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/formats/npy.ts";
import { toFloat16Bits } from "../../src/ir/float16.ts";
import { randomNumbers } from "../../src/ir/random.ts";
import type { HostTensor } from "../../src/runtime/host-tensor.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { npyFile, npyPrefix, npyWithHeader } from "../support/npy.ts";

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const refusal = (bytes: Uint8Array) => diagnosticsOf(() => readNpy(bytes, "x.npy")).map((text) => text.split("\n")[0]);

describe("each type is read as it is", () => {
  test.each<[string, ArrayBufferView, number[]]>([
    ["<f2", Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00), [1, -2, 2 ** -24, Infinity]],
    ["<f4", Float32Array.of(0.5, -3e38, 0), [0.5, Math.fround(-3e38), 0]],
    ["<f8", Float64Array.of(Math.PI, -1e300), [Math.PI, -1e300]],
    ["=f4", Float32Array.of(1.5), [1.5]],
    ["|i1", Int8Array.of(-128, 127), [-128, 127]],
    ["<i2", Int16Array.of(-300), [-300]],
    ["<i4", Int32Array.of(-(2 ** 31), 7), [-(2 ** 31), 7]],
    ["<i8", BigInt64Array.of(-5n, 2n ** 40n), [-5, 2 ** 40]],
    ["|u1", Uint8Array.of(255), [255]],
    ["<u2", Uint16Array.of(65535), [65535]],
    ["<u4", Uint32Array.of(2 ** 32 - 1), [2 ** 32 - 1]],
    ["<u8", BigUint64Array.of(2n ** 53n), [2 ** 53]],
    ["|b1", Uint8Array.of(0, 1, 1), [0, 1, 1]],
  ])("%s", (type, data, numbers) => {
    const read = readNpy(npyFile(type, [numbers.length], bytesOf(data)), "x.npy");
    expect([...read.numbers]).toEqual(numbers);
    expect(read.shape).toEqual([numbers.length]);
  });
});

describe("what is written reads back", () => {
  test.each<[HostTensor, number[]]>([
    [{ element: "f32", shape: [2, 3], data: Float32Array.of(1, -2.5, 0, 1e-40, Infinity, 6) }, []],
    [
      { element: "f16", shape: [3], data: Uint16Array.of(toFloat16Bits(0.1), toFloat16Bits(-2), 0) },
      [0.0999755859375, -2, 0],
    ],
    [{ element: "i32", shape: [1, 1, 2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) }, []],
    [{ element: "u32", shape: [2], data: Uint32Array.of(0, 2 ** 32 - 1) }, []],
    [{ element: "bool", shape: [2, 2], data: Uint8Array.of(1, 0, 0, 1) }, []],
    [{ element: "f32", shape: [], data: Float32Array.of(4) }, []],
    [{ element: "f32", shape: [0, 8], data: new Float32Array(0) }, []],
  ])("%j", (tensor, numbers) => {
    const bytes = writeNpy(tensor);
    const read = readNpy(bytes, "y.npy");
    expect(read.shape).toEqual(tensor.shape);
    expect([...read.numbers]).toEqual(numbers.length > 0 ? numbers : [...tensor.data]);
    expect((bytes.length - tensor.data.byteLength) % 64).toBe(0);
  });

  test.each([
    [{ element: "bf16", shape: [2], data: Uint16Array.of(0x3f80, 0xc000) }, [1, -2]],
    [{ element: "f8e4m3", shape: [3], data: Uint8Array.of(0x38, 0xc0, 0x01) }, [1, -2, 2 ** -9]],
    [{ element: "f8e5m2", shape: [3], data: Uint8Array.of(0x3c, 0xfc, 0x01) }, [1, -Infinity, 2 ** -16]],
  ] as const)("%j, which NumPy lacks, as f32", (tensor, numbers) => {
    const { type, shape, numbers: read } = readNpy(writeNpy(tensor), "y.npy");
    expect({ type, shape, read: [...read] }).toEqual({ type: "<f4", shape: tensor.shape, read: numbers });
  });

  test("byte for byte as NumPy writes it", () => {
    const bytes = Buffer.from(writeNpy({ element: "f32", shape: [3], data: Float32Array.of(1, 2, 3) }));
    const dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
    expect(bytes.subarray(0, 10)).toEqual(npyPrefix(118));
    expect(bytes.subarray(10, 128).toString("latin1")).toBe(`${dictionary.padEnd(117)}\n`);
    expect(bytes.subarray(128)).toEqual(Buffer.from(Float32Array.of(1, 2, 3).buffer));
  });
});

test.each([2, 3])("format version %i is read", (version) => {
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
  expect([...readNpy(npyWithHeader(header, bytesOf(Float32Array.of(2)), version), "x.npy").numbers]).toEqual([2]);
});

test("a file that lies at an odd address in memory is read", () => {
  const file = npyFile("<f8", [1], bytesOf(Float64Array.of(2.5)));
  const moved = new Uint8Array(file.length + 3);
  moved.set(file, 3);
  expect([...readNpy(moved.subarray(3), "x.npy").numbers]).toEqual([2.5]);
});

describe("the rest is refused", () => {
  const header = (fields: string) => npyWithHeader(`{${fields}}\n`, new Uint8Array(4));
  const whole = npyFile("<f4", [1], new Uint8Array(4));

  test.each<[string, Uint8Array, string]>([
    ["an empty file", new Uint8Array(0), "E0630: x.npy is not a .npy file"],
    ["text", Buffer.from("1.0, 2.0\n"), "E0630: x.npy is not a .npy file"],
    ["an archive", Buffer.from("PK\u0003\u0004............"), "E0630: x.npy is not a .npy file"],
    ["the magic alone", whole.subarray(0, 6), "E0631: the header of x.npy cannot be read: the file ends in it"],
    ["half a header", whole.subarray(0, 30), "E0631: the header of x.npy cannot be read: the file ends in it"],
    [
      "an unknown version",
      npyWithHeader("{}", new Uint8Array(0), 9),
      "E0631: the header of x.npy cannot be read: format version 9 is not known",
    ],
    [
      "no type",
      header("'fortran_order': False, 'shape': (1,)"),
      "E0631: the header of x.npy cannot be read: it has no valid `descr`",
    ],
    [
      "no order",
      header("'descr': '<f4', 'shape': (1,)"),
      "E0631: the header of x.npy cannot be read: it has no valid `fortran_order`",
    ],
    [
      "a negative extent",
      header("'descr': '<f4', 'fortran_order': False, 'shape': (-1,)"),
      "E0631: the header of x.npy cannot be read: it has no valid `shape`",
    ],
    [
      "a shape beyond all numbers",
      header(`'descr': '<f4', 'fortran_order': False, 'shape': (${"99999999, ".repeat(4)})`),
      "E0631: the header of x.npy cannot be read: its shape is too large",
    ],
    [
      "Fortran order",
      header("'descr': '<f4', 'fortran_order': True, 'shape': (1,)"),
      "E0632: x.npy is in Fortran order, but only C order is supported",
    ],
    [
      "big-endian numbers",
      npyFile(">f4", [1], new Uint8Array(4)),
      "E0633: x.npy is big-endian (`>f4`), but only little-endian is supported",
    ],
    ["complex numbers", npyFile("<c8", [1], new Uint8Array(8)), "E0634: x.npy holds `<c8`, which tirc does not read"],
    ["objects", npyFile("|O", [1], new Uint8Array(8)), "E0634: x.npy holds `|O`, which tirc does not read"],
    ["long doubles", npyFile("<f16", [1], new Uint8Array(16)), "E0634: x.npy holds `<f16`, which tirc does not read"],
    [
      "records",
      header("'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)"),
      "E0634: x.npy holds `records`, which tirc does not read",
    ],
    [
      "too little data",
      npyFile("<f4", [2, 3], new Uint8Array(20)),
      "E0635: x.npy is cut off: <f4 of shape (2, 3) takes 24 bytes, and 20 follow the header",
    ],
    [
      "too much data",
      npyFile("<f4", [1], new Uint8Array(5)),
      "E0635: x.npy has extra bytes after its data: <f4 of shape (1) takes 4 bytes, and 5 follow the header",
    ],
  ])("%s", (_what, bytes, message) => {
    expect(refusal(bytes)).toEqual([message]);
  });

  test("whatever the bytes are, there is a diagnostic and no crash", () => {
    const next = randomNumbers(1);
    const below = (end: number) => Math.floor(next() * end);
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from(whole);
      for (let change = 0; change < 3; change++) {
        bytes[6 + below(bytes.length - 6)] = below(256);
      }
      expect(diagnosticsOf(() => readNpy(bytes, "x.npy")).length).toBeLessThanOrEqual(1);
    }
  });
});

/**
 * Public bug reports about files that models and tensors come in, each with what is right.
 *
 * Not here: CVE-2026-34446 is about writing external data, which is not done; GGUF (utensils/mold#1074) is not read.
 */

import { linkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { TensorProto_DataLocation as Location, TensorProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { toFloat16Bits } from "../../src/ir/float16.ts";
import { Workplace } from "../support/cli.ts";
import { npyFile, npyWithHeader } from "../support/npy.ts";
import { node, onnxModel, onnxType } from "../support/onnx.ts";
import { safetensors, withHeader } from "../support/safetensors.ts";

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const floats = (...numbers: number[]) => bytesOf(Float32Array.from(numbers));

/** `tirc run` of x + w for a constant of a file, x zero; what comes out, or the first diagnostic. */
async function loaded(place: Workplace, source: string, type = "f32[2]"): Promise<string> {
  const like = type.startsWith("i32") ? "i32" : "f32";
  const from = type.startsWith("f16") ? "cast(w, to = f32)" : "w";
  const shape = type.slice(type.indexOf("["));
  const text = `const w: ${type} = ${source}\nfn f(x: ${like}${shape}) -> (y: ${like}${shape}) { return x + ${from} }\n`;
  place.write("p.tir", text);
  const argv = ["run", "p.tir", "--in", "x=0", "--device", "cpu", "--diagnostics", "short"];
  const { code, stdout, stderr } = await place.run(argv);
  expect(code === 0).toBe(stderr === "");
  return code === 0 ? (/\S+ {2}(.*)\n$/.exec(stdout)?.[1] as string) : (stderr.split("\n")[0] as string);
}

describe("onnx/onnx#3991, PR #4400, PR #7686, CVE-2025-51480, CVE-2026-27489: external data out of the model's folder", () => {
  const modelWith = (entries: Readonly<Record<string, string>>) =>
    onnxModel({
      outputs: { y: { element: "f32", shape: [2] } },
      inputs: { x: { element: "f32", shape: [2] } },
      tensors: [
        create(TensorProtoSchema, {
          name: "w",
          dims: [2n],
          dataType: onnxType.f32,
          dataLocation: Location.EXTERNAL,
          externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
        }),
      ],
      nodes: [node("Add", ["x", "w"], ["y"])],
    });
  const secret = floats(1.5, -3);
  const read = (place: Workplace) => loaded(place, 'load("model/m.onnx", "w")');
  const withEntries = (entries: Readonly<Record<string, string>>) =>
    new Workplace({ "model/m.onnx": modelWith(entries), "model/w.data": secret, secret });
  const at = (place: Workplace, name: string) => join(place.folder, name);

  test("a file in the folder is read", async () => {
    expect(await read(withEntries({ location: "w.data" }))).toBe("1.5 -3");
  });

  test.each(["../secret", "/etc/passwd", "a/../../secret"])("location %s", async (location) => {
    expect(await read(withEntries({ location }))).toContain("error[E0746]");
  });

  test("a symbolic link that leads out", async () => {
    const place = withEntries({ location: "link" });
    symlinkSync("../secret", at(place, "model/link"));
    expect(await read(place)).toMatch(/error\[E0746\].*link to .*secret, which is not in the model's folder/);
  });

  test("a folder that is a link", async () => {
    const place = withEntries({ location: "inside/secret" });
    symlinkSync("..", at(place, "model/inside"));
    expect(await read(place)).toContain("error[E0746]");
  });

  test("a symbolic link that stays in the folder, whatever way leads to the folder", async () => {
    const place = withEntries({ location: "link" });
    symlinkSync("w.data", at(place, "model/link"));
    symlinkSync("model", at(place, "other"));
    expect(await read(place)).toBe("1.5 -3");
    expect(await loaded(place, 'load("other/m.onnx", "w")')).toBe("1.5 -3");
  });

  test("a hard link", async () => {
    const place = withEntries({ location: "link" });
    linkSync(at(place, "secret"), at(place, "model/link"));
    expect(await read(place)).toMatch(/error\[E0746\].*one of 2 names/);
  });

  test("no regular file", async () => {
    expect(await read(withEntries({ location: "." }))).toContain("error[E0746]");
  });

  test("`tirc surgery --check` reads no more than that", async () => {
    const place = withEntries({ location: "link" });
    symlinkSync("../secret", at(place, "model/link"));
    const { code, stderr } = await place.run(["surgery", "model/m.onnx", "--check"]);
    expect([code === 0, stderr.includes("which is not in the model's folder")]).toEqual([false, true]);
  });

  test.each([
    ["offset", "-4"],
    ["offset", "9".repeat(400)],
    ["offset", "4"],
    ["length", "-8"],
    ["length", "12"],
    ["length", "18446744073709551615"],
  ])("%s %s", async (key, value) => {
    expect(await read(withEntries({ location: "w.data", [key]: value }))).toMatch(/error\[E074[56]\]/);
  });

  test("CVE-2026-34445: keys that are not known say nothing", async () => {
    const entries = { location: "w.data", __proto__x: "1", constructor: "2", name: "other", dims: "7" };
    expect(await read(withEntries(entries))).toBe("1.5 -3");
  });
});

describe("safetensors/safetensors#401, antirez/h3.c PR #48, ohdearquant/lattice#22: layouts that the reference refuses", () => {
  const entry = (from: number, to: number, shape = [2]) =>
    `{"dtype":"F32","shape":[${shape}],"data_offsets":[${from},${to}]}`;
  const read = (header: string, data = floats(1, 2, 3, 4)) =>
    loaded(new Workplace({ "m.safetensors": withHeader(header, data) }), 'load("m.safetensors", "g")');

  test("tensors one behind the other, in any order, some empty", async () => {
    expect(await read(`{"h":${entry(8, 16)},"g":${entry(0, 8)}}  `)).toBe("1 2");
    expect(await read(`{"e":${entry(8, 8, [0])},"h":${entry(0, 8)},"g":${entry(8, 16)}}`)).toBe("3 4");
  });

  test.each([
    ["a key twice", `{"g":${entry(0, 8)},"g":${entry(8, 16)}}`, "has the key `g` twice"],
    ["a key twice, once escaped", `{"g":${entry(0, 8)},"\\u0067":${entry(8, 16)}}`, "has the key `g` twice"],
    ["a field twice", `{"g":{"dtype":"F16",${entry(0, 8).slice(1)},"h":${entry(8, 16)}}`, "`dtype` twice"],
    ["an overlap", `{"g":${entry(0, 8)},"h":${entry(4, 16, [3])}}`, "`h` overlaps the tensor before it"],
    ["the same range", `{"g":${entry(0, 8)},"h":${entry(0, 8)},"i":${entry(8, 16)}}`, "overlaps"],
    ["a hole before the first", `{"g":${entry(8, 16)}}`, "8 bytes before `g` belong to no tensor"],
    ["a hole between two", `{"g":${entry(0, 8)},"h":${entry(12, 16, [1])}}`, "4 bytes before `h` belong to no tensor"],
    ["metadata that is none", `{"__metadata__":[1],"g":${entry(0, 16, [4])}}`, "`__metadata__`"],
    ["a key that ends in a backslash", `{"a\\\\":${entry(0, 8)},"a\\\\":${entry(8, 16)}}`, "twice"],
  ])("%s", async (_what, header, reason) => {
    const said = await read(header);
    expect(said).toContain("error[E0660]: m.safetensors is not a valid safetensors file");
    expect(said).toContain(reason);
  });

  test("a list has no keys, and a key of an inner object is another one", async () => {
    expect(await read(`{"__metadata__":{"g":"g","h":"[\\"g\\":1,"},"g":${entry(0, 8)},"h":${entry(8, 16)}}`)).toBe(
      "1 2",
    );
  });

  test("Comfy-Org/ComfyUI#15602: trailing bytes, with what to do", async () => {
    const header = `{"g":${entry(0, 8)}}`;
    const place = new Workplace({ "m.safetensors": withHeader(header, floats(1, 2, 3)) });
    expect(await loaded(place, 'load("m.safetensors", "g")')).toContain("4 bytes follow its last tensor");
    const { stderr } = await place.run(["run", "p.tir", "--device", "cpu"]);
    const size = Number(/`truncate -s (\d+) FILE`/.exec(stderr)?.[1]);
    place.write("m.safetensors", place.bytes("m.safetensors").subarray(0, size));
    expect(await loaded(place, 'load("m.safetensors", "g")')).toBe("1 2");
  });
});

describe("numbers beyond the type of the program are refused, with where they stand", () => {
  const stored = (dtype: string, array: ArrayBufferView, shape = [2]) =>
    safetensors({ w: { dtype, shape, bytes: bytesOf(array) } });
  test.each<[string, Uint8Array, string, string]>([
    ["F64 in f32", stored("F64", Float64Array.of(1, 1e300)), "f32[2]", "`w` in m.safetensors holds 1e+300 at [1]"],
    ["F32 in f16", stored("F32", Float32Array.of(-70000, 1)), "f16[2]", "holds -70000 at [0]"],
    ["I64 in i32", stored("I64", BigInt64Array.of(1n, 2n ** 40n)), "i32[2]", "holds 1099511627776 at [1]"],
    ["a matrix", stored("F64", Float64Array.of(0, 0, 0, 0, -1e39, 0), [2, 3]), "f32[2, 3]", "holds -1e+39 at [1, 1]"],
  ])("%s", async (_what, file, type, reason) => {
    const said = await loaded(new Workplace({ "m.safetensors": file }), 'load("m.safetensors", "w")', type);
    expect(said).toContain("p.tir:1:1: error[E0667]");
    expect(said).toContain(reason);
  });

  test("the largest numbers, infinities and NaN stay, and what is small is rounded", async () => {
    const numbers = Float64Array.of(3.4028235677973362e38, Infinity, NaN, 1e-300);
    const place = new Workplace({ "m.safetensors": stored("F64", numbers, [4]) });
    expect(await loaded(place, 'load("m.safetensors", "w")', "f32[4]")).toBe("3.40282e+38 Infinity NaN 0");
  });

  test.each<[string, string, Uint8Array, string, string]>([
    ["<f8", "f32", bytesOf(Float64Array.of(1e300)), "1e+300", "E0637"],
    ["<f4", "f16", floats(65520), "65520", "E0637"],
    ["<i8", "i32", bytesOf(BigInt64Array.of(-(2n ** 31n) - 1n)), "-2147483649", "E0637"],
  ])("%s of a .npy file in %s", async (stored, type, bytes, value, code) => {
    const place = new Workplace({
      "p.tir": `fn f(x: ${type}[1]) -> ${type}[1] { return x + x }`,
      "x.npy": npyFile(stored, [1], bytes),
    });
    const { stderr } = await place.run(["run", "p.tir", "--in", "x=x.npy", "--device", "cpu"]);
    expect(stderr).toContain(`error[${code}]: x.npy holds ${value} at [0]`);
  });
});

describe("rogersce/cnpy PR #77, npyjs#40, stdlib PR #581, visgl/loaders.gl PR #986: headers of .npy", () => {
  const header = (fields: string, version = 1, data = floats(1, 2)) =>
    loaded(new Workplace({ "w.npy": npyWithHeader(`{${fields}}\n`, data, version) }), 'load("w.npy")');
  const fields = "'descr': '<f4', 'fortran_order': False, 'shape': (2,), ";

  test.each<[string, string, number?]>([
    ["version 2", fields, 2],
    ["version 3", fields, 3],
    ["more than 255 bytes", fields.padEnd(300)],
    ["another order, without the last comma", "'shape': (2,), 'fortran_order': False, 'descr': '<f4'"],
    ["a shape without its last comma", fields.replace("(2,)", "(2)")],
    ["an L behind an extent", fields.replace("(2,)", "(2L,)")],
    ["double quotes", fields.replaceAll("'", '"')],
    ["the byte order of the machine", fields.replace("<f4", "=f4")],
    ["blanks everywhere", fields.replaceAll(" ", "   ").replace("(2,)", "( 2 , )")],
  ])("%s", async (_what, text, version) => {
    expect(await header(text, version)).toBe("1 2");
  });

  test("halves, and bytes without an order", async () => {
    const halves = bytesOf(Uint16Array.of(1, 2).map((value) => toFloat16Bits(value)));
    expect(await header(fields.replace("<f4", "<f2"), 1, halves)).toBe("1 2");
    const place = new Workplace({ "w.npy": npyFile("|i1", [2], bytesOf(Int8Array.of(-1, 2))) });
    expect(await loaded(place, 'load("w.npy")', "i32[2]")).toBe("-1 2");
  });

  test.each<[string, string, string]>([
    ["Fortran order", fields.replace("False", "True"), "E0632"],
    ["big-endian", fields.replace("<f4", ">f4"), "E0633"],
    ["complex", fields.replace("<f4", "<c8"), "E0634"],
    ["records", fields.replace("'<f4'", "[('a', '<f4'), ('b', '<f4', (2,))]"), "E0634"],
    ["cut off", fields.replace("(2,)", "(3,)"), "E0635"],
    ["trailing bytes", fields.replace("(2,)", "(1,)"), "E0635"],
    ["a key that no array has", `${fields}'x': 1, `, "E0631"],
    ["no end", fields.replace(", 'shape'", " 'shape'"), "E0631"],
    ["a shape that is no tuple", fields.replace("(2,)", "2"), "E0631"],
    ["an extent that is no number", fields.replace("(2,)", "(two,)"), "E0631"],
    ["extents without a comma", fields.replace("(2,)", "(1 2)"), "E0631"],
    ["an open string", fields.replace("'<f4'", "'<f4"), "E0631"],
  ])("%s", async (_what, text, code) => {
    expect(await header(text)).toContain(`error[${code}]`);
  });
});

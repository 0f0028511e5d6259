/** Archives written back: what changes, that all else is the same bytes, and that they compute the same. */

import { crc32 } from "node:zlib";
import { type UnzipFileInfo, unzipSync } from "fflate";
import { expect, test } from "vitest";
import { referenceOutputs } from "../../src/cli/model-reference.ts";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { bytesOf } from "../../src/onnx/write.ts";
import { Pt2Model } from "../../src/pt2/model.ts";
import { type Surgery, type SurgeryOptions, surgery } from "../../src/surgery/surgery.ts";
import { archiveBytes, expected, feedsOf, type Outcome, openArchive } from "../support/pt2.ts";

const bytesIn = ({ source, pieces }: Pick<Surgery, "source" | "pieces">) => {
  return new Uint8Array(Buffer.concat([...bytesOf(source, pieces)]));
};

const reopened = (name: string, bytes: Uint8Array) => Pt2Model.read(bytesInMemory(`${name}.rms.pt2`, bytes));

function written(name: string, options: SurgeryOptions = {}) {
  const result = surgery(openArchive(name), options);
  const bytes = bytesIn(result);
  return { result, bytes, model: reopened(name, bytes) };
}

const known = new Map<string, ReturnType<typeof written>>();

/** Each archive without options once. */
function operated(name: string, options?: SurgeryOptions): ReturnType<typeof written> {
  if (options !== undefined) return written(name, options);
  const result = known.get(name) ?? written(name);
  known.set(name, result);
  return result;
}

/** How far the output is from that of PyTorch in float64, as a part of its largest number. */
function distance(name: string, model: Pt2Model): number {
  const { output } = expected[name] as Outcome;
  const [made] = [...referenceOutputs(model, feedsOf(name, model)).outputs.values()];
  const largest = Math.max(...output.numbers.map(Math.abs));
  return Math.max(...output.numbers.map((want, i) => Math.abs(want - (made?.numbers[i] ?? Number.NaN)))) / largest;
}

const targets = ({ program }: Pt2Model) => program.nodes.map(({ target }) => target.replace("torch.ops.aten.", ""));

/** Of the names of entries, those whose bytes are others. */
function otherEntries(before: Uint8Array, after: Uint8Array): string[] {
  const [was, now] = [unzipSync(before), unzipSync(after)];
  const names = new Set([...Object.keys(was), ...Object.keys(now)]);
  const isSame = (name: string) =>
    was[name] !== undefined && Buffer.from(was[name]).equals(now[name] ?? new Uint8Array());
  return [...names].filter((name) => !isSame(name)).map((name) => name.replace(/^[^/]*\//, ""));
}

// With weights rounded to f32, or to halves.
test.each([
  ...["mlp", "gpt", "decomposed", "bert", "vit", "shared"].map((name) => [name, 1e-6] as const),
  ["half", 5e-3] as const,
])("%s computes what it did, as RMSNorms", (name, most) => {
  const { result, model } = operated(name);
  expect(result.norms.some(({ writtenAs }) => writtenAs === "rms_norm")).toBe(true);
  const folded = result.norms.filter(({ centering }) => centering === "folded").length;
  expect(targets(model).filter((target) => target === "rms_norm.default")).toHaveLength(folded);
  expect(distance(name, model)).toBeLessThan(most);
});

test.each(["mlp", "gpt", "bert", "vit", "shared", "decomposed", "bfloat"])(
  "a second surgery on %s changes nothing",
  (name) => {
    const { bytes, model } = operated(name);
    expect(bytesIn(surgery(model))).toEqual(bytes);
  },
);

test("what has no norm to write comes back as it was", () => {
  expect(operated("llama").bytes).toEqual(archiveBytes("llama"));
});

test("weights of bfloat16 are centered in float64 and rounded once, to the nearest and ties to even", () => {
  const nearest = (value: number) => {
    const bits = new Uint32Array(Float32Array.of(value).buffer)[0] as number;
    const rounded = bits + 0x7fff + ((bits >>> 16) & 1);
    return new Float32Array(Uint32Array.of((rounded & 0xffff0000) >>> 0).buffer)[0] as number;
  };
  const [before, after] = [openArchive("bfloat"), operated("bfloat").model].map((model) =>
    model.numbers("first.weight"),
  );
  const was = before?.numbers as Float64Array;
  // [8, 4]: the rows that are normalized run along the first axis.
  const means = [0, 1, 2, 3].map((column) => was.filter((_, i) => i % 4 === column).reduce((sum, x) => sum + x, 0) / 8);
  expect(after?.type).toBe("BFLOAT16");
  expect(after?.numbers).toEqual(was.map((value, i) => nearest(value - (means[i % 4] as number))));
});

test("what did not change is the same bytes: entries, and nodes in the JSON", () => {
  const { bytes } = operated("mlp");
  const first = ["data/weights/weight_0", "data/weights/weight_1"];
  // The bias of the norm is in the product now, and gone.
  const gone = "data/weights/weight_3";
  const others = ["data/weights/weight_5", "data/weights/weight_6", "data/weights/weight_7"];
  const lists = ["data/weights/model_weights_config.json", "models/model.json"];
  expect(otherEntries(archiveBytes("mlp"), bytes)).toEqual([...first, gone, ...others, ...lists]);
  const textOf = (archive: Uint8Array) => new TextDecoder().decode(unzipSync(archive)["mlp/models/model.json"]);
  const [was, now] = [textOf(archiveBytes("mlp")), textOf(bytes)];
  expect(now.slice(now.indexOf('"sym_int_values"'), now.indexOf('"signature"'))).toBe(
    was.slice(was.indexOf('"sym_int_values"'), was.indexOf('"signature"')),
  );
  expect(now.slice(now.indexOf('"output_specs"'))).toBe(was.slice(was.indexOf('"output_specs"')));
  const [relu] = was.match(/\{"target": "torch\.ops\.aten\.relu\.default".*?"name": "relu"\}/) as [string];
  expect(now).toContain(relu);
});

test("the state keeps its names, and a table that something else reads stays as it is", () => {
  const names = (model: Pt2Model) => [...model.archive.tensors.keys()];
  expect(names(operated("mlp").model)).toEqual(names(openArchive("mlp")).filter((name) => name !== "norm.bias"));
  const { model } = operated("gpt");
  const [was, now] = [openArchive("gpt"), model];
  expect(names(now)).toEqual([
    ...names(was).filter((name) => name !== "block.norm.bias" && name !== "norm.bias"),
    "head.weight_centered",
    "head.weight_shifted",
  ]);
  expect(now.numbers("head.weight.T")).toEqual(was.numbers("head.weight.T"));
  const centered = now.numbers("head.weight_centered")?.numbers as Float64Array;
  const table = was.numbers("head.weight")?.numbers as Float64Array;
  for (let row = 0; row < 16; row++) {
    const values = [...table.subarray(8 * row, 8 * row + 8)];
    const mean = values.reduce((sum, value) => sum + value, 0) / 8;
    expect([...centered.subarray(8 * row, 8 * row + 8)]).toEqual(values.map((value) => Math.fround(value - mean)));
  }
});

test("views of one storage are written apart", () => {
  const { model } = operated("shared");
  const storages = [...model.archive.tensors.values()].map(({ storage }) => storage.name);
  expect(new Set(storages).size).toBe(storages.length);
});

test.each(["mlp", "gpt", "shared"])("entries of %s have their checksum, and begin where PyTorch maps them", (name) => {
  const { bytes, model } = operated(name);
  for (const { data, crc } of model.archive.directory.entries) {
    expect(crc32(bytes.subarray(data.start, data.end))).toBe(crc);
    expect(data.start % 64).toBe(0);
  }
  const listed: UnzipFileInfo[] = [];
  unzipSync(bytes, { filter: (file) => listed.push(file) < 0 });
  const own = model.archive.directory.entries.map(({ name, data }) => [name, data.end - data.start]);
  expect(listed.map(({ name, size }) => [name, size])).toEqual(own);
});

test("--norm-op primitive writes what the norm is made of", () => {
  const { model } = operated("mlp", { normOp: "primitive" });
  const norm = ["pow.Tensor_Scalar", "mean.dim", "add.Tensor", "sqrt.default", "div.Tensor"];
  expect(targets(model).join(" ")).toContain(norm.join(" "));
  expect(distance("mlp", model)).toBeLessThan(1e-6);
});

test("--norm-op rmsnorm writes a centering that stays as mean and sub", () => {
  const { model } = operated("bert", { normOp: "rmsnorm" });
  expect(targets(model).join(" ")).toContain("mean.dim sub.Tensor rms_norm.default");
  expect(distance("bert", model)).toBeLessThan(1e-6);
});

test("--norm-op skip and simplified are refused", () => {
  for (const normOp of ["skip", "simplified"] as const) {
    expect(() => surgery(openArchive("mlp"), { normOp })).toThrow(/E0774/);
  }
});

test("--fold gamma puts gamma into the product behind", () => {
  const { model, result } = operated("mlp", { fold: ["gamma", "beta"] });
  expect(result.norms[0]?.isGammaFolded).toBe(true);
  expect([...model.archive.tensors.keys()]).not.toContain("norm.weight");
  expect(distance("mlp", model)).toBeLessThan(1e-6);
});

test("a tied table into which a gamma goes, and that is centered, becomes two weights", () => {
  const { model } = operated("gpt", { fold: ["gamma", "beta"] });
  expect(distance("gpt", model)).toBeLessThan(1e-6);
});

test("an archive in which 8-bit weights may become floats is written as an archive", () => {
  expect(operated("mlp", { dequantize: true }).bytes).toEqual(operated("mlp").bytes);
});

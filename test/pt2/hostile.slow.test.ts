/** Archives that lie: a diagnostic, whatever they hold, and nothing is written. */

import { strToU8, unzipSync, type Zippable, zipSync } from "fflate";
import { expect, test } from "vitest";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { bytesInMemory } from "../../src/onnx/bytes.ts";
import { Pt2Model } from "../../src/pt2/model.ts";
import { surgery } from "../../src/surgery/surgery.ts";
import { Workplace } from "../support/cli.ts";
import { archiveBytes } from "../support/pt2.ts";

type Entries = Record<string, Uint8Array>;

const sound = (): Entries => unzipSync(archiveBytes("mlp"));
const stored = (entries: Entries, level: 0 | 6 = 0) => zipSync(entries as Zippable, { level });
const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** The archive with the text of one of its entries changed; the replaced text must exist. */
function edited(entry: string, from: string | RegExp, to: string): Uint8Array {
  const entries = sound();
  const text = textOf(entries[`mlp/${entry}`]);
  const now = text.replace(from, to);
  expect(now).not.toBe(text);
  return stored({ ...entries, [`mlp/${entry}`]: strToU8(now) });
}

const inModel = (from: string | RegExp, to: string) => edited("models/model.json", from, to);
const inWeights = (from: string | RegExp, to: string) => edited("data/weights/model_weights_config.json", from, to);
const without = (...names: string[]) =>
  stored(Object.fromEntries(Object.entries(sound()).filter(([name]) => !names.includes(name))));

/** The archive with every place where some bytes stand changed to others of that length. */
function patched(from: string, to: string): Uint8Array {
  const bytes = Buffer.from(archiveBytes("mlp"));
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) bytes.write(to, at, "latin1");
  return new Uint8Array(bytes);
}

/** Where the directory begins; the sample inputs are an archive too. */
const directoryOf = (bytes: Buffer) => bytes.readUInt32LE(bytes.length - 6);

/** A number of the directory's first record changed. */
function inDirectory(at: number, value: number): Uint8Array {
  const bytes = Buffer.from(archiveBytes("mlp"));
  bytes.writeUInt32LE(value, directoryOf(bytes) + at);
  return new Uint8Array(bytes);
}

const first = '"first.weight": {"path_name": "weight_0"';
const weight = /(first\.weight.*?"sizes": )\[.*?\]/;

const cases: readonly (readonly [what: string, make: () => Uint8Array, code: string])[] = [
  ["nothing", () => new Uint8Array(), "E0770"],
  ["text", () => strToU8("a text"), "E0770"],
  ["the first half", () => archiveBytes("mlp").subarray(0, 8000), "E0770"],
  ["compressed entries", () => stored(sound(), 6), "E0771"],
  ["a name that leads out", () => stored({ ...sound(), "mlp/../../x": new Uint8Array(1) }), "E0770"],
  ["an absolute name", () => stored({ ...sound(), "/etc/passwd": new Uint8Array(1) }), "E0770"],
  ["a name of another system", () => stored({ ...sound(), "C:\\x": new Uint8Array(1) }), "E0770"],
  ["a name twice", () => patched("weight_1", "weight_0"), "E0770"],
  ["an entry that is longer than the file", () => inDirectory(24, 2 ** 31), "E0770"],
  ["an entry that reaches into the next", () => patchedSizes(4096), "E0770"],
  ["an entry that is not where it says", () => inDirectory(42, 7), "E0770"],
  ["two entries in one place", () => twoInOnePlace(), "E0770"],
  ["a wrong checksum", () => patched('"schema_version"', '"schema-version"'), "E0770"],
  ["weights that are a pickle", () => stored({ "m/serialized_state_dict.pt": new Uint8Array(1) }), "E0771"],
  ["an archive of torch.save", () => stored({ "m/data.pkl": new Uint8Array(1) }), "E0771"],
  ["no format", () => without("mlp/archive_format"), "E0771"],
  ["another format", () => edited("archive_format", "pt2", "pt3"), "E0771"],
  ["the high byte first", () => edited("byteorder", "little", "big"), "E0771"],
  ["no program", () => without("mlp/models/model.json"), "E0771"],
  ["two programs", () => stored({ ...sound(), "mlp/models/b.json": new Uint8Array(1) }), "E0771"],
  ["a later schema", () => inModel('"major": 8', '"major": 9'), "E0772"],
  ["an earlier schema", () => inModel('"major": 8', '"major": 7'), "E0772"],
  ["JSON that ends", () => inModel(/.{100}$/, ""), "E0770"],
  ["a key twice", () => inModel('"major": 8', '"major": 8, "major": 8'), "E0770"],
  [
    "values that nest deep",
    () => inModel('"metadata": {}', `"metadata": ${"[".repeat(200)}${"]".repeat(200)}`),
    "E0770",
  ],
  ["a program that is a list", () => stored({ ...sound(), "mlp/models/model.json": strToU8("[]") }), "E0770"],
  ["a node without a target", () => inModel('"target": ', '"goal": '), "E0770"],
  ["a target that is a number", () => inModel(/"target": "[^"]*"/, '"target": 3'), "E0770"],
  ["an argument of two kinds", () => inModel('{"as_tensor": {"name": "x"}}', '{"as_int": 1, "as_float": 2}'), "E0770"],
  [
    "a tensor that nothing makes",
    () =>
      inModel(
        '"name": "self", "arg": {"as_tensor": {"name": "linear_1"',
        '"name": "self", "arg": {"as_tensor": {"name": "linear_9"',
      ),
    "E0742",
  ],
  [
    "a tensor that is made twice",
    () => inModel('"outputs": [{"as_tensor": {"name": "relu"', '"outputs": [{"as_tensor": {"name": "linear"'),
    "E0744",
  ],
  ["weights that are no tensors", () => inWeights('"use_pickle": false', '"use_pickle": true'), "E0771"],
  ["a path that leads out", () => inWeights(first, first.replace("weight_0", "../../byteorder")), "E0773"],
  ["a tensor that is longer than its storage", () => inWeights(weight, '$1[{"as_int": 9}, {"as_int": 4}]'), "E0773"],
  ["a tensor of sizes that are no numbers", () => inWeights(weight, '$1[{"as_int": 1e300}, {"as_int": 4}]'), "E0773"],
  ["a negative size", () => inWeights(weight, '$1[{"as_int": -8}, {"as_int": 4}]'), "E0773"],
  ["fewer sizes than strides", () => inWeights(weight, '$1[{"as_int": 8}]'), "E0770"],
  [
    "an offset behind the storage",
    () => inWeights('"storage_offset": {"as_int": 0}', '"storage_offset": {"as_int": 99}'),
    "E0773",
  ],
  ["a row that is repeated without end", () => repeatedRow(), "E0773"],
];

/** Both sizes of the first record. */
function patchedSizes(size: number): Uint8Array {
  const bytes = Buffer.from(inDirectory(20, size));
  bytes.writeUInt32LE(size, directoryOf(bytes) + 24);
  return new Uint8Array(bytes);
}

/** The second entry where the first is. */
function twoInOnePlace(): Uint8Array {
  const bytes = Buffer.from(archiveBytes("mlp"));
  const record = directoryOf(bytes);
  bytes.writeUInt32LE(0, bytes.indexOf("PK\x01\x02", record + 4, "latin1") + 42);
  return new Uint8Array(bytes);
}

function repeatedRow(): Uint8Array {
  const sizes = '$1[{"as_int": 1000000}, {"as_int": 4}]';
  const entries = unzipSync(inWeights(weight, sizes));
  const config = "mlp/data/weights/model_weights_config.json";
  const text = textOf(entries[config]).replace(
    /(first\.weight.*?"strides": )\[.*?\]/,
    '$1[{"as_int": 0}, {"as_int": 1}]',
  );
  return stored({ ...entries, [config]: strToU8(text) });
}

/** The codes of the diagnostics; empty if it is read. */
function codesOf(bytes: Uint8Array): string[] {
  try {
    surgery(Pt2Model.read(bytesInMemory("m.pt2", bytes)));
    return [];
  } catch (caught) {
    if (!(caught instanceof TircError)) throw caught;
    return caught.diagnostics.map(({ code }) => code);
  }
}

test("the archive is read as another writer packs it", () => {
  expect(codesOf(stored(sound()))).toEqual([]);
});

test.each(cases)("%s", (_what, make, code) => {
  expect(codesOf(make())).toContain(code);
});

test("whatever byte is another one, a diagnostic at most", () => {
  const bytes = archiveBytes("mlp");
  // Bytes of the graph and the directory, where each has a meaning.
  const from = Buffer.from(bytes).indexOf('{"graph_module"');
  for (let i = 0; i < 100; i++) {
    const other = bytes.slice();
    const at = i % 2 === 0 ? from + ((i * 7919) % (bytes.length - from)) : bytes.length - 1 - ((i * 31) % 2000);
    other[at] = (other[at] as number) ^ (1 << (i % 8));
    expect(() => codesOf(other)).not.toThrow();
  }
});

test("what is refused leaves no file behind", async () => {
  for (const make of [
    () => archiveBytes("mlp").subarray(0, 9000),
    cases.find(([what]) => what === "a name that leads out")?.[1],
  ]) {
    const place = new Workplace({ "m.pt2": (make as () => Uint8Array)() });
    const { code } = await place.run(["surgery", "m.pt2", "-o", "out/../rms.pt2"]);
    expect(code).toBe(2);
    expect(place.files()).toEqual(["m.pt2"]);
  }
});

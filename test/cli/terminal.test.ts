/**
 * What a file says never reaches a terminal as it is: names with escape sequences, control characters and marks that turn
 * text around ("Trojan Source", CVE-2021-42574), in every command that shows them.
 */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { jsonText } from "../../src/diagnostics/json.ts";
import { emitModule } from "../../src/emit/module.ts";
import { compile } from "../../src/index.ts";
import { importModel } from "../../src/onnx/import.ts";
import { parse } from "../../src/parse/parse.ts";
import { Workplace } from "../support/cli.ts";
import { imported } from "../support/import-onnx.ts";
import { npyWithHeader } from "../support/npy.ts";
import { node, onnxModel, spread, weight } from "../support/onnx.ts";
import { withHeader } from "../support/safetensors.ts";

/** A title is set, the screen cleared by an 8-bit control, text deleted and turned around, a line begun. */
const evil = "\u001b]0;title\u0007\u009b2J\u007f\u202e\u2066\r\nfake: error\u2028";

/** Whatever a terminal or a reader would obey, but for line breaks. */
const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/u;

function expectHarmless(text: string, what: string): void {
  expect(obeyed.exec(text)?.[0].codePointAt(0), what).toBeUndefined();
  // The line break in the name does not start a new line.
  expect(
    text.split("\n").filter((line) => line.startsWith("fake")),
    what,
  ).toEqual([]);
}

const name = (base: string) => `${base}${evil}`;
const model = onnxModel({
  inputs: { [name("x")]: { element: "f32", shape: [name("rows"), 4] } },
  outputs: { [name("y")]: { element: "f32" }, [name("z")]: { element: "f32" } },
  weights: {
    [name("w")]: weight("f32", [4, 4], ...spread(16)),
    g: weight("f32", [4], 1, 2, 3, 4),
    b: weight("f32", [4], 1, 2, 3, 4),
  },
  nodes: [
    node("MatMul", [name("x"), name("w")], [name("h")], { name: name("product") }),
    node("LayerNormalization", [name("h"), "g", "b"], [name("y")], { name: name("norm") }),
    node(name("Op"), [name("y")], [name("z")], { name: name("other"), domain: name("domain") }),
  ],
});
const wrong = onnxModel({
  outputs: { [name("y")]: { element: "f32" } },
  nodes: [node(name("Op"), [name("x")], [name("y")])],
});
const files = {
  "m.onnx": model,
  "wrong.onnx": wrong,
  "p.tir": `# ${evil}\nfn f(x: f32[4]) -> f32[4] { return x + "${evil.replaceAll(/[\r\n]/g, "")}" }\n`,
  "norm.tir": "fn f(x: f32[rows, 4]) -> f32[rows, 4] { return layernorm(x, axes = [-1]) }\n",
  "tensor.tir": 'const w: f32[4] = load("m.safetensors", "w")\nfn f(x: f32[4]) -> f32[4] { return x + w }\n',
  "m.safetensors": withHeader(JSON.stringify({ [evil]: { dtype: evil } }), new Uint8Array(4)),
  "x.npy": npyWithHeader(`{'descr': '${evil}', 'fortran_order': False, 'shape': (1,)}`, new Uint8Array(4)),
  "t.json": JSON.stringify({ name: evil, kind: evil, [evil]: evil, features: evil }),
  [`${evil.replaceAll("/", "")}.tir`]: "fn f(x: f32[4]) -> f32[4] { return layernorm(y) }\n",
};
const evilFile = Object.keys(files).at(-1) as string;

const lines: readonly (readonly string[])[] = [
  ["surgery", "m.onnx"],
  ["surgery", "m.onnx", "--remarks"],
  ["surgery", "m.onnx", "--json"],
  ["surgery", "m.onnx", "--check"],
  ["surgery", "m.onnx", "--check", "--dim", "none=4"],
  ["import", "m.onnx"],
  ["import", "m.onnx", "--remarks"],
  ["import", "wrong.onnx"],
  ["extract", "m.onnx"],
  ["check", "p.tir"],
  ["compile", "p.tir"],
  ["compile", "norm.tir", "--target", "t.json"],
  ["run", "tensor.tir", "--device", "cpu"],
  ["run", "norm.tir", "--device", "cpu", "--in", "x=x.npy"],
  ["check", evilFile],
  ["fmt", "--check", evilFile],
  ["explain-norms", evilFile],
  ["compile", evilFile, "-o", evil],
  ["explain", evil],
  [evil],
  ["compile", "norm.tir", "--passes", evil, `--${evil}`],
];

describe.each(["pretty", "short", "json"])("--diagnostics %s", (form) => {
  test.each(lines.map((argv) => [argv.map((word) => JSON.stringify(word)).join(" "), argv] as const))(
    "%s",
    async (_shown, argv) => {
      const { stdout, stderr } = await new Workplace(files).run([...argv, "--diagnostics", form]);
      expectHarmless(stdout, "stdout");
      expectHarmless(stderr, "stderr");
      expect(stdout + stderr).not.toBe("");
    },
  );
});

test("the names are there, with pictures for what they hold", async () => {
  const { stdout } = await new Workplace(files).run(["surgery", "m.onnx"]);
  expect(stdout).toContain("    norm␛]0;title␇�2J␡��␍␊fake: error� (LayerNormalization)  gamma, beta  eps 1e-5\n");
});

test("JSON has them escaped, and is the same when it is read", async () => {
  const { stdout } = await new Workplace(files).run(["surgery", "m.onnx", "--json"]);
  expect(JSON.parse(stdout).norms[0].tensors).toEqual([name("y")]);
  const all = String.fromCharCode(...Array(0x2100).keys());
  expect(JSON.parse(jsonText({ [all]: all }))).toEqual({ [all]: all });
  expect(obeyed.exec(jsonText(all))).toBeNull();
});

test("an imported program has them escaped, each name its own", async () => {
  const place = new Workplace(files);
  await place.run(["import", "m.onnx", "-o", "m.tir"]);
  expectHarmless(place.read("m.tir"), "m.tir");
  expect((await place.run(["run", "m.tir", "--device", "cpu"])).stderr).toContain("nothing computes");
  const clashing = onnxModel({
    outputs: { y: { element: "f32" } },
    weights: { 'a"': weight("f32", [1], 1), "a%22": weight("f32", [1], 2) },
    nodes: [node("Sub", ['a"', "a%22"], ["y"])],
  });
  const { module, model: read } = imported(clashing);
  const written = module.consts.map(({ data }) => (data.kind === "load" ? data.tensor : ""));
  expect(written.map((tensor) => read.tensorWritten(tensor as string))).toEqual(['a"', "a%22"]);
  expect(importModel(read, "model.onnx").module.consts).toHaveLength(2);
});

test("the name of a file ends no comment of a module", () => {
  const { kernels } = compile(parse("fn f(x: f32[4]) -> f32[4] { return exp(x) }"));
  const [first, second] = emitModule(kernels, { language: "js", source: "a.tir\nevil()\u2028evil()//" }).split(
    /[\n\r\u2028\u2029]/,
  );
  expect(first).toMatch(/^\/\/ Made by tirc from a\.tir evil\(\).evil\(\)\/\/\./);
  expect(second).not.toContain("evil");
});

test("nothing but the session writes to a stream", () => {
  const folder = new URL("../../src/cli/", import.meta.url);
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const writers = sources.filter((file) => {
    return /\b(stdout|stderr)\s*\(|\bconsole\.|process\.std/.test(readFileSync(new URL(file, folder), "utf8"));
  });
  expect(writers).toEqual(["process.ts", "session.ts"]);
});

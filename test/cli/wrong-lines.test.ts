/** Wrong command lines: their codes and exit codes; the full output is in test/golden/command-lines.txt. */

import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addNorm, twoFunctions, Workplace } from "../support/cli.ts";
import { expectGolden } from "../support/golden.ts";
import { npyFile } from "../support/npy.ts";
import { small as model } from "../support/surgery.ts";

const place = new Workplace({
  "f.tir": addNorm,
  "two.tir": twoFunctions,
  "none.tir": "// nothing here\n",
  "whole.tir": "fn pick(i: i32[n], on: bool[n]) -> (y: i32[n]) {\n  return where(on, i, 0)\n}\n",
  "wrong.tir": "fn f(x: f32[n]) -> (y: f32[n]) {\n  return gelo(x)\n}\n",
  "wide.tir": "fn f(x: f32[a, 1], y: f32[1, b]) -> (m: f32) {\n  let z = x + y\n  return max(z, axes = [0, 1])\n}\n",
  "latin1.tir": Buffer.from(`// caf\u00e9\n${addNorm}`, "latin1"),
  "header.tir": `// tirc-pipeline: canonicalise\n${addNorm}`,
  "folder/file.tir": addNorm,
  "folder/empty/note.txt": "",
  "throws.mjs": 'throw new Error("no luck")',
  "checkpoint/config.json": '{ "model_type": "gpt2" }',
  "model.onnx": model,
  weights: model,
  "text.onnx": addNorm,
  "x.npy": npyFile("<f4", [3, 8], Buffer.alloc(96)),
  "x4.npy": npyFile("<f4", [4, 8], Buffer.alloc(128)),
  "narrow.npy": npyFile("<f4", [3, 7], Buffer.alloc(84)),
  "flat.npy": npyFile("<f4", [24], Buffer.alloc(96)),
  "f8.npy": npyFile("<f8", [2], Buffer.alloc(16)),
  "far.npy": npyFile("<i8", [1], Buffer.from([0, 0, 0, 0, 1, 0, 0, 0])),
  "text.npy": "1.0 2.0\n",
  "t.json": '{ "name": "mine", "kind": "tpu" }',
  "broken.json": "{ name: 1 }",
});

symlinkSync("loop.tir", join(place.folder, "loop.tir"));

/** The command line (no word contains a space), the exit code, the codes in order, and a part of the output. */
const lines: readonly (readonly [string, number, string, string])[] = [
  ["complie f.tir", 2, "E0701", "did you mean `compile`?"],
  ["f.tir", 2, "E0701", "the command comes first: `tirc run f.tir`"],
  ["--verbose", 2, "E0701", "options follow the command: `tirc run FILE --compare`"],
  ["--versio", 2, "E0701", "did you mean `--version`?"],
  ["model.onnx --html", 2, "E0701", "the command comes first: `tirc explain-norms model.onnx`"],
  ["-v", 2, "E0701", "`tirc --version` prints the version"],
  ["version", 2, "E0701", "`tirc --version` prints the version"],
  ["help me", 2, "E0701", "there is no command `me`"],
  ["compile f.tir --tarket portable", 2, "E0702", "did you mean `--target`?"],
  ["compile f.tir --tarket portable two.tir", 2, "E0702 E0708", "takes one FILE at a time"],
  ["compile f.tir --compare", 2, "E0702", "`--compare` is an option of `tirc run`"],
  ["compile f.tir -x", 2, "E0702", "has no option `-x`"],
  ["check f.tir --json", 2, "E0702", "`tirc check` has no option"],
  ["compile f.tir --target", 2, "E0703", "`--target` needs a value"],
  ["compile f.tir -o --emit json", 2, "E0703", "`-o` needs a value"],
  ["compile f.tir --split-reductions", 2, "E0703", "where KIND is plans, long, all or none"],
  ["compile f.tir -O", 2, "E0703", "`-O` needs a value"],
  ["compile f.tir --timing=yes", 2, "E0704", "`--timing` takes no value"],
  ["run f.tir --compare=", 2, "E0704", "`--compare` takes no value"],
  ["compile f.tir --emit spirv", 2, "E0705", "wgsl, kernel, plan, tir, json, ts, typegpu or rust"],
  ["compile f.tir --emit=", 2, "E0705", "not an empty value"],
  ["compile f.tir -O3", 2, "E0705", "`-O` takes 0 or 1, not `3`"],
  ["check f.tir --diagnostics xml", 2, "E0705", "pretty, short or json"],
  ["run f.tir --device tpu", 2, "E0705", "auto, gpu or cpu"],
  ["run f.tir --seed -1", 2, "E0705", "a whole number from 0"],
  ["run f.tir --seed 4294967296", 2, "E0705", "not `4294967296`"],
  ["run f.tir --in x=rnd", 2, "E0705", "did you mean `rand`?"],
  ["run f.tir --in x=uniform(0)", 2, "E0705", "`uniform` takes two finite numbers"],
  ["run f.tir --in x=uniform(0,nan)", 2, "E0705", "`uniform` takes two finite numbers"],
  ["run f.tir --in x=uniform(1,1)", 2, "E0705", "its lower bound must be less than its upper bound"],
  ["run f.tir --in x=normal(0,-1)", 2, "E0705", "its standard deviation must not be negative"],
  ["run f.tir --in x=1e400", 2, "E0705", "`inf` is infinity"],
  ["grad f.tir --remarks=nope", 2, "E0705", "names of passes and codes of remarks"],
  ["passes --plugin throws.mjs", 2, "E0760", "`node throws.mjs` shows where it fails"],
  ["run f.tir --in x=rand(0,1)", 2, "E0705", "`uniform(LOW, HIGH)` or `normal(MEAN, DEVIATION)`"],
  ["compile f.tir --target portable --target gpu-f16", 2, "E0706", "first given here"],
  ["run f.tir --dim rows=1 --dim rows=2", 2, "E0706", "`--dim rows` is given twice"],
  ["run f.tir --in x=1 --in x=2", 2, "E0706", "`--in x` is given twice"],
  ["compile f.tir -O0 --mode lossy", 2, "E0719", "`--mode` applies to `eliminate-centering`"],
  ["compile f.tir --passes cse --mode off --weights-out w.safetensors", 2, "E0719 E0719", "--weights-out"],
  ["run f.tir --mode lossy --disable-pass eliminate-centering", 2, "E0719", "leave `--mode` out"],
  ["run f.tir --weights-out w.safetensors", 2, "E0702", "has no option `--weights-out`"],
  ["compile f.tir --weights-out -", 2, "E0705", "the name of a file"],
  ["compile f.tir --mode fast", 2, "E0705", "exact, lossy or off"],
  ["compile", 2, "E0707", "needs a .tir file"],
  ["explain", 2, "E0707", "the code of a diagnostic"],
  ["fmt --check", 2, "E0707", "`tirc fmt` needs"],
  ["compile f.tir two.tir", 2, "E0708", "takes one FILE at a time"],
  ["passes cse", 2, "E0708", "takes nothing but options"],
  ["compile -- -f.tir f.tir", 2, "E0708", "one FILE"],
  ["compile f.tir -O0 --passes default", 2, "E0709", "both select the passes"],
  ["compile f.tir --print-ir-after-all --print-ir-after-change", 2, "E0709", "one prints everything"],
  ["run f.tir --dim 4096", 2, "E0710", "`NAME=EXTENT`"],
  ["run f.tir --in x=", 2, "E0710", "`--in` takes"],
  ["run f.tir --out =y.npy", 2, "E0710", "`NAME=FILE.npy`"],
  ["run f.tir --dim row=4", 2, "E0711", "did you mean `rows`?"],
  ["compile f.tir --dim rows=1e3", 2, "E0711", "a whole number from 0 to 2^32 - 1, not `1e3`"],
  ["compile f.tir --dim rows=4294967296", 2, "E0711", "not `4294967296`"],
  ["run f.tir --in z=1 --in w=2", 2, "E0712 E0712", "it has `x` and `r`"],
  ["run f.tir --out z=z.npy", 2, "E0712", "it has `y`"],
  ["run two.tir", 2, "E0713", "`--fn first`, `--fn second`"],
  ["run none.tir", 1, "E0139", "none.tir"],
  ["compile two.tir -o f.tir", 2, "E0714", "2 kernels need a folder"],
  ["compile two.tir -o kernel.wgsl", 2, "E0714", "`kernel.wgsl` names a file"],
  ["explain 203", 2, "E0715", "did you mean `E0203`?"],
  ["explain E0204x", 2, "E0715", "did you mean `E0204`?"],
  ["run - --in x=-", 2, "E0716", "`-` is stdin"],
  ["check - -", 2, "E0716", "first used here"],
  ["run f.tir --json --out y=-", 2, "E0716", "`-` is stdout"],
  ["run whole.tir --in i=1.5", 2, "E0717", "i32[n], which cannot hold 1.5"],
  ["run whole.tir --in on=2", 2, "E0717", "it holds whole numbers from 0 to 1"],
  ["run whole.tir --in on=uniform(0,3)", 2, "E0717", "bool[n], which cannot hold uniform(0,3)"],
  ["run whole.tir --in i=normal(0,1)", 2, "E0717", "i32[n], which cannot hold normal(0,1)"],
  ["run whole.tir --in i=uniform(0.1,0.9)", 2, "E0717", "i32[n], which cannot hold uniform(0.1,0.9)"],
  ["run f.tir --in x=uniform(0,1e39)", 2, "E0717", "which cannot hold uniform(0,1e39)"],
  ["run wide.tir --device cpu --dim a=65536 --dim b=65536", 2, "E0718", "`z` is f32[65536, 65536]"],
  ["run f.tir --dim rows=100000000", 2, "E0718 E0718 E0718", "`x` is f32[100000000, 8]"],
  ["compile latin1.tir -o k.wgsl", 2, "E0640", "it is not UTF-8 text"],
  ["fmt latin1.tir", 2, "E0640", "it is not UTF-8 text"],
  ["compile f.tir --passes cannonicalize", 2, "E0301", "--passes:1:1: error"],
  ["compile f.tir --passes cse,dead,dc", 2, "E0301 E0301", "did you mean `dce`?"],
  ["compile f.tir --passes eliminate-centering{mod=exact}", 2, "E0302", "did you mean `mode`?"],
  ["compile f.tir --passes eliminate-centering{mode=extact}", 2, "E0303", "must be"],
  ["compile f.tir --passes fixpoint(cse", 2, "E0304", "but found the end"],
  ["compile f.tir --passes cse,,dce", 2, "E0304", "the name of a pass"],
  ["compile f.tir --disable-pass ces --print-ir-after fuse", 2, "E0301 E0301", "did you mean `cse`?"],
  ["compile header.tir", 2, "E0301", "header.tir:1:19"],
  ["compile f.tir --fn add_nrom", 2, "E0307", "did you mean `add_norm`?"],
  ["compile f.tir --target metal", 2, "E0590", "built-in targets"],
  ["compile f.tir --target broken.json", 2, "E0591", "is not JSON"],
  ["compile f.tir --target t.json", 2, "E0592", "`kind` must be"],
  ["compile f.tir --target all", 2, "E0705", "`--emit ts` writes a module with a kernel for each"],
  ["run f.tir --target all", 2, "E0705", "`--target auto` compiles for the device of this machine"],
  ["compile f.tir --emit tir --minify", 2, "E0709", "is not WGSL"],
  ["compile f.tir --emit kernel --minify", 2, "E0709", "is not WGSL"],
  ["compile f.tir --prove --emit tir", 2, "E0709", "it proves kernels, and none is compiled"],
  ["compile f.tir --explain-schedule --emit json", 2, "E0709", "schedules are explained instead of writing kernels"],
  ["compile f.tir --print-ir-after-change --print-ir-after cse", 2, "E0709", "both say after which passes to print"],
  ["run f.tir --device cpu --adapter nvidia", 2, "E0709", "the interpreter uses no adapter"],
  ["surgery model.onnx --keep-tied", 2, "E0709", "`--keep-tied` does not apply to a model"],
  [
    "surgery checkpoint --html page.html",
    2,
    "E0709",
    "`--html` does not apply to a checkpoint: it has weights, but no graph",
  ],
  ["compile f.tir --remarks=fuse", 2, "E0705", "names of passes and codes of remarks"],
  ["surgery model.onnx --fold gama", 2, "E0705", "did you mean `gamma`?"],
  ["bench f.tir --rounds 0", 2, "E0705", "for example, `--rounds=15`"],
  ["compile f.tir --source-map -", 2, "E0705", "for example, `--source-map=kernel.wgsl.map`"],
  ["compile f.tir --json", 2, "E0722", "add `--explain-schedule`, or leave `--json` out"],
  ["targets --adapter nvidia", 2, "E0722", "`--adapter` has no effect without `--detect`"],
  ["surgery model.onnx --in x=ones --keep", 2, "E0722 E0722", "add `--check` or `--time`"],
  ["verify f.tir", 2, "E0707", "`tirc verify` needs two .tir files"],
  ["verify f.tir two.tir none.tir", 2, "E0708", "`tirc verify` takes two files"],
  ["verify f.tir f.tir --dim row=4", 2, "E0711", "did you mean `rows`?"],
  ["verify f.tir f.tir --fn g", 2, "E0307", "there is `add_norm`"],
  ["passes --plugin no.mjs", 2, "E0760", "name the plugin's file"],
  ["passes --plugin folder", 2, "E0760", "it is a folder"],
  ["check loop.tir", 2, "E0640", "its symbolic links form a cycle"],
  ["types folder/empty", 2, "E0640", "no file in it ends with `.tir`"],
  ["types no/*.tir", 2, "E0640", "no file matches it"],
  ["compile f.tir --target no.json", 2, "E0640", "cannot read no.json"],
  ["compile model.onnx", 2, "E0642", "`tirc import model.onnx -o model.tir`"],
  ["run model.onnx", 2, "E0642", "`tirc surgery model.onnx`"],
  ["check model.onnx", 2, "E0642", "is an ONNX model"],
  ["fmt model.onnx", 2, "E0642", "is an ONNX model"],
  ["compile weights", 2, "E0642", "weights is an ONNX model"],
  ["compile text.onnx", 2, "E0642", "is an ONNX model"],
  ["import f.tir", 2, "E0644", "`tirc compile f.tir`"],
  ["compile no-such.onnx", 2, "E0640", "there is no such file"],
  ["compile no-such.tir", 2, "E0640", "there is no such file"],
  ["compile folder", 2, "E0640", "it is a folder"],
  ["check f.tir/x", 2, "E0640", "a part of the path is not a folder"],
  ["compile f.tir -o no/such/k.wgsl", 2, "E0641", "cannot write no/such/k.wgsl"],
  ["compile f.tir --dump-dir f.tir", 2, "E0641", "it is a file"],
  ["run f.tir --out y=no/y.npy", 2, "E0641", "create it first: `mkdir -p no`"],
  ["bench f.tir --svg folder", 2, "E0641", "it is a folder"],
  ["tune f.tir -o f.tir/x.json", 2, "E0641", "a part of the path is not a folder"],
  ["surgery model.onnx --report no/r.json", 2, "E0641", "there is no such folder"],
  ["compile f.tir -o ./f.tir", 2, "E0720", "`./f.tir` and `f.tir` are the same file"],
  ["compile f.tir -o k.wgsl --source-map k.wgsl", 2, "E0720", "would overwrite what `--output` writes"],
  ["run f.tir --out y=k.npy --out z=k.npy", 2, "E0712", "has no output `z`"],
  ["compile f.tir -o=", 2, "E0721", "`-o` is given an empty path"],
  ["run f.tir --in x=no.npy", 2, "E0640", "cannot read no.npy"],
  ["run f.tir --device cpu --in x=text.npy", 1, "E0630", "text.npy is not a .npy file"],
  ["run f.tir --device cpu --in x=narrow.npy", 1, "E0604", "axis 1 is 7, not 8"],
  ["run f.tir --device cpu --in x=flat.npy", 1, "E0604", "it has 1 dimensions, not 2"],
  ["run f.tir --device cpu --in x=x.npy --in r=x4.npy", 1, "E0606", "3 according to x.npy, but 4 according to x4.npy"],
  ["run f.tir --device cpu --in x=x.npy --dim rows=4", 1, "E0606", "4 according to --dim, but 3 according to x.npy"],
  ["run whole.tir --device cpu --in i=f8.npy", 1, "E0636", "holds `<f8`, but the input `i` is i32[n]"],
  ["run whole.tir --device cpu --in i=far.npy", 1, "E0637", "4294967296 at [0]"],
  ["compile wrong.tir -o out.wgsl", 1, "E0202", "did you mean `gelu`?"],
  ["run wrong.tir", 1, "E0202", "wrong.tir:2:10"],
  ["check wrong.tir no-such.tir", 2, "E0202 E0640", "no-such.tir"],
  ["fmt f.tir none.tir", 1, "E0139", "none.tir"],
  ["compile f.tir --bogus --emit x -O7 --dim", 2, "E0702 E0705 E0705 E0703", "`--dim` needs a value"],
  ["compile f.tir --passes nope --dim rows --target metal --disable-pass x", 2, "E0301 E0301 E0590 E0710", "metal"],
];

const words = (line: string) => (line === "" ? [] : line.split(" "));

test("there are at least 60 of them", () => {
  expect(lines.length).toBeGreaterThanOrEqual(60);
});

test.each(lines)("tirc %s", async (line, code, codes, part) => {
  const before = place.files();
  const result = await place.run(words(line));
  const found = [...result.stderr.matchAll(/ ?error\[(E\d{4})\]: /g)].map(([, name]) => name);
  expect(found.join(" ")).toBe(codes);
  expect(result.stderr).toContain(part);
  expect(result.code).toBe(code);
  expect(result.stdout).toBe("");
  expect(result.stderr).not.toMatch(/^\s+at .*:\d+/m);
  // Nothing is written where something is wrong.
  expect(place.files()).toEqual(before);
});

test("all that is said of them", async () => {
  const said: string[] = [];
  for (const [line] of lines) said.push(`$ tirc ${line}\n${(await place.run(words(line))).stderr}`);
  expectGolden("command-lines.txt", said.join("\n"));
});

test("what is said as JSON is an object a line, and as short text a line each", async () => {
  const line = ["compile", "f.tir", "--emit", "spirv", "--dim", "rows=x", "--dimm=1"];
  const json = (await place.run([...line, "--diagnostics", "json"])).stderr.trimEnd().split("\n");
  expect(json.map((text) => JSON.parse(text).code)).toEqual(["E0705", "E0702"]);
  const short = (await place.run([...line, "--diagnostics=short"])).stderr;
  expect(short).toBe(
    [
      "<command line>:1:27: error[E0705]: `--emit` takes wgsl, kernel, plan, tir, json, ts, typegpu or rust, not `spirv`",
      "<command line>:1:46: error[E0702]: `tirc compile` has no option `--dimm`",
      "",
    ].join("\n"),
  );
});

test.each(["\u0000", "\n", "a b", "'", "\u{1F600}", "-", "--", "=", "--=", "-=", "", "-O-", "--dim==", "-o="])(
  "the word %j anywhere is no crash",
  async (word) => {
    for (const argv of [
      [word],
      ["compile", word],
      ["compile", "f.tir", "-o", "k", word],
      ["run", "f.tir", "--in", word],
    ]) {
      const { code, stderr } = await place.run([...argv, "--emit", "x"]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/error\[E07\d\d\]/);
    }
  },
);

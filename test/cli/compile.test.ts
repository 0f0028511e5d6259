/** `tirc compile`: what it writes, and where. */

import { chmodSync, existsSync, lstatSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { generate } from "../../codegen/generate.ts";
import { minifyKernel } from "../../codegen/minify.ts";
import { compile } from "../../src/driver/compile.ts";
import { renderSourceMap } from "../../src/emit/source-map.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Program } from "../../src/kernel/statement.ts";
import { parse } from "../../src/parse/parse.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import type { SourceMap } from "../../src/target/source-map.ts";
import { portableTarget } from "../../src/target/target.ts";
import { addNorm, twoFunctions, Workplace } from "../support/cli.ts";

const equals = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
const twoKernels = "fn plan(x: f32[n, 16]) -> f32[n, 16] { return softmax(softmax(x, axes = [-1]), axes = [0]) }";
const files = { "f.tir": addNorm, "two.tir": twoFunctions };
const kernelOf = (text: string, dims = {}) => {
  const [kernel] = compile(parse(text), { dims }).kernels;
  if (kernel === undefined) throw new Error("no kernel");
  const { name, wgsl, manifest } = kernel;
  return { name, wgsl, manifest };
};

describe("--explain-schedule", () => {
  const args = ["compile", "two.tir", "--explain-schedule"];
  const rates = { gigabytes: 400, gigaoperations: 4000, transcendental: 4, barrier: 4, workgroup: 1e6, launch: 5000 };
  const mine = JSON.stringify({ name: "mine", kind: "gpu", rates });

  test("says for each function which schedules there are, and why one was chosen", async () => {
    const { code, stdout, stderr } = await new Workplace(files).run(args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^first, .* for portable \([0-9a-f]{16}\): by the rules for the target/);
    expect(stdout).toMatch(/^second, /m);
    expect(stdout.match(/ chosen$/gm)).toHaveLength(2);
    expect(stdout).toMatch(/^ +lanes +workgroup +rows +width +keep +us +MB /m);
  });

  test("as JSON, each candidate with its counts", async () => {
    const { stdout } = await new Workplace(files).run([...args, "--json"]);
    const explained = JSON.parse(stdout);
    expect(explained).toMatchObject([
      { fn: "first", target: "portable", by: "rules" },
      { fn: "second", target: "portable", by: "rules" },
    ]);
    for (const { chosen, candidates } of explained) {
      const [found] = candidates.filter((one: { choice: unknown }) => equals(one.choice, chosen));
      expect(found.estimate.bytesStored).toBeGreaterThan(0);
    }
  });

  test("by the rates of a profile", async () => {
    const place = new Workplace({ ...files, "mine.json": mine });
    const { stdout } = await place.run([...args, "--fn", "first", "--target", "mine.json"]);
    expect(stdout).toMatch(/^first, .* for mine .*: the least estimate, by the rates of the profile$/m);
    expect(stdout).toMatch(/ usual$/m);
  });

  test("by the least estimate of all schedules, on request", async () => {
    const { code, stdout } = await new Workplace(files).run([...args, "--fn", "first", "--schedule", "least-estimate"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^first, .*: the least estimate, by the rates of a common graphics card$/m);
  });

  test("writes nothing else", async () => {
    const { code, stderr } = await new Workplace(files).run([...args, "--emit", "ts"]);
    expect(code).toBe(2);
    expect(stderr).toContain("error[E0709]: `--explain-schedule` and `--emit` cannot be combined");
  });
});

describe("on stdout", () => {
  test("stands the WGSL, and nothing else is said", async () => {
    const { code, stdout, stderr } = await new Workplace(files).run(["compile", "f.tir"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(kernelOf(addNorm).wgsl);
  });

  test("the program may come from stdin", async () => {
    const { code, stdout } = await new Workplace().run(["compile", "-"], { stdin: addNorm });
    expect(code).toBe(0);
    expect(stdout).toBe(kernelOf(addNorm).wgsl);
  });

  test.each([
    ["rust", ["pub mod first {", "pub mod second {"], ["pub mod plan_1 {", "pub mod plan {"]],
    ["typegpu", ["export const firstLayout", "export const secondLayout"], ["const plan1Layout", "function planPlan("]],
  ])("--emit %s is one file of all functions", async (kind, parts, planParts) => {
    const place = new Workplace({ ...files, "plan.tir": twoKernels });
    const { code, stdout, stderr } = await place.run(["compile", "two.tir", "--emit", kind]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^\/\/ Made by tirc from two\.tir[.,]/);
    for (const part of parts) expect(stdout).toContain(part);
    expect(await place.run(["compile", "two.tir", "--emit", kind, "-o", "out"])).toMatchObject({ code: 0, stdout: "" });
    expect(place.read("out")).toBe(stdout);
    const plan = await place.run(["compile", "plan.tir", "--emit", kind]);
    for (const part of planParts) expect(plan.stdout).toContain(part);
    const mapped = await place.run(["compile", "two.tir", "--emit", kind, "-o", "o", "--source-map", "m"]);
    expect(mapped.stderr).toContain("E0709");
  });

  test("--emit json is WGSL and manifest; of several functions a list", async () => {
    const place = new Workplace(files);
    expect(JSON.parse((await place.run(["compile", "f.tir", "--emit", "json"])).stdout)).toEqual(kernelOf(addNorm));
    const list = JSON.parse((await place.run(["compile", "two.tir", "--emit=json"])).stdout);
    expect(list.map((kernel: { name: string }) => kernel.name)).toEqual(["first", "second"]);
  });

  test("--emit kernel is what the WGSL is printed from, with loops and what they are bound to", async () => {
    const place = new Workplace(files);
    const { code, stdout } = await place.run(["compile", "f.tir", "--emit", "kernel"]);
    const [fn] = compile(parse(addNorm)).module.fns as [Fn];
    const [{ buffers, name }] = generate(fn, portableTarget).programs as readonly [Program];
    expect(code).toBe(0);
    expect(stdout).toContain(`kernel ${name} {`);
    expect(stdout).toMatch(/grid group \{\s+workgroup team < \d+ \{\s+lane lane < \d+ \{/);
    for (const { wgsl } of buffers) expect(stdout).toContain(` ${wgsl}: `);
    const { stdout: two } = await place.run(["compile", "two.tir", "--emit", "kernel"]);
    expect(two.match(/^\/\/ \w+\.kernel$/gm)).toEqual(["// first.kernel", "// second.kernel"]);
  });

  test("--emit tir is the IR after all passes, and reads back", async () => {
    const place = new Workplace(files);
    const { stdout } = await place.run(["compile", "two.tir", "--emit", "tir"]);
    expect(stdout).toContain("kernel {");
    expect((await place.run(["compile", "-", "--emit", "tir"], { stdin: stdout })).stdout).toBe(stdout);
  });

  test("--emit tir needs no kernel", async () => {
    const { code, stdout } = await new Workplace(files).run(["compile", "f.tir", "--emit", "tir", "--passes", ""]);
    expect([code, stdout.includes("rmsnorm")]).toEqual([0, true]);
  });

  test("several kernels are told apart", async () => {
    const { stdout } = await new Workplace(files).run(["compile", "two.tir"]);
    expect(stdout.match(/^\/\/ \w+\.wgsl$/gm)).toEqual(["// first.wgsl", "// second.wgsl"]);
    const { stdout: one } = await new Workplace(files).run(["compile", "two.tir", "--fn", "second"]);
    expect(one.match(/@compute/g)).toHaveLength(1);
  });
});

describe("-o", () => {
  test("is a file for one function", async () => {
    const place = new Workplace(files);
    expect(await place.run(["compile", "f.tir", "-o", "k.wgsl"])).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(place.read("k.wgsl")).toBe(kernelOf(addNorm).wgsl);
    expect(place.files()).toEqual(["f.tir", "k.wgsl", "two.tir"]);
  });

  test("is a folder for several", async () => {
    const place = new Workplace(files);
    await place.run(["compile", "two.tir", "-o", "out/deep", "--emit", "json"]);
    expect(place.files()).toEqual([
      "f.tir",
      "out",
      "out/deep",
      "out/deep/first.json",
      "out/deep/second.json",
      "two.tir",
    ]);
  });

  test("- is stdout", async () => {
    const { stdout } = await new Workplace(files).run(["compile", "f.tir", "-o", "-"]);
    expect(stdout).toBe(kernelOf(addNorm).wgsl);
  });

  test("replaces what is there as a whole: mode and links stay, and nothing is left beside it", async () => {
    const place = new Workplace({ ...files, "k.wgsl": "old" });
    chmodSync(join(place.folder, "k.wgsl"), 0o640);
    symlinkSync("k.wgsl", join(place.folder, "link.wgsl"));
    await place.run(["compile", "f.tir", "-o", "link.wgsl"]);
    expect(lstatSync(join(place.folder, "link.wgsl")).isSymbolicLink()).toBe(true);
    expect(place.read("k.wgsl")).toBe(kernelOf(addNorm).wgsl);
    expect(statSync(join(place.folder, "k.wgsl")).mode & 0o777).toBe(0o640);
    expect(place.files()).toEqual(["f.tir", "k.wgsl", "link.wgsl", "two.tir"]);
  });

  test("leaves what is there where the program is wrong, and where one of two functions is", async () => {
    const apart =
      "fn g(x: f32[8, 4]) -> (a: f32[8], b: f32[4]) {\n  return sum(x, axes = [1]), sum(x, axes = [0])\n}\n";
    const place = new Workplace({
      "bad.tir": apart,
      "half.tir": `${addNorm}\n${apart}`,
      "k.wgsl": "old",
      "out/add_norm.wgsl": "old",
    });
    expect((await place.run(["compile", "bad.tir", "-o", "k.wgsl", "--single-kernel"])).code).toBe(1);
    expect((await place.run(["compile", "half.tir", "-o", "out", "--single-kernel"])).code).toBe(1);
    expect([place.read("k.wgsl"), place.read("out/add_norm.wgsl")]).toEqual(["old", "old"]);
    expect(existsSync(join(place.folder, "out/g.wgsl"))).toBe(false);
  });

  test("may be a device", async () => {
    const place = new Workplace(files);
    expect((await place.run(["compile", "f.tir", "-o", "/dev/null"])).code).toBe(0);
    expect(existsSync("/dev/null")).toBe(true);
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
  });
});

describe("how it is compiled", () => {
  test("--dim fixes dimensions", async () => {
    const args = ["compile", "f.tir", "--emit", "json", "--dim", "rows=16"];
    const { manifest } = JSON.parse((await new Workplace(files).run(args)).stdout);
    expect(manifest).toEqual(kernelOf(addNorm, { rows: 16 }).manifest);
    expect(manifest.dims).toEqual([]);
  });

  test("--target takes a name or a file", async () => {
    const profile = { name: "mine", kind: "gpu", features: ["subgroups"], subgroup: { min: 16, max: 16 } };
    const place = new Workplace({ ...files, "mine.json": JSON.stringify(profile) });
    const target = async (name: string) =>
      JSON.parse((await place.run(["compile", "f.tir", "--emit", "json", "--target", name])).stdout).manifest.target;
    expect(await target("gpu-subgroup-32")).toBe("gpu-subgroup-32");
    expect(await target("mine.json")).toBe("mine");
  });

  test("--minify writes shorter WGSL, with a source map of its lines", async () => {
    const place = new Workplace(files);
    const line = ["compile", "f.tir", "-o", "f.wgsl", "--source-map", "f.wgsl.map", "--minify"];
    expect((await place.run(line)).code).toBe(0);
    const small = minifyKernel(compile(parse(addNorm)).kernels[0] as Kernel);
    expect(place.read("f.wgsl")).toBe(small.wgsl);
    const map = JSON.parse(place.read("f.wgsl.map"));
    expect(map.mappings).toBe(renderSourceMap(small.sourceMap as SourceMap).mappings);
    const json = await place.run(["compile", "f.tir", "--emit", "json", "--minify"]);
    expect(JSON.parse(json.stdout).wgsl).toBe(small.wgsl);
  });

  test("--passes, -O0, -O1 and --disable-pass choose the passes", async () => {
    const place = new Workplace({ "f.tir": "fn f(x: f32[n]) -> (y: f32[n]) {\n  return -(-x)\n}\n" });
    const ir = async (...args: string[]) => (await place.run(["compile", "f.tir", "--emit", "tir", ...args])).stdout;
    expect(await ir("-O0")).toContain("kernel {");
    expect(await ir("-O0")).toContain("-x");
    expect(await ir("-O1")).toBe(await ir());
    expect(await ir()).not.toContain("-x");
    expect(await ir("--disable-pass", "canonicalize")).toContain("-x");
    expect(await ir("--passes", "fixpoint(canonicalize,dce)")).not.toContain("-x");
  });

  test("a pipeline that the file carries counts, unless another one is given", async () => {
    const text = "// tirc-pipeline: canonicalize\nfn f(x: f32[n]) -> (y: f32[n]) {\n  return -(-x) + 1\n}\n";
    const place = new Workplace({ "f.tir": text });
    expect((await place.run(["compile", "f.tir", "--emit", "tir"])).stdout).not.toContain("-x");
    expect((await place.run(["compile", "f.tir"])).stderr).toContain("E0501");
    expect((await place.run(["compile", "f.tir", "-O0"])).code).toBe(0);
  });
});

describe("seeing inside", () => {
  const norm = "fn f(x: f32[n, 8]) -> (y: f32[n, 8]) {\n  return layernorm(x, axes = [-1])\n}\n";

  test("the IR goes to stderr, so that stdout stays the kernel", async () => {
    const place = new Workplace({ "f.tir": norm });
    const { wgsl } = kernelOf(norm);
    const headsOf = async (...args: string[]) => {
      const { code, stdout, stderr } = await place.run(["compile", "f.tir", ...args]);
      expect([code, stdout]).toEqual([0, wgsl]);
      return stderr.match(/^\/\/ IR .*$/gm);
    };
    expect(await headsOf("--print-ir-before=cse", "--print-ir-after=dce")).toEqual([
      "// IR before cse",
      "// IR after dce",
    ]);
    expect(await headsOf("--print-ir-after-all")).toHaveLength(9);
    expect(await headsOf("--print-ir-after-change")).toEqual([
      "// IR after layernorm-to-rmsnorm",
      "// IR after fuse-elementwise",
    ]);
  });

  test("--dump-dir has the IR at every step, and the kernel", async () => {
    const place = new Workplace({ "f.tir": norm });
    await place.run(["compile", "f.tir", "--dump-dir", "dump", "--passes", "layernorm-to-rmsnorm,O0"]);
    expect(place.files().slice(1)).toEqual([
      "dump/000_input.tir",
      "dump/001_layernorm-to-rmsnorm.tir",
      "dump/002_fuse-elementwise.tir",
      "dump/kernel.wgsl",
      "f.tir",
    ]);
    expect(place.read("dump/001_layernorm-to-rmsnorm.tir")).toContain("rmsnorm(");
  });

  test("--timing, --stats and --remarks tell on stderr", async () => {
    const place = new Workplace({ "f.tir": norm });
    const { stderr } = await place.run(["compile", "f.tir", "--timing", "--stats", "--remarks"]);
    expect(stderr).toMatch(/^ +[\d.]+ ms +[\d.]+ % {2}canonicalize$/m);
    expect(stderr).toMatch(/^ +1 {2}layernorm-to-rmsnorm: layernorms rewritten$/m);
    expect(stderr).toContain("remark[R0102]");
    expect((await place.run(["compile", "f.tir"])).stderr).toBe("");
  });

  test("a warning is said without being asked for", async () => {
    const place = new Workplace({ "f.tir": norm });
    const passes = "layernorm-to-rmsnorm,eliminate-centering{mode=lossy},fuse-elementwise";
    expect((await place.run(["compile", "f.tir", "--passes", passes])).stderr).toContain("warning[R0103]");
  });
});

describe("--prove", () => {
  test("says of each kernel that it computes its function, and writes what it writes without", async () => {
    const { code, stdout, stderr } = await new Workplace(files).run(["compile", "f.tir", "--prove"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^\w+: proved for portable, in exact arithmetic\n$/);
    expect(stdout).toBe(kernelOf(addNorm).wgsl);
  });

  test("what is too large is not decided, and a warning", async () => {
    const large = "fn f(x: f32[n, 4000000]) -> f32[n] { return sum(x, axes = [-1]) }";
    const { code, stderr } = await new Workplace({ "f.tir": large }).run(["compile", "f.tir", "--prove"]);
    expect(code).toBe(0);
    expect(stderr).toContain("warning[R0503]: whether the kernel of `f` for `portable` computes the function");
  });

  test("there is nothing to prove of the IR", async () => {
    const { code, stderr } = await new Workplace(files).run(["compile", "f.tir", "--prove", "--emit", "tir"]);
    expect(code).toBe(2);
    expect(stderr).toContain("E0709");
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { defaultPipeline } from "../../passes/index.ts";
import { type Analysis, analyze } from "../../playground/model/analyze.ts";
import { firstExample } from "../../playground/model/link.ts";
import { fileName, type Message } from "../../playground/model/messages.ts";
import { lineColumn } from "../../src/diagnostics/source.ts";
import { applyFusedRmsNorm } from "../../src/driver/apply-fused-rms-norm.ts";
import { compile } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";

const target = "portable";
/** The default pipeline, with the option that `--weights-out` sets. */
const folding = defaultPipeline.map((name) => (name === "eliminate-centering" ? `${name}{fold=true}` : name));
const bert = readFileSync("examples/bert-output.tir", "utf8");
const long = readFileSync("playground/examples/shared-layers.tir", "utf8");
const files = [
  ...readdirSync("examples")
    .filter((name) => name.endsWith(".tir"))
    .map((name) => `examples/${name}`),
  "playground/examples/shared-layers.tir",
];

const programOf = ({ program, problems }: Analysis) => {
  expect(problems).toEqual([]);
  if (program === undefined) throw new Error("no program");
  return program;
};
const errors = ({ problems }: Analysis) =>
  problems.map(({ code, place }: Message) => [code, place?.line, place?.column]);

describe.each(files)("%s", (file) => {
  const text = readFileSync(file, "utf8");

  test("one kernel, that which the library compiles", () => {
    const { functions } = programOf(analyze({ text, target }));
    const { kernels } = compile(parse(text, { file: fileName }), { passes: folding });
    expect(functions.map(({ kernels }) => kernels.map(({ kernel }) => kernel))).toEqual(kernels.map((one) => [one]));
  });

  test("the norms of `tirc explain-norms`", () => {
    const { norms } = programOf(analyze({ text, target }));
    const wanted = applyFusedRmsNorm(parse(text)).norms.map(({ span, centers: _, ...rest }) => {
      return { ...rest, place: { from: span.start, to: span.end, ...lineColumn(span.source, span.start) } };
    });
    expect(norms).toEqual(wanted);
  });
});

test("of the first example every centering moves into the constants, and none is left in the kernel", () => {
  const text = readFileSync(`examples/${firstExample}.tir`, "utf8");
  const { norms, passes, functions } = programOf(analyze({ text, target }));
  expect(norms.map(({ centering }) => centering)).toEqual(["folded", "folded", "folded"]);
  expect(passes.at(-1)?.text).not.toMatch(/^ .*(= center\(|layernorm)/m);
  const read = functions[0]?.kernels[0]?.kernel.manifest.bindings
    .filter(({ constant }) => constant)
    .map(({ name }) => name);
  expect(read).toEqual(["embed_centered", "bias_centered", "write1_centered", "write2_centered"]);
});

test("the long example has 200 lines", () => {
  expect(long.trimEnd().split("\n")).toHaveLength(200);
});

describe("a program", () => {
  test("is shown after each pass, with the lines that it changed", () => {
    const { passes } = programOf(analyze({ text: bert, target }));
    expect(passes.map(({ name, added, removed }) => [name, added.length, removed.length])).toEqual([
      ["input", 0, 0],
      ["raise-norms", 0, 0],
      ["canonicalize", 0, 0],
      ["layernorm-to-rmsnorm", 3, 1],
      ["eliminate-centering", 0, 0],
      ["simplify-norms", 0, 0],
      ["cse", 0, 0],
      ["dce", 0, 0],
      ["nest-reductions", 0, 0],
      ["fuse-elementwise", 2, 0],
    ]);
    const changed = passes[3];
    const lines = changed?.text.split("\n") ?? [];
    expect(changed?.removed.map((line) => lines[line - 1])).toEqual([
      "  let n = layernorm(h, gamma, beta, axes = [-1], eps = 1e-12)",
    ]);
    expect(changed?.added.map((line) => lines[line - 1])).toContain("  let t0 = center(h, axes = [-1])");
  });

  test("has remarks with their places", () => {
    const { remarks } = programOf(analyze({ text: bert, target }));
    expect(remarks.map(({ code, place }) => [code, place?.line])).toEqual([["R0102", 5]]);
  });

  test("has extents to run with: fewer rows for a long program", () => {
    const rows = (text: string) => programOf(analyze({ text, target })).functions[0]?.dims.rows;
    expect(rows(bert)).toBe(1024);
    expect(rows(long)).toBeLessThan(1024);
  });

  test("leads from lines of the kernel to its own", () => {
    const [of] = programOf(analyze({ text: bert, target })).functions[0]?.kernels ?? [];
    const lines = of?.kernel.wgsl.split("\n") ?? [];
    const sourcesOf = (part: string) => of?.sources[lines.findIndex((line) => line.includes(part))];
    expect(sourcesOf("let h = x + residual")).toEqual([4]);
    expect(sourcesOf("inverseSqrt")).toEqual([5]);
    expect(sourcesOf("normal_cdf_v4(n")).toEqual([6]);
    expect(sourcesOf("in_gamma: array")).toEqual([3]);
    expect(sourcesOf("fn merge_moments")).toEqual([]);
  });

  test("an expression of several lines is all of them", () => {
    const text = "fn f(x: f32[a, 4]) -> f32[a, 4] {\n  return exp(\n    x\n  )\n}";
    const [fn] = programOf(analyze({ text, target })).functions;
    expect(fn?.kernels[0]?.sources).toContainEqual([2, 3, 4]);
  });

  test("of several kernels has them in order, with their lines, and the plan", () => {
    const text = readFileSync("examples/plans/mean-loss.tir", "utf8");
    const analysis = analyze({ text, target });
    const [fn] = programOf(analysis).functions;
    expect(fn?.kernels.map(({ kernel }) => kernel.name)).toEqual(["loss_1", "loss_2"]);
    expect(fn?.plan).toMatch(/^plan loss\([\s\S]*launch loss_1\(.*\n +launch loss_2\(nll\)/);
    const of = text.split("\n").findIndex((line) => line.includes("log_softmax")) + 1;
    expect(fn?.kernels[0]?.sources.flat()).toContain(of);
    expect(structuredClone(analysis)).toEqual(analysis);
  });

  test("of products has plain kernels for them", () => {
    const text = "fn f(x: f32[n, 8], w: f32[8, 4]) -> f32[n, 4] { return relu(matmul(x, w)) }";
    const [fn] = programOf(analyze({ text, target })).functions;
    expect(fn?.kernels.map(({ kernel }) => kernel.name)).toEqual(["f_1", "f_2"]);
  });

  test("all of it can go to another thread", () => {
    const analysis = analyze({ text: bert, target });
    expect(structuredClone(analysis)).toEqual(analysis);
  });
});

describe("what is wrong", () => {
  test("every error stands at its place, and there is no program", () => {
    const text = bert.replace("x + residual", "x + residuall").replace("gelu(n)", "gelo(n)");
    const analysis = analyze({ text, target });
    expect(errors(analysis)).toEqual([
      ["E0201", 4, 15],
      ["E0202", 6, 10],
    ]);
    expect(analysis.problems[0]?.help.join()).toContain("residual");
    expect(analysis.program).toBeUndefined();
  });

  test("nothing at all is a program without functions", () => {
    const { program, problems } = analyze({ text: "", target });
    expect(program?.functions ?? []).toEqual([]);
    expect(problems.every(({ text }) => text !== "")).toBe(true);
  });

  test("a function that is no kernel is shown after each pass all the same, and the other has its kernel", () => {
    const text = `fn one(x: f32[a, 8]) -> f32[a, 8] { return exp(x) }
fn two(x: f32[a, 8]) -> (y: opaque) { let y: opaque = extern(x, op = "Loop") return y }
`;
    const { problems, program } = analyze({ text, target });
    expect(problems.map(({ code, place }) => [code.slice(0, 3), place?.line])).toEqual([["E05", 2]]);
    expect(program?.passes.length).toBeGreaterThan(1);
    expect(program?.functions.map(({ name, kernels }) => [name, kernels.length])).toEqual([
      ["one", 1],
      ["two", 0],
    ]);
  });

  test("a target that is none is said", () => {
    expect(errors(analyze({ text: bert, target: "abacus" }))).toEqual([["E0590", undefined, undefined]]);
  });
});

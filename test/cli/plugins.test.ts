/** `--plugin FILE`: passes, instruments, targets, ops and pages of one's own, in every command that takes one. */

import { afterAll, describe, expect, test } from "vitest";
import { isOpName } from "../../src/ir/ops/index.ts";
import { Workplace } from "../support/cli.ts";

const passes = `export default ({ definePass, rewriteFn, remark, portableTarget, kernel }) => ({
  passes: [
    definePass({
      name: "gelu-to-relu",
      summary: "Replaces GELU by ReLU.",
      options: {},
      run: (fn, context) =>
        rewriteFn(fn, (op, builder) => {
          if (op.name !== "gelu") return undefined;
          context.assume({ because: "ReLU is taken for GELU" });
          context.remark(remark("MINE1", "a GELU went", { span: op.span }));
          return builder.emit("relu", [op.operand(0)]);
        }),
    }),
    definePass({ name: "fails", summary: "Throws.", options: {}, run: () => { throw new Error("not done yet"); } }),
  ],
  targets: [{ ...portableTarget, name: "small", limits: { ...portableTarget.limits, maxStorageBuffersPerShaderStage: 4 } }],
  ops: {
    twice_plugin_test: {
      kind: "elementwise",
      summary: "\`2 * x\`.",
      operands: [{ name: "x" }],
      elements: ["f32"],
      cost: "low",
      result: "same",
      scalar: (x) => 2 * x,
      kernel: ([x]) => kernel.binary("*", 2, x),
    },
  },
  pages: { MINE1: { title: "a GELU that went", explanation: "It did.", wrong: "gelu(x)", fix: "relu(x)" } },
});
`;
const watching = `export default { instruments: [{ afterPass: ({ pass }) => globalThis.watchedPasses?.push(pass.name) }] };\n`;
const program = `fn f(x: f32[n, 64]) -> (y: f32[n, 64]) {
  return gelu(x)
}
`;
const own = program.replace("gelu", "twice_plugin_test");
const place = new Workplace({ "passes.mjs": passes, "watching.mjs": watching, "f.tir": program, "own.tir": own });
const plugin = ["--plugin", "passes.mjs"];

test("norms around an op of one's own are explained", async () => {
  place.write("norm.tir", own.replace("twice_plugin_test(x)", "layernorm(twice_plugin_test(x), axes = [-1])"));
  const { code, stdout, stderr } = await place.run(["explain-norms", "norm.tir", ...plugin]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^norm\.tir:2:10 +f +layernorm .* kept/);
  expect((await place.run(["explain-norms", "norm.tir"])).stderr).toContain("E0202");
});

describe("a pass of one's own", () => {
  test("runs where the pipeline names it", async () => {
    const argv = ["compile", "f.tir", "--emit", "tir", "--passes", "gelu-to-relu,fuse-elementwise", ...plugin];
    expect((await place.run(argv)).stdout).toContain("relu(x)");
    const run = [
      "run",
      "f.tir",
      "--device",
      "cpu",
      "--passes",
      "gelu-to-relu",
      "--in",
      "x=-1",
      "--dim",
      "n=1",
      "--json",
    ];
    const { stdout, code } = await place.run([...run, ...plugin, "--out", "y=y.npy"]);
    expect([code, JSON.parse(stdout).function]).toEqual([0, "f"]);
    // ReLU of -1 is 0, and GELU is -0.16.
    expect(
      place
        .bytes("y.npy")
        .subarray(-256)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  test("is listed, printed after, left out, and its remarks chosen by its name and by their codes", async () => {
    expect((await place.run(["passes", ...plugin])).stdout).toContain("gelu-to-relu\n    Replaces GELU by ReLU.\n");
    const compile = ["compile", "f.tir", "-o", "out.wgsl", "--passes", "gelu-to-relu,default", ...plugin];
    expect((await place.run([...compile, "--print-ir-after", "gelu-to-relu"])).stderr).toContain("relu(x)");
    const remarks = async (filter: string) => (await place.run([...compile, `--remarks${filter}`])).stderr;
    expect(await remarks("")).toContain("remark[MINE1]: a GELU went");
    for (const filter of ["=MINE1", "=gelu-to-relu", "=cse,gelu-to-relu", "=gelu-to-relu,MINE1,R0102"]) {
      expect(await remarks(filter), filter).toContain("MINE1");
    }
    for (const filter of ["=cse", "=R0102", "=cse,MINE1"]) expect(await remarks(filter), filter).toBe("");
    expect(await remarks("=nothing")).toContain("E0705");
    expect((await place.run([...compile, "--disable-pass", "gelu-to-relu", "--remarks"])).stderr).toBe("");
  });

  test("that fails leaves a reproducer, which runs again with the plugin", async () => {
    const first = await place.run(["compile", "f.tir", "--passes", "cse,fails,dce", ...plugin]);
    expect([first.code, first.stderr]).toEqual([1, expect.stringMatching(/^f\.tir:1:1: error\[E0306\]/)]);
    const file = /tirc-reproducer-\d+\.tir/.exec(first.stderr)?.[0] as string;
    const text = place.read(file);
    expect(text).toMatch(/^\/\/ tirc-pipeline: fails,dce\n/);
    expect(text).toContain("`tirc compile --plugin passes.mjs` on this file runs it again");
    const again = await place.run(["compile", file, ...plugin]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("not done yet")]);
    const without = await place.run(["compile", file]);
    expect([without.code, without.stderr]).toEqual([
      2,
      expect.stringMatching(/tir:1:19: error\[E0301\][\s\S]*--plugin FILE/),
    ]);
    expect((await place.run(["check", file])).stderr).toBe(without.stderr);
  });

  test("that fails on one file leaves the next to be checked", async () => {
    place.write("fails.tir", `// tirc-pipeline: fails\n${program}`);
    place.write("unknown.tir", "fn f(x: f32[n]) -> (y: f32[n]) {\n  return z\n}\n");
    const { code, stderr } = await place.run(["check", "fails.tir", "unknown.tir", ...plugin]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error\[E0306\][\s\S]*tirc-reproducer-\d+\.tir[\s\S]*unknown\.tir:2:10: error/);
    const kept = /tirc-reproducer-\d+\.tir/.exec(stderr)?.[0] as string;
    expect(place.read(kept)).toMatch(
      /^\/\/ tirc-pipeline: fails\n.*`tirc check fails\.tir unknown\.tir --plugin passes\.mjs` failed/,
    );
  });
});

test("a target of one's own can be named", async () => {
  const many = "fn f(a: f32[n], b: f32[n], c: f32[n], d: f32[n]) -> (y: f32[n]) {\n  return a + b + c + d\n}\n";
  place.write("many.tir", many);
  const { code, stderr } = await place.run(["compile", "many.tir", "--target", "small", ...plugin]);
  expect([code, stderr]).toEqual([1, expect.stringContaining("E0504")]);
  expect((await place.run(["check", "many.tir", "--target", "small", ...plugin])).stderr).toBe(stderr);
  expect((await place.run(["compile", "many.tir", "--target", "small"])).stderr).toContain("E0590");
});

test("an op of one's own is parsed, compiled, interpreted and printed, as long as the command runs", async () => {
  expect((await place.run(["check", "own.tir", ...plugin])).stderr).toBe("");
  expect((await place.run(["compile", "own.tir", ...plugin])).stdout).toMatch(/2(\.0)? \* /);
  expect((await place.run(["compile", "own.tir", "--emit", "tir", ...plugin])).stdout).toContain(
    "twice_plugin_test(x)",
  );
  const run = await place.run([
    "run",
    "own.tir",
    "--device",
    "cpu",
    "--in",
    "x=3",
    "--dim",
    "n=1",
    "--out",
    "y=-",
    ...plugin,
  ]);
  expect(new Float32Array(run.bytes.buffer.slice(run.bytes.byteOffset + run.bytes.length - 256)).slice(0, 2)).toEqual(
    Float32Array.of(6, 6),
  );
});

afterAll(() => expect(isOpName("twice_plugin_test")).toBe(false));

test("an instrument of one's own watches", async () => {
  const watched: string[] = [];
  (globalThis as { watchedPasses?: string[] }).watchedPasses = watched;
  await place.run(["compile", "f.tir", "--passes", "cse,fuse-elementwise", "--plugin", "watching.mjs"]);
  expect(watched).toEqual(["cse", "fuse-elementwise"]);
});

test("a page of one's own is explained, and listed", async () => {
  expect((await place.run(["explain", "mine1", ...plugin])).stdout).toMatch(/^MINE1: a GELU that went\n/);
  expect((await place.run(["explain", "list", ...plugin])).stdout).toContain("MINE1  a GELU that went\n");
});

describe("a plugin is refused", () => {
  const refused = (text: string, name = `${text.length}.mjs`) => {
    place.write(name, text);
    return place.run(["compile", "f.tir", "--plugin", name, "--diagnostics", "short"]);
  };

  test.each([
    ["that throws", "throw new Error('no luck')", /E0760\]: .* cannot be loaded: no luck\n$/],
    ["that is no JavaScript", "export default {", /E0760/],
    ["without a default export", "export const passes = []", /E0761\]: `default` .* must be a plugin, but is missing/],
    ["with a part that plugins do not have", "export default { pass: [] }", /E0761\]: .* has a part `pass`/],
    [
      "with passes that are none",
      "export default { passes: 'p' }",
      /E0761\]: `passes` .* must be a list of passes, but is "p"/,
    ],
    [
      "with a pass that lacks a part",
      "export default { passes: [{ name: 'p', summary: 's', options: {} }] }",
      /E0761\]: `passes\[0\].run` .* must be a function, but is missing/,
    ],
    [
      "with a pass that is none",
      "export default { passes: [345] }",
      /E0761\]: `passes\[0\]` .* must be a pass, as .*, but is 345/,
    ],
    [
      "with a page without a title",
      "export default { pages: { X1: {} } }",
      /E0761\]: `pages.X1.title` .* must be a string/,
    ],
    [
      "with a pass that the compiler has",
      "export default { passes: [{ name: 'cse', summary: '', options: {}, run: (fn) => fn }] }",
      /E0762\]: .* adds the pass `cse`/,
    ],
    [
      "with a page that the compiler has",
      "export default { pages: { E0203: { title: 'mine', explanation: '', wrong: '', fix: '' } } }",
      /E0762\]: .* adds the page `E0203`/,
    ],
    ["with a target that is none", "export default { targets: [{ name: 'mine' }] }", /E0592\]: .*`kind` must be/],
    [
      "with an op that there is",
      "export default { ops: { exp: { kind: 'elementwise' } } }",
      /E0762\]: .* the op `exp`/,
    ],
    [
      "with a row that lacks something",
      "export default { ops: { mine: { kind: 'norm' } } }",
      /`ops.mine.define` .* missing/,
    ],
    ["with an op of a name that is a word", "export default { ops: { let: { kind: 'norm' } } }", /E0761\]: `ops.let`/],
  ])("%s", async (_, text, expected) => {
    const { code, stderr } = await refused(text);
    expect([code, stderr]).toEqual([2, expect.stringMatching(expected)]);
  });

  test("that is not there, or a folder", async () => {
    expect((await place.run(["check", "f.tir", "--plugin", "none.mjs"])).stderr).toContain("there is no such file");
    expect((await place.run(["lsp", "--plugin", "."])).stderr).toContain("it is a folder");
  });
});

test("the language server knows what plugins add", async () => {
  const message = (body: object) => {
    const text = JSON.stringify({ jsonrpc: "2.0", ...body });
    return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  };
  const open = (uri: string, text: string) =>
    message({ method: "textDocument/didOpen", params: { textDocument: { uri, version: 1, languageId: "tir", text } } });
  const stdin = [
    message({ id: 1, method: "initialize", params: { capabilities: {} } }),
    open("file:///own.tir", own),
    open("file:///pipeline.tir", `// tirc-pipeline: gelu-to-relu,fuse-elementwise\n${program}`),
  ].join("");
  const { stdout } = await place.run(["lsp", ...plugin], { stdin });
  expect(stdout.match(/"diagnostics":\[\]/g)).toHaveLength(2);
  expect((await place.run(["lsp"], { stdin })).stdout).toContain("E0301");
});

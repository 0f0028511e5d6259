/** The results of passes: each file of test/filetests contains the expected output (src/testing/filetests.ts). */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as tirc from "../src/index.ts";
import { rewriteFn } from "../src/ir/builder.ts";
import { definePass } from "../src/pass/define-pass.ts";
import { filetests, runFiletest } from "../src/testing/index.ts";

describe("filetests", () => {
  for (const { name, run } of filetests(new URL("./filetests/", import.meta.url))) test(name, run);
});

describe("the file tests of the example plugin", async () => {
  // @ts-expect-error: it is JavaScript.
  const { default: squaredRelu } = await import("../examples/plugin/squared-relu.mjs");
  const plugin: tirc.Plugin = squaredRelu(tirc);
  let remove = () => {};
  beforeAll(() => {
    remove = tirc.registerOps(plugin.ops ?? {});
  });
  afterAll(() => remove());
  const folder = new URL("../examples/plugin/tests/", import.meta.url);
  for (const { name, run } of filetests(folder, { plugins: [plugin] })) test(name, run);
});

describe("the runner refuses", () => {
  const program = "fn f(x: f32[n]) -> (y: f32[n]) {\n  return gelu(x)\n}\n";
  const pass = (name: string, to: "relu" | "gelu", because?: string) =>
    definePass({
      name,
      summary: "",
      options: {},
      run(fn, context) {
        if (because !== undefined) context.assume({ because });
        return rewriteFn(fn, (op, builder) => (op.name === "gelu" ? builder.emit(to, [op.operand(0)]) : undefined));
      },
    });
  const plugins = [
    { passes: [pass("wrong", "relu"), pass("near", "relu", "they are near"), pass("restless", "gelu")] },
  ];

  test("a first line that says no pipeline", () => {
    expect(() => runFiletest(program)).toThrow('the first line must be "// RUN: passes PIPELINE"');
  });

  test("a pass that changes what is computed, in exact arithmetic and in float64", () => {
    expect(() => runFiletest(`// RUN: passes wrong\n${program}`, { plugins })).toThrow(/E0309/);
    expect(() => runFiletest(`// RUN: passes near\n${program}`, { plugins })).toThrow(/f: y\[\d+\] is .*, not /);
  });

  test("but not one that is right", () => {
    const text = `// RUN: passes restless\n${program}`;
    expect(runFiletest(text, { plugins })).toContain(
      "// EXPECT\n// fn f(x: f32[n]) -> (y: f32[n]) {\n//   let y = gelu(x)\n//   return y",
    );
  });
});

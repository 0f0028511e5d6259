/** `tirc explain-norms`. */

import { describe, expect, test } from "vitest";
import { Workplace } from "../support/cli.ts";
import { small } from "../support/surgery.ts";

const text = `fn block(x: f32[n, 8], c: f32[n, 8] @centered(-1), g: f32[8], b: f32[8]) -> f32[n, 8] {
  let first = layernorm(x, g, b, axes = [-1], eps = 1e-6)
  let second = layernorm(c, axes = [-1])
  return rmsnorm(first + second, g, axes = [-1])
}
`;

const run = (...args: string[]) => new Workplace({ "p.tir": text }).run(["explain-norms", "p.tir", ...args]);

test("a line for each norm, and the reasons below it", async () => {
  const { code, stdout, stderr } = await run();
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(`p.tir:2:15  block  layernorm  gamma beta  eps 1e-6  kept
    because \`x\` is a parameter, and nothing is known about its rows
p.tir:3:16  block  layernorm  -           eps 1e-5  proved
    \`c\` is declared @centered(-1) (1:24)
p.tir:4:10  block  rmsnorm    gamma       eps 1e-5  none
`);
});

test("as JSON, in another mode", async () => {
  const { stdout } = await run("--json", "--mode", "lossy");
  const norms = JSON.parse(stdout) as { centering: string; line: number; eps: number }[];
  expect(norms.map(({ centering, line }) => [centering, line])).toEqual([
    ["lossy", 2],
    ["proved", 3],
    ["none", 4],
  ]);
});

test("a file without a norm, and one that is wrong", async () => {
  const place = new Workplace({ "none.tir": "fn f(x: f32[n]) -> f32[n] { return exp(x) }", "bad.tir": "fn" });
  const none = await place.run(["explain-norms", "none.tir"]);
  expect([none.code, none.stdout]).toEqual([0, ""]);
  expect(none.stderr).toContain("R0601");
  expect((await place.run(["explain-norms", "bad.tir"])).code).toBe(1);
});

describe("of an ONNX model", () => {
  const place = new Workplace({ "m.onnx": small });

  test("what `tirc surgery` would make of it", async () => {
    const { code, stdout, stderr } = await place.run(["explain-norms", "m.onnx"]);
    expect({ code, stderr, files: place.files() }).toEqual({ code: 0, stderr: "", files: ["m.onnx"] });
    expect(stdout).toBe(`1 LayerNorm: 1 left unchanged
1 LayerNorm left
  the model would launch more kernels on WebGPU with an RMSNorm in its place; --norm-op skip forces
  the rewrite
    norm (LayerNormalization)  gamma, beta  eps 1e-5
`);
  });

  test("as JSON, in each mode", async () => {
    const outcome = async (mode: string) => {
      const { stdout } = await place.run(["explain-norms", "m.onnx", "--json", "--mode", mode]);
      return (JSON.parse(stdout) as { centering: string }[]).map(({ centering }) => centering);
    };
    expect(await outcome("exact")).toEqual(["folded"]);
    expect(await outcome("off")).toEqual(["kept"]);
  });
});

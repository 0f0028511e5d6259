/** `tirc grad`: what it prints, what it rejects, and that other commands accept its output. */

import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import { root } from "../support/built.ts";
import { Workplace } from "../support/cli.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
  place.write(
    "programs/two.tir",
    `const w: f32[2, 4] = load("weights.safetensors", "w")
fn f(x: f32[rows, 2], mask: bool[rows, 4]) -> (y: f32[rows, 4], top: f32[rows]) {
  let h = where(mask, matmul(x, w), 0)
  return tanh(h), max(h, axes = [-1])
}
fn g(a: f32[rows, 4], ids: i32[rows]) -> (z: f32[rows, 4]) {
  return a * round(a)
}
`,
  );
});

test("the gradients of one function stand behind all functions, and constants are loaded from where they are", async () => {
  const { code } = await place.run(["grad", "programs/two.tir", "--fn", "f", "--of", "y", "-o", "grad.tir"]);
  expect(code).toBe(0);
  const text = place.read("grad.tir");
  expect(text).toContain('load("programs/weights.safetensors", "w")');
  expect([...text.matchAll(/^fn (\w+)/gm)].map(([, name]) => name)).toEqual(["f", "g", "f_grad"]);
  expect(text).toContain("fn f_grad(x: f32[rows, 2], mask: bool[rows, 4], d_y: f32[rows, 4]) -> (d_x: f32[rows, 2])");
  expect((await place.run(["check", "grad.tir", "--no-kernels"])).code).toBe(0);
  const twice = await place.run(["grad", "grad.tir", "--fn", "f_grad"]);
  expect(twice.stdout).toContain("d_d_x: f32[rows, 2]) -> (d_x: f32[rows, 2], d_d_y: f32[rows, 4])");
});

test.each([
  [["--wrt", "x,y"], "E0801", "<command line>:1:36"],
  [["--fn", "f", "--of", "tpo"], "E0801", "did you mean `top`?"],
  [["--fn", "h"], "E0307", "<command line>:1:"],
  [["--fn", "f", "--wrt", "mask"], "E0802", "bool[rows, 4]"],
  [["--fn", "g"], "E0803", "two.tir:7:14"],
  [["--fn", "g", "--wrt", "ids"], "E0802", "i32[rows]"],
])("%j is refused with %s", async (options, code, text) => {
  const { stderr, stdout, code: exit } = await place.run(["grad", "programs/two.tir", ...options]);
  expect(exit).not.toBe(0);
  expect(stdout).toBe("");
  expect(stderr).toContain(code);
  expect(stderr).toContain(text);
});

test("what it prints is computed on the interpreter as its results are declared", async () => {
  await place.run(["grad", "programs/two.tir", "--fn", "f", "-o", "grad.tir"]);
  const { stderr } = await place.run(["grad", "grad.tir"]);
  expect(stderr).toContain("E0806");
  place.write(
    "norm.tir",
    "fn n(x: f32[rows, 4], g: f32[4]) -> (y: f32[rows, 4]) { return rmsnorm(x, g, axes = [-1]) }\n",
  );
  await place.run(["grad", "norm.tir", "--wrt", "x", "-o", "n.tir"]);
  const run = await place.run(["run", "n.tir", "--fn", "n_grad", "--device", "cpu", "--compare"]);
  expect(run.stdout).toMatch(/d_x: f32\[\d+, 4\] +ok/);
  expect((await place.run(["grad", "n.tir"])).stderr).toContain("E0806");
});

test("ops of a plugin are differentiated by the rules that it brings", async () => {
  const plugin = ["--plugin", join(root, "examples/plugin/squared-relu.mjs")];
  place.write("own.tir", "fn f(x: f32[rows, 4]) -> (y: f32[rows, 4]) { return squared_relu(x) }\n");
  expect((await place.run(["grad", "own.tir"])).stderr).toContain("E02");
  const { code } = await place.run(["grad", "own.tir", ...plugin, "-o", "out.tir"]);
  expect(code).toBe(0);
  const [fn] = parse(place.read("out.tir").split("\n\n").at(-1) as string).fns;
  const row = (data: number[]): Tensor => ({ element: "f32", shape: [1, 4], data: Float64Array.from(data) });
  const { d_x } = interpret(fn as Fn, { x: row([-2, 0, 1, 3]), d_y: row([1, 1, 1, 10]) });
  expect([...(d_x?.data ?? [])]).toEqual([0, 0, 2, 60]);
});

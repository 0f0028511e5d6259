/** Weights that are centered head by head, and with a scale in them: against the function as it was, in float64. */

import { expect, test } from "vitest";
import { builtins } from "../../passes/index.ts";
import { materialize } from "../../src/driver/materialize.ts";
import { constantsOf, interpret } from "../../src/ir/interpret.ts";
import type { Fn, Module } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";
import { randomConstant, randomInputs } from "../../src/testing/random-inputs.ts";

const text = `const w: f32[8, 6] = load("m.safetensors", "w")
const k: f32[6, 4, 1, 1] = load("m.safetensors", "k")
const b: f32[6] = load("m.safetensors", "b")
const s: f32[6, 1, 1] = load("m.safetensors", "s")

fn f(x: f32[5, 8], image: f32[2, 4, 3, 3]) -> (heads: f32[5, 2, 3], scaled: f32[2, 6, 3, 3]) {
  let q = reshape(matmul(x, w) + b, shape = [5, 2, 3])
  let h = s * conv(image, k, b)
  return layernorm(q, axes = [-1], eps = 0.1), layernorm(h, axes = [1], eps = 0.1)
}
`;
const folding = "layernorm-to-rmsnorm,eliminate-centering{fold=true},dce";
const folded = new PassManager(folding, { builtins }).run(parse(text)).module;

test("neither a centering nor the product with the scale is left, and the numbers stay", () => {
  const names = folded.fns[0]?.ops.map(({ name }) => name) ?? [];
  expect(names.filter((name) => name === "center" || name === "mul")).toEqual([]);
  const inputs = randomInputs(parse(text).fns[0] as Fn, 3);
  const run = (module: Module) => interpret(module.fns[0] as Fn, inputs, constantsOf(module, randomConstant));
  const [was, is] = [run(parse(text)), run(folded)];
  for (const [name, { data }] of Object.entries(was)) {
    const off = data.reduce((most, value, i) => Math.max(most, Math.abs(value - (is[name]?.data[i] as number))), 0);
    expect(off, name).toBeLessThan(1e-12);
  }
});

test("what rounding leaves is measured where the mean was taken", () => {
  const { constants } = materialize(folded, constantsOf(folded, randomConstant), "new.safetensors");
  expect(constants.map(({ tensor }) => tensor.shape)).toEqual([[8, 6], [6], [6, 4, 1, 1], [6]]);
  for (const { residual } of constants) {
    expect(residual).toBeGreaterThan(0);
    expect(residual).toBeLessThan(1e-6);
  }
});

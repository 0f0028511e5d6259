/** What a forward saves for its backward, and that the two compute the same as the backward alone. */

import { expect, test } from "vitest";
import { gradient } from "../../src/driver/gradient.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { parse } from "../../src/parse/parse.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";

const rows = "f32[rows, 64]";
const norm = `fn f(x: ${rows}, gamma: f32[64]) -> (y: ${rows}) { return rmsnorm(x, gamma, axes = [-1]) }`;
const stream = `fn f(x: ${rows}, residual: ${rows}, gamma: f32[64]) -> (y: ${rows}, h: ${rows}) {
  let h = x + residual
  return layernorm(h, gamma, axes = [-1]), h
}`;
const sum = `fn f(a: ${rows}, b: ${rows}, c: ${rows}) -> (y: ${rows}) { return tanh(a + b + c) }`;
const layer = `fn f(x: ${rows}, w: f32[256, 64]) -> (y: f32[rows, 256]) { return gelu(linear(x, w)) }`;

test.each([
  ["a norm: the row is read anyway", norm, "auto", []],
  ["what is returned anyway costs one read", stream, "auto", ["h"]],
  ["a sum of three costs three reads, and to save it two", sum, "auto", ["y"]],
  ["a product is not computed again", layer, "auto", [expect.any(String)]],
  ["all: the normalized row and its statistic", norm, "all", [expect.any(String), "saved_rrms"]],
] as const)("%s", (_, text, save, saved) => {
  const module = parse(text);
  const [plain] = gradient(module).functions;
  const { functions, remarks, module: made } = gradient(module, { save });
  const [of] = functions;
  if (plain === undefined || of === undefined) throw new Error("no gradients");
  expect(of.saved).toEqual(saved);
  expect(remarks.filter(({ code }) => code === "R0802")).toHaveLength(1);
  expect(made.fns.map(({ name }) => name)).toEqual(["f", ...(saved.length > 0 ? ["f_forward"] : []), "f_grad"]);
  const inputs = randomInputs(plain.backward, 3, { rows: 3 });
  const results = interpret(of.forward, inputs);
  const wanted = interpret(module.fns[0] as (typeof module.fns)[0], inputs);
  for (const [name, { data }] of Object.entries(wanted)) expect(results[name]?.data).toEqual(data);
  const handed = Object.fromEntries(of.saved.map((name) => [name, results[name] as Tensor]));
  const found = interpret(of.backward, { ...inputs, ...handed });
  for (const [name, { data }] of Object.entries(interpret(plain.backward, inputs))) {
    expect(found[name]?.data.length).toBe(data.length);
    for (const [i, value] of data.entries()) expect(found[name]?.data[i]).toBeCloseTo(value, 12);
  }
});

test("what is handed over keeps no parameter alive that the backward does not read", () => {
  const [of] = gradient(parse(sum), { save: "auto" }).functions;
  expect(of?.backward.params.map(({ name }) => name)).toEqual(["y", "d_y"]);
});

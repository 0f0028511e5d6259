/** Weights that are trained: `@trained`, what becomes of their centerings, and training in float64. */

import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { applyFusedRmsNorm } from "../../src/driver/apply-fused-rms-norm.ts";
import { gradient } from "../../src/driver/gradient.ts";
import type { Module } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";

const block = (w: string, b: string) =>
  parse(`
fn block(x: f32[16, 8], w: f32[12, 8]${w}, b: f32[12]${b}, gamma: f32[12]) -> (y: f32[16, 12]) {
  return layernorm(linear(x, w, b), gamma, axes = [-1])
}`);

/** What each `center` of a function reads. */
const centerings = (module: Module, at = 0) =>
  module.fns[at]?.ops.filter(({ name }) => name === "center").map((op) => op.operand(0).name);

test("the centering of trained weights is an op on them, and that of others stays with the rows", () => {
  expect(centerings(applyFusedRmsNorm(block(" @trained", " @trained")).module)).toEqual(["w", "b"]);
  for (const module of [block("", ""), block(" @trained", ""), block("", " @trained")]) {
    expect(centerings(applyFusedRmsNorm(module).module)).toEqual([undefined]);
  }
});

test("parameters by which is differentiated are trained where they are weights", () => {
  const { module, functions } = gradient(block("", ""), { wrt: ["w", "b"] });
  const trained = (fn = module.fns[0]) => fn?.params.flatMap(({ trained, name }) => (trained ? [name] : []));
  expect(trained()).toEqual(["w", "b"]);
  expect(trained(functions[0]?.backward)).toEqual(["w", "b"]);
  expect(module.fns[0]).toBe(functions[0]?.forward);
  expect(centerings(applyFusedRmsNorm(module).module)).toEqual(["w", "b"]);
  // Left to itself, and of data: rows have a dimension with a name.
  expect(trained(gradient(block("", "")).module.fns[0])).toEqual([]);
  const rows = parse("fn f(x: f32[rows, 8], g: f32[8]) -> f32[rows, 8] { return rmsnorm(x, g, axes = [-1]) }");
  expect(trained(gradient(rows, { wrt: ["x", "g"] }).module.fns[0])).toEqual(["g"]);
});

test("to train a weight that is promised to be centered is warned of", () => {
  const codes = (marks: string, wrt: string[]) => {
    const text = `fn f(x: f32[rows, 8], w: f32[12, 8]${marks}) -> f32[rows, 12] { return rmsnorm(linear(x, w), axes = [-1]) }`;
    return gradient(parse(text), { wrt }).remarks.map(({ code, severity }) => `${severity} ${code}`);
  };
  expect(codes(" @centered(-2)", ["w"])).toEqual(["warning R0803"]);
  expect(codes(" @centered(-2) @trained", ["w", "x"])).toEqual(["warning R0803"]);
  expect(codes(" @centered(-2)", ["x"])).toEqual([]);
  expect(codes(" @trained", ["w"])).toEqual([]);
});

test("200 steps: only with both gradients and weights centered, or in the graph, is Adam that of the LayerNorm", async () => {
  const said: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line) => void said.push(line));
  try {
    const { drifts } = await import("../../examples/training/centered-weights.ts");
    for (const of of Object.values(drifts)) {
      expect(of["weights centered once"]).toBeGreaterThan(0.01);
      expect(of["both of these"]).toBeLessThan(7e-15);
      expect(of["centered in the graph"]).toBeLessThan(7e-15);
    }
    for (const what of ["gradients centered too", "weights centered after each step"]) {
      expect(drifts.momentum?.[what]).toBeLessThan(7e-15);
      expect(drifts.Adam?.[what]).toBeGreaterThan(0.005);
    }
    expect(readFileSync("docs/centering.md", "utf8")).toContain(said.join("\n"));
  } finally {
    log.mockRestore();
  }
});

/** Ops of other programs that say what their rows are made of: centerings are proved and moved through them. */

import { expect, test } from "vitest";
import { builtins } from "../../passes/index.ts";
import { print } from "../../src/ir/print.ts";
import { parse } from "../../src/parse/parse.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";

const run = (text: string) =>
  print(
    new PassManager("layernorm-to-rmsnorm,eliminate-centering{fold=true}", { builtins }).run(
      parse(text, { file: "x.tir" }),
    ).module,
  );

const program = (rows: string, axes = "[-1]") => `
fn f(x: f32[b, t, 8]) -> (y: f32[n, 8]) {
  let h: f32[n, 8] = extern(center(x, axes = ${axes}), op = "Reshape"${rows})
  let y = layernorm(h, axes = [-1])
  return y
}
`;

test("a proof goes through rows that are kept", () => {
  expect(run(program(", rows = [0], kept = [-1]"))).not.toMatch(/center\(h/);
});

test("and not where the op says nothing, or only of other axes", () => {
  expect(run(program(""))).toMatch(/center\(h/);
  expect(run(program(", rows = [0], kept = [-2]"))).toMatch(/center\(h/);
  expect(run(program(", rows = [0], kept = [-1]", "[-2]"))).toMatch(/center\(/);
});

test("a centering moves into what the rows are made of", () => {
  const moved = run(`
const w: f32[2, 2] = [[1, 2], [3, 5]]
fn f(x: f32[b, t, 2]) -> (y: f32[n, 2]) {
  let p = matmul(x, w)
  let h: f32[n, 2] = extern(p, op = "Reshape", rows = [0], kept = [-1])
  let y = layernorm(h, axes = [-1])
  return y
}
`);
  expect(moved).not.toMatch(/ center\((h|p)/);
  expect(moved).toMatch(/rows = \[0\], kept = \[-1\]/);
});

/** `@centered` and `@trained`: their arguments, how they print, and what follows from them. */

import { expect, test } from "vitest";
import { builtins } from "../../passes/index.ts";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { sameModule } from "../../src/ir/equal.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { print } from "../../src/ir/print.ts";
import { specialize } from "../../src/ir/specialize.ts";
import { format } from "../../src/parse/format.ts";
import { parse } from "../../src/parse/parse.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";

const signature = (contract: string) => `fn f(x: f32[rows, 768]${contract}) -> (y: f32[rows, 768]) {`;
const program = (contract: string) => `${signature(contract)}
  let y = center(x, axes = [-1])
  return y
}
`;

test("it is kept by printing, formatting and fixing dimensions; axes count from the end", () => {
  const text = program(" @centered(1)");
  const module = parse(text);
  expect(print(module)).toContain("x: f32[rows, 768] @centered(-1)");
  expect(sameModule(parse(print(module)), module)).toBe(true);
  expect(sameModule(parse(program("")), module)).toBe(false);
  expect(format(text)).toBe(text);
  expect(print(specialize(module, { rows: 4 }))).toContain("x: f32[4, 768] @centered(-1)");
});

test("`@trained` is kept by printing, formatting and fixing dimensions, behind a promise too", () => {
  const text = program(" @centered(-1) @trained");
  const module = parse(text);
  expect(print(module)).toContain("x: f32[rows, 768] @centered(-1) @trained)");
  expect(sameModule(parse(print(module)), module)).toBe(true);
  expect(sameModule(parse(program(" @centered(-1)")), module)).toBe(false);
  expect(format(text)).toBe(text);
  expect(print(specialize(module, { rows: 4 }))).toContain("x: f32[4, 768] @centered(-1) @trained)");
});

test("a constant is not trained", () => {
  const said = diagnosticsOf(() => parse("const w: f32[2] @trained = [1, 2]\n"));
  expect(said.join("\n")).toBe(
    "E0110: expected `=` and a value, found `@trained`\nhelp: a trained weight must be a parameter",
  );
});

test("it proves a centering to be nothing, and only over its axes", () => {
  const optimized = (contract: string) => {
    const { module, remarks } = new PassManager("eliminate-centering", { builtins }).run(parse(program(contract)));
    return { left: print(module).includes("center("), remarks: remarks.map(({ code }) => code) };
  };
  expect(optimized(" @centered(-1)")).toEqual({ left: false, remarks: ["R0104"] });
  expect(optimized(" @centered(0)")).toEqual({ left: true, remarks: ["R0102"] });
  expect(optimized("")).toEqual({ left: true, remarks: ["R0102"] });
});

test("a mean over more axes is zero too, one over fewer need not be", () => {
  const over = (contract: string, axes: string) => {
    const text = `fn f(x: f32[n, 4, 8] @centered(${contract})) -> f32[n, 4, 8] { return center(x, axes = [${axes}]) }`;
    const fn = new PassManager("eliminate-centering", { builtins }).run(parse(text)).module.fns[0] as Fn;
    return fn.ops.length;
  };
  expect([over("-1", "-1, -2"), over("-1, -2", "-1, -2"), over("-1, -2", "-1")]).toEqual([0, 0, 1]);
});

test.each([
  ["x: f32[n, 8] @centered(2)", "E0212"],
  ["x: f32[n, 8] @centered(-1, 1)", "E0213"],
  ["x: i32[n, 8] @centered(-1)", "E0204"],
  ["x: i32[n, 8] @trained", "E0204"],
  ["x: f32[n, 8] @trained(-1)", "E0110"],
  ["x: f32[n, 8] @trained @trained", "E0110"],
  ["x: f32[n, 8] @trainedx", "E0107"],
])("%s", (param, code) => {
  const text = `fn f(${param}, y: f32[n]) -> f32[n] { return y }`;
  expect(() => parse(text)).toThrow(TircError);
  expect(() => parse(text)).toThrow(code);
});

/** Constant tensors: their contents, how they print, and how they are loaded. */

import { describe, expect, test } from "vitest";
import { builtins } from "../../passes/index.ts";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { renderShort } from "../../src/diagnostics/short.ts";
import { compile } from "../../src/index.ts";
import { sameModule } from "../../src/ir/equal.ts";
import { constantsOf, interpret } from "../../src/ir/interpret.ts";
import type { Fn } from "../../src/ir/ir.ts";
import { print } from "../../src/ir/print.ts";
import { format } from "../../src/parse/format.ts";
import { parse } from "../../src/parse/parse.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";

const program = `const gamma: f32[3] = [1, -2.5, 3]
const table: i32[2, 2] = [[1, 2], [-3, 4]]
const flags: bool[2] = [true, false]
const half: f32 = 0.5
const w: f32[3, 4] = load("m.safetensors", "h.0.w")
const c: f32[2, 2] @centered(-1) = [[1, -1], [0, 0]]
const w_centered: f32[3, 4] = center(w, axes = [-1])
const both: f32[3, 4] = add(w, w_centered)

fn f(x: f32[n, 3]) -> (y: f32[n, 3]) {
  let h = x * half
  let y = h * gamma + gamma
  return y
}

fn g(x: f32[4]) -> (y: f32[3, 4]) {
  let y = w + x
  return y
}
`;

const rows = (...data: number[]) => ({
  element: "f32" as const,
  shape: [data.length / 3, 3],
  data: Float64Array.from(data),
});

test("what is printed reads back as the same, and is laid out already", () => {
  const module = parse(program);
  const text = print(module);
  expect(sameModule(parse(text), module)).toBe(true);
  expect(print(parse(text))).toBe(text);
  expect(format(program)).toBe(program);
});

test("a tensor that is written out is read by the interpreter", () => {
  const module = parse(program);
  const { y } = interpret(module.fns[0] as Fn, { x: rows(2, 4, 6, 0, 0, 0) }, constantsOf(module));
  expect([...(y?.data ?? [])]).toEqual([2, -7.5, 12, 1, -2.5, 3]);
});

test("a tensor in a file is asked for once, and only when it is read", () => {
  const module = parse(program);
  const asked: string[] = [];
  const constants = constantsOf(module, ({ name, type }) => {
    asked.push(name);
    return { element: "f32", shape: type.shape as number[], data: new Float64Array(12).fill(1) };
  });
  interpret(module.fns[0] as Fn, { x: rows(1, 2, 3) }, constants);
  expect(asked).toEqual([]);
  const x = { element: "f32" as const, shape: [4], data: Float64Array.of(0, 1, 2, 3) };
  const { y } = interpret(module.fns[1] as Fn, { x }, constants);
  interpret(module.fns[1] as Fn, { x }, constants);
  expect([...(y?.data ?? [])]).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
  expect(asked).toEqual(["w"]);
});

test("an op of constants is computed in float64, from constants that may come later", () => {
  const text = `const b: f32[2, 2] = matmul(a, a)
const a: f32[2, 2] = [[1, 2], [3, 4]]
fn f(x: f32[2, 2]) -> (y: f32[2, 2]) { return x + b }`;
  const module = parse(text);
  const x = { element: "f32" as const, shape: [2, 2], data: Float64Array.of(0, 0, 0, 0.5) };
  expect([...(interpret(module.fns[0] as Fn, { x }, constantsOf(module)).y?.data ?? [])]).toEqual([7, 10, 15, 22.5]);
});

test("a file that nothing reads is an error with the place of the const", () => {
  const module = parse(program);
  const x = { element: "f32" as const, shape: [4], data: new Float64Array(4) };
  expect(() => interpret(module.fns[1] as Fn, { x }, constantsOf(module))).toThrow("E0665");
});

test("a kernel binds the tensors that it reads; a scalar is a literal", () => {
  const { kernels, module } = compile(parse(program));
  const names = kernels.map((kernel) =>
    kernel.manifest.bindings.filter(({ constant }) => constant).map(({ name }) => name),
  );
  expect(names).toEqual([["gamma"], ["w"]]);
  expect(kernels[0]?.wgsl).toContain("x * 0.5");
  // The passes keep the constants of the module.
  expect(module.consts.map(({ name }) => name)).toEqual([
    "gamma",
    "table",
    "flags",
    "half",
    "w",
    "c",
    "w_centered",
    "both",
  ]);
  expect(sameModule(parse(print(module)), module)).toBe(true);
});

test("passes do not tell apart equal tensors by their place, nor join different ones", () => {
  const text = `const a: f32[2] = [1, 2]
const b: f32[2] = [1, 2]
fn f(x: f32[2]) -> f32[2] { return (x + a) * (x + a) - (x + b) }`;
  const { module } = new PassManager("cse", { builtins }).run(parse(text));
  expect(print(module)).toContain("let t0 = x + a\n  let t1 = t0 * t0\n  let t2 = x + b\n");
});

const fails = (text: string): string[] => {
  try {
    parse(`${text}\nfn f(x: f32[2]) -> f32[2] { return x }`, { file: "p.tir" });
  } catch (caught) {
    if (caught instanceof TircError) return caught.diagnostics.map((found) => renderShort(found).replace("p.tir:", ""));
    throw caught;
  }
  return [];
};

describe("what is wrong", () => {
  test.each([
    ["const a: f32[n] = [1]", "1:14: error[E0240]: the const `a` has the dimension `n`, but needs numbers"],
    [
      "const a: f32[2] = [1]",
      "1:19: error[E0242]: the const `a` is declared f32[2], but this is a list of 1 where 2 are expected",
    ],
    [
      "const a: f32[2] = sum(b, axes = [-1])\nconst b: f32[3, 3] = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]",
      "1:19: error[E0242]: the const `a` is declared f32[2], but this is f32[3]",
    ],
    ["const a: f32[2] = neg(c)", "1:23: error[E0201]: `c` is not defined here"],
    ["const a: f32[2] = neg(a)", "1:1: error[E0244]: the const `a` is computed from itself"],
    [
      "const a: f32[2] = neg(exp(b))\nconst b: f32[2] = [1, 2]",
      "1:19: error[E0241]: the const `a` is not a number, list of numbers, `load(...)` or op of other consts",
    ],
    [
      "const a: i32[2] @centered(-1) = [1, -1]",
      "1:17: error[E0204]: `@centered` does not take i32: it takes f32, f16 or bf16",
    ],
    [
      "const a: f32[2] @centered(-2) = [1, -1]",
      "1:17: error[E0212]: `@centered` names axis -2, which [2] does not have",
    ],
    ["const a: f32[2] @centered = [1, 2]", "1:27: error[E0110]: expected the axes in parentheses, found `=`"],
    ["const a: f32[2] @centered(x) = [1, 2]", "1:27: error[E0110]: expected the axes in parentheses, found `x`"],
    ["const a f32[2] = [1, 2]", "1:9: error[E0110]: expected `:` and the type, found `f32`"],
    ["const a: f32[2] [1, 2]", "1:17: error[E0110]: expected `=` and a value, found `[`"],
    ["const a: f32[2] = 3", "1:19: error[E0242]: the const `a` is declared f32[2], but this is one number, not [2]"],
    [
      "const a: f32 = [3]",
      "1:16: error[E0242]: the const `a` is declared f32, but this is a list where a number is expected",
    ],
    [
      "const a: f32[1, 2] = [[1, x]]",
      "1:27: error[E0241]: the const `a` is not a number, list of numbers, `load(...)` or op of other consts",
    ],
    ["const a: i32[2] = [1.5, 2]", "1:20: error[E0220]: i32 cannot hold 1.5: it is not a whole number"],
    [
      "const a: bool[1] = [1]",
      "1:21: error[E0220]: bool cannot hold 1: it is a number, and bool has `true` and `false`",
    ],
    ["const a: f32[2] = load()", "1:19: error[E0243]: `load` takes the name of a file, and of a tensor in it"],
    [
      'const a: f32[2] = load("a", "b", "c")',
      "1:19: error[E0243]: `load` takes the name of a file, and of a tensor in it",
    ],
    ["const a = 3", "1:9: error[E0142]: the const `a` needs a type"],
    ["const a: f32 = 1\nconst a: f32 = 2", "2:7: error[E0225]: the const `a` is defined twice"],
    ["const x: f32[2] = [1, 2]", "2:6: error[E0225]: the parameter `x` is defined twice"],
  ])("%s", (text, message) => expect(fails(text)).toEqual([message]));
});

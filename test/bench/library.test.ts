/** A program through another library computes what the program does: here the library is the op table's primitive ops. */

import { expect, test } from "vitest";
import { evaluateWith, type Functions, type Library, NotInLibrary } from "../../src/bench/library.ts";
import { optimize } from "../../src/driver/compile.ts";
import { Builder } from "../../src/ir/builder.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { type Fn, makeFn, type Value } from "../../src/ir/ir.ts";
import type { OpName } from "../../src/ir/ops/index.ts";
import { parse } from "../../src/parse/parse.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";

const unary = [
  "neg",
  "abs",
  "sqrt",
  "exp",
  "log",
  "tanh",
  "erf",
  "sigmoid",
  "floor",
  "ceil",
  "round",
  "sin",
  "cos",
] as const;
const binary = ["add", "sub", "mul", "div", "pow", "minimum", "maximum", "lt", "le", "gt", "ge", "eq"] as const;

function libraryOf(builder: Builder): Library<Value> {
  const of = (name: OpName) => [name, (...operands: Value[]) => builder.emit(name, operands)] as const;
  return {
    functions: Object.fromEntries([...unary, ...binary].map(of)) as unknown as Functions<Value>,
    where: (condition, yes, no) => builder.emit("where", [condition, yes, no]),
    number: (value) => builder.constant("f32", value),
    reduce: (kind, x, axes, keepdims) => builder.emit(kind, [x], { axes: [...axes], keepdims }),
    reshape: (x, shape) => builder.emit("reshape", [x], { shape: [...shape] }),
    transpose: (x, perm) => builder.emit("transpose", [x], { perm: [...perm] }),
    broadcast: (x, shape) => builder.emit("broadcast", [x], { shape: [...shape] }),
    cast: (x, to) => builder.emit("cast", [x], { to }),
    own: {},
  };
}

function throughLibrary(fn: Fn): Fn {
  const builder = new Builder(fn.span);
  const inputs = Object.fromEntries(fn.params.map((param) => [param.name as string, param]));
  const results = Object.entries(evaluateWith(fn, libraryOf(builder), inputs)).map(([name, value]) => ({
    name,
    value,
  }));
  return makeFn({ ...fn, ops: builder.ops, results });
}

const fnOf = (body: string) =>
  optimize(
    parse(`fn f(x: f32[n, 8], r: f32[n, 8], g: f32[8], b: f32[8], s: f32) -> (y: f32[n, 8]) {\n  return ${body}\n}`),
    { passes: "canonicalize", dims: { n: 3 } },
  ).module.fns[0] as Fn;

test.each([
  "layernorm(x + r, g, b, axes = [-1])",
  "layernorm(x, axes = [0, 1], eps = 1e-3)",
  "rmsnorm(x, g, axes = [-1])",
  "l2norm(x, axes = [-1], eps = 1e-6) * s",
  "center(x, axes = [-1])",
  "softmax(x, axes = [-1])",
  "log_softmax(x * 4, axes = [0])",
  'gelu(x) + gelu(r, approximate = "tanh")',
  "silu(x) + relu(r) + softplus(x)",
  "clamp(x, -0.5, 0.5) + fma(x, r, g)",
  "x * rsqrt(mean(x * x, axes = [-1], keepdims = true) + 1) + reciprocal(2 + abs(r))",
  "where(x < r, x, -r) + sum(x, axes = [0])",
  "reshape(transpose(reshape(x, shape = [8, n]), perm = [1, 0]), shape = [n, 8]) + broadcast(g, shape = [n, 8])",
  "max(x, axes = [-1], keepdims = true) - min(x, axes = [-1], keepdims = true) + cast(floor(x), to = f32)",
])("%s", (body) => {
  const fn = fnOf(body);
  const inputs = randomInputs(fn, 3);
  const other = throughLibrary(fn);
  const none = () => {
    throw new Error("there is no constant");
  };
  expectSameNumbers(interpret(other, inputs, none), interpret(fn, inputs, none), { relative: 1e-12, what: body });
});

test("what a library cannot be told is said", () => {
  expect(() => throughLibrary(fnOf("atan2(x, r)"))).toThrow(NotInLibrary);
  expect(() => throughLibrary(fnOf("atan2(x, r)"))).toThrow("it has no equivalent of `atan2`");
});

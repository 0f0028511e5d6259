/** What help lines say to write, put where they say it: the program is right then. */

import { describe, expect, test } from "vitest";
import { refused } from "../support/diagnostics.ts";

const matrix = "x: f32[n, 64], r: f32[n, 64], g: f32[64], b: f32[64]";
const images = "x: f32[n, 64, h, w], g: f32[64], bias: f32[64, h]";
const scores = "x: f32[b, h, q, k], keys: bool[b, k], rows: bool[b, q, k], scale: f32[h, k]";
const mixed = "x: f16[n, 64], r: f32[n, 64], m: bool[n, 64], i: i32[n, 64]";
const labels = "ids: i32[64], label: i32[n, 1], x: f32[n, 64]";

/** The code; parameters; an expression; its wrong part; the replacement in the help. */
const cases: readonly (readonly [code: string, params: string, wrong: string, replaced: string, right: string])[] = [
  // A reduction that lacks its axis.
  [
    "E0205",
    matrix,
    "x / max(abs(x), axes = [-1])",
    "max(abs(x), axes = [-1])",
    "max(abs(x), axes = [-1], keepdims = true)",
  ],
  ["E0205", matrix, "x - mean(x, axes = [-1])", "mean(x, axes = [-1])", "mean(x, axes = [-1], keepdims = true)"],
  ["E0205", matrix, "x / sqrt(var(x, axes = [1]) + 1e-5)", "var(x, axes = [1])", "var(x, axes = [1], keepdims = true)"],
  [
    "E0205",
    matrix,
    "where(x > mean(x, axes = [-1]), x, 0)",
    "mean(x, axes = [-1])",
    "mean(x, axes = [-1], keepdims = true)",
  ],
  // A vector beside channels.
  ["E0205", images, "x * g", "g", "reshape(g, shape = [64, 1, 1])"],
  ["E0205", images, "g + x", "g", "reshape(g, shape = [64, 1, 1])"],
  ["E0205", images, "x + bias", "bias", "reshape(bias, shape = [64, h, 1])"],
  ["E0205", "x: f32[rows, 64], s: f32[rows]", "x * s", "s", "reshape(s, shape = [rows, 1])"],
  // A mask whose axes have others between them.
  ["E0205", scores, "where(keys, x, 0)", "keys", "reshape(keys, shape = [b, 1, 1, k])"],
  ["E0205", scores, "where(rows, x, 0)", "rows", "reshape(rows, shape = [b, 1, q, k])"],
  ["E0205", scores, "x + scale", "scale", "reshape(scale, shape = [h, 1, k])"],
  // Two extents on an axis: slice the longer one, or give each its own axis.
  ["E0205", "x: f32[n, 64], y: f32[32]", "x + y", "x", "slice(x, axis = -1, start = 0, end = 32)"],
  ["E0205", "x: f32[n, 64], y: f32[32]", "x + y", "x", "reshape(x, shape = [n, 2, 32])"],
  ["E0205", "x: f32[n, 64], y: f32[48]", "x + y", "x", "reshape(x, shape = [n, 64, 1])"],
  ["E0205", "x: f32[n, 32], y: f32[n, 64]", "x + exp(y)", "exp(y)", "slice(exp(y), axis = -1, start = 0, end = 32)"],
  ["E0205", "x: f32[n, 64], y: f32[64, n]", "x * y", "x", "transpose(x, perm = [1, 0])"],
  // Operands that are attributes here, or belong to another op.
  ["E0207", matrix, "max(x, 0)", "max(x, 0)", "maximum(x, 0)"],
  ["E0207", matrix, "min(x, r)", "min(x, r)", "minimum(x, r)"],
  ["E0207", matrix, "reshape(g, [64, 1])", "[64, 1]", "shape = [64, 1]"],
  ["E0207", matrix, "transpose(x, [1, 0])", "[1, 0]", "perm = [1, 0]"],
  ["E0207", matrix, "softmax(x, -1)", "-1", "axes = [-1]"],
  ["E0207", matrix, "sum(x, axes = [0], true)", "true", "keepdims = true"],
  ["E0207", matrix, "cast(x, f16)", "f16", "to = f16"],
  ["E0207", matrix, 'gelu(x, "tanh")', '"tanh"', 'approximate = "tanh"'],
  ["E0207", matrix, "leaky_relu(x, 0.2)", "0.2", "alpha = 0.2"],
  ["E0207", matrix, "layernorm(x, g, b, 1e-6, axes = [-1])", "1e-6", "eps = 1e-6"],
  ["E0207", matrix, "rmsnorm(x, g, b, axes = [-1])", "rmsnorm(x, g, b, axes = [-1])", "rmsnorm(x, g, axes = [-1]) + b"],
  [
    "E0208",
    matrix,
    "rmsnorm(x, g, axes = [-1], bias = b)",
    "rmsnorm(x, g, axes = [-1], bias = b)",
    "rmsnorm(x, g, axes = [-1]) + b",
  ],
  ["E0207", matrix, "maximum(x, r, g)", "maximum(x, r, g)", "maximum(maximum(x, r), g)"],
  ["E0207", matrix, "reshape(x, n, 8, 8)", "n, 8, 8", "shape = [n, 8, 8]"],
  ["E0207", matrix, "transpose(x, 0, 1)", "0, 1", "perm = [1, 0]"],
  ["E0207", images, "transpose(x, 0, 2, 3, 1)", "0, 2, 3, 1", "perm = [0, 2, 3, 1]"],
  ["E0207", matrix, 'cast(x, "f16")', '"f16"', "to = f16"],
  ["E0211", matrix, "gelu(x, approximate = tanh)", "approximate = tanh", 'approximate = "tanh"'],
  ["E0211", matrix, "reshape(x, shape = [n * 1, 8, 8])", "n * 1", "-1"],
  ["E0215", matrix, "groupnorm(x, 32)", "32", "groups = 32"],
  ["E0215", matrix, "layernorm(x, 1e-6, axes = [-1])", "1e-6", "eps = 1e-6"],
  ["E0215", matrix, "layernorm(x, -1)", "-1", "axes = [-1]"],
  ["E0228", matrix, "concat([x, r], axis = -1)", "concat([x, r], axis = -1)", "concat(x, r, axis = -1)"],
  ["E0208", matrix, "var(x, axes = [-1], unbiased = False)", "unbiased = False", "correction = 0"],
  ["E0110", matrix, "relu x", "relu x", "relu(x)"],
  ["E0110", matrix, "sigmoid(x) r", "sigmoid(x) r", "sigmoid(x) * r"],
  ["E0228", matrix, "layernorm(x, [64], gamma = g, beta = b)", "[64]", "axes = [-1]"],
  // Arguments by other names.
  ["E0208", matrix, "sum(x, dim = -1)", "dim = -1", "axes = [-1]"],
  ["E0208", matrix, "sum(x, axis = 1)", "axis = 1", "axes = [1]"],
  ["E0208", matrix, "sum(x, axes = [-1], keepdim = true)", "keepdim = true", "keepdims = true"],
  ["E0208", matrix, "layernorm(x, weight = g, axes = [-1])", "weight = g", "gamma = g"],
  ["E0208", matrix, "layernorm(x, g, bias = b, axes = [-1])", "bias = b", "beta = b"],
  ["E0208", matrix, "layernorm(x, g, b, axes = [-1], epsilon = 1e-6)", "epsilon = 1e-6", "eps = 1e-6"],
  ["E0208", matrix, "var(x, axes = [-1], ddof = 1)", "ddof = 1", "correction = 1"],
  ["E0208", matrix, "cast(x, dtype = f16)", "dtype = f16", "to = f16"],
  ["E0208", matrix, "transpose(x, dims = [1, 0])", "dims = [1, 0]", "perm = [1, 0]"],
  ["E0208", matrix, "leaky_relu(x, negative_slope = 0.1)", "negative_slope = 0.1", "alpha = 0.1"],
  ["E0208", labels, "where(ids = label, x, 0)", "ids = label", "ids == label"],
  ["E0211", matrix, "cast(x, to = float16)", "to = float16", "to = f16"],
  // Element types.
  ["E0203", mixed, "x + r", "x", "cast(x, to = f32)"],
  ["E0203", mixed, "r * x", "x", "cast(x, to = f32)"],
  ["E0203", mixed, "i * r", "i", "cast(i, to = f32)"],
  ["E0203", "q: f8e4m3[n], x: f16[n], m: bool[n]", "where(m, q, x)", "q", "cast(q, to = f16)"],
  ["E0204", mixed, "r * m", "m", "cast(m, to = f32)"],
  ["E0204", mixed, "x * m", "m", "cast(m, to = f16)"],
  ["E0204", mixed, "exp(i)", "i", "cast(i, to = f32)"],
  ["E0204", mixed, "where(r, x, 0)", "r", "r != 0"],
  ["E0204", mixed, "where(r, m, -1e9)", "r, m", "m, r"],
  ["E0204", mixed, "where(r, 0, m)", "r, 0, m", "m, 0, r"],
  ["E0204", mixed, "where(cond = r, a = m, b = r)", "r, a = m", "m, a = r"],
  // A product without its sign.
  ["E0110", matrix, "x + 2 r", "2 r", "2 * r"],
  ["E0110", matrix, "x * r + (1 - x) (1 - r)", "(1 - x) (1 - r)", "(1 - x) * (1 - r)"],
  ["E0110", matrix, "2(x + r)", "2(x + r)", "2 * (x + r)"],
  ["E0112", matrix, "exp(2 x)", "2 x", "2 * x"],
  ["E0202", matrix, "x(1 + r)", "x(1 + r)", "x * (1 + r)"],
  // Values.
  ["E0201", matrix, "sum(x, axes = [-1], keepdims = True)", "True", "true"],
  ["E0201", matrix, "x * pi", "pi", "3.141592653589793"],
];

/** The expression in a function that returns something else, so that its type does not matter. */
const program = (params: string, value: string) =>
  `fn f(${params}) -> f32[n_] {\n  let y_ = ${value}\n  return z_\n}\n`.replace("fn f(", "fn f(z_: f32[n_], ");

describe("what the help of", () => {
  test.each(cases)("%s says of (%s) %s is right", (code, params, wrong, replaced, right) => {
    const [found, ...others] = refused(program(params, wrong));
    expect([found?.code, others]).toEqual([code, []]);
    expect(found?.help.join("\n")).toContain(`\`${right}\``);
    const at = wrong.lastIndexOf(replaced);
    const fixed = wrong.slice(0, at) + right + wrong.slice(at + replaced.length);
    expect(refused(program(params, fixed))).toEqual([]);
  });
});

test("nothing is proposed where nothing helps", () => {
  const help = (params: string, value: string) => refused(program(params, value))[0]?.help;
  // Neither operand contains the other, or it contains it twice.
  expect(help("x: f32[n, 64], y: f32[m, 32]", "x + y")).toEqual([]);
  expect(help("x: f32[n, n, 64], y: f32[n]", "x + y")).toEqual([]);
  expect(help("x: f32[n]", "iota_(x)")).not.toContain("did you mean `not`?");
});

test("a named dimension beside another one is given its name, or its number", () => {
  const help = (params: string) => refused(program(params, "x + y"))[0]?.help;
  expect(help("x: f32[n, 64], y: f32[d]")).toEqual(["if `d` is always 64, write `64` in its place in the parameters"]);
  expect(help("x: f32[n, 64], y: f32[m, 64]")).toEqual(["if `n` and `m` are always equal, write `m` for both"]);
});

test("a suggestion is a slip of the keyboard away, and no word of another meaning", () => {
  const help = (value: string) => refused(program("x: f32[n, 64]", value))[0]?.help[0];
  expect(help("arange(64)")).toMatch(/iota/);
  expect(help("zzot(x)")).toBe("docs/language.md lists every op");
  expect(help("nor(x)")).toMatch(/`not` or `or`|`or` or `not`/);
  expect(help("laeyrnorm(x)")).toBe("did you mean `layernorm`?");
  expect(help("LayerNorm(x)")).toBe("did you mean `layernorm`?");
  expect(help("logsumexpp(x)")).toBe("did you mean `logsumexp`?");
  expect(help("relu")).toBe("call it: `relu(x)`");
});

test("a value of another element type than is declared is cast, or the declaration changed", () => {
  const program = (value: string, declared: string) =>
    `fn f(x: f16[n, 64], r: f32[n, 64]) -> (y: ${declared}) {\n  return ${value}\n}\n`;
  const help = (value: string, declared: string) => refused(program(value, declared))[0]?.help;
  expect(help("x", "f32[n, 64]")).toEqual(["write `cast(x, to = f32)`, or declare it f16[n, 64]"]);
  expect(help("exp(r)", "bool[n, 64]")).toEqual(["write `exp(r) != 0`, or declare it f32[n, 64]"]);
  expect(help("r + r", "bool[n, 64]")).toEqual(["write `(r + r) != 0`, or declare it f32[n, 64]"]);
  for (const [value, declared] of [
    ["cast(x, to = f32)", "f32[n, 64]"],
    ["exp(r) != 0", "bool[n, 64]"],
    ["(r + r) != 0", "bool[n, 64]"],
    ["x", "f16[n, 64]"],
    ["reshape(mean(r, axes = [1]), shape = [n, 1])", "f32[n, 1]"],
    ["broadcast(mean(r, axes = [1], keepdims = true), shape = [n, 64])", "f32[n, 64]"],
  ] as const) {
    expect(refused(program(value, declared))).toEqual([]);
  }
  expect(help("x", "f16[32]")).toEqual(["declare it f16[n, 64]"]);
  expect(help("mean(r, axes = [1])", "f32[n, 1]")).toEqual([
    "write `reshape(mean(r, axes = [1]), shape = [n, 1])`, or declare it f32[n]",
  ]);
  expect(help("mean(r, axes = [1], keepdims = true)", "f32[n, 64]")).toEqual([
    "write `broadcast(mean(r, axes = [1], keepdims = true), shape = [n, 64])`, or declare it f32[n, 1]",
  ]);
});

test("there are no loops, and no calls of other functions", () => {
  const said = (text: string) => refused(text).map(({ message, help }) => `${message}: ${help.join("; ")}`)[0];
  expect(said("fn f(x: f32) -> f32 {\n for i in 0..4 { }\n return x\n}")).toMatch(/there are no loops/);
  expect(said("fn f(x: f32) -> f32 {\n for i in x { }\n return x\n}")).toMatch(/there are no loops/);
  expect(said("fn f(x: f32) -> f32 {\n while x > 0 { }\n return x\n}")).toMatch(/there are no loops/);
  expect(said("fn f(x: f32) -> f32 { return g(x) }\nfn g(x: f32) -> f32 { return x }")).toMatch(
    /function of this file/,
  );
});

test("what other languages write of parameters, results and constants is told what stands here", () => {
  const said = (text: string) => refused(text)[0]?.help.join("; ");
  expect(said("fn f(x: f32[n][m]) -> f32 { return x }")).toMatch(/one pair of brackets/);
  expect(said("fn f(x: f32(n, m)) -> f32 { return x }")).toMatch(/one pair of brackets/);
  expect(said("fn f(x: array<f32>) -> f32 { return x }")).toMatch(/one pair of brackets/);
  expect(said("fn f(f32[n] x) -> f32[n] { return x }")).toMatch(/name comes before the type/);
  expect(said("fn f(x: f32[n], eps: f32 = 1) -> f32[n] { return x }")).toMatch(/no default/);
  expect(said("fn f(x: f32[n], eps = 1) -> f32[n] { return x }")).toMatch(/`eps: f32` for a number/);
  expect(said("fn f(x: f32[?, 64]) -> f32 { return x }")).toMatch(/a variable dimension has a name/);
  expect(said("fn f(x: f32[n]) -> (a: f32[n], b: f32[n]) { return (x, x) }")).toMatch(/`return a, b`/);
  const named = said("fn f(x: f32[n]) -> (a: f32[n], b: f32[n]) { return (a = x, b = x) }");
  expect(named).toMatch(/named in the header/);
  const flat = said("fn f(x: f32[n, 9], i: i32[n]) -> f32[n, 1] { return gather(x, i, axis = -1) }");
  expect(flat).toMatch(/`reshape\(i, shape = \[n, 1\]\)`/);
  const first = said("fn f(x: f32[9, n], i: i32[n]) -> f32[1, n] { return gather(x, i, axis = 0) }");
  expect(first).toMatch(/`reshape\(i, shape = \[1, n\]\)`/);
  expect(said("let s = 2\nfn f(x: f32[n]) -> f32[n] { return x * s }")).toMatch(/`const name: f32 = 2`/);
  expect(said("fn f(x: i32[n]) -> i32[n] { return x / 2.5 }")).toMatch(/cast\(\.\.\., to = f32\)/);
  expect(said("fn f(x: f32[n]) -> f32[n] { return torch.exp(x) }")).toMatch(/no prefix/);
});

test("a number for an operand of another type: what the operand is, and how the attribute is given", () => {
  const found = refused("fn f(x: f32[n, 64]) -> f32[n, 64] { return dropout(x, 0.1) }");
  expect(found.map(({ code, help }) => [code, help])).toEqual([
    ["E0220", ["`seed` of `dropout` has element type i32; pass the attribute `p` by name: `p = 0.1`"]],
  ]);
});

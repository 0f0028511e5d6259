/** A small program for each op that exercises it. */

import type { OpName } from "../../src/ir/ops/index.ts";

const x = "x: f32[rows, 6]";
const rows = (expression: string, params = x) => `fn f(${params}) -> f32[rows, 6] {\n  return ${expression}\n}\n`;
const unary = (name: string) => rows(`${name}(x)`);
const binary = (name: string) => rows(`${name}(a, b)`, "a: f32[rows, 6], b: f32[6]");
const infix = (symbol: string) => rows(`a ${symbol} b`, "a: f32[rows, 6], b: f32[6]");
const condition = (expression: string) => rows(`where(${expression}, a, b)`, "a: f32[rows, 6], b: f32[rows, 1]");
const placeIn = (axis: string) => `cast(iota(shape = [rows, 6], axis = ${axis}), to = u32)`;
const folding = (name: string, attributes = "") =>
  `fn f(${x}) -> f32[rows] {\n  return ${name}(x, axes = [-1]${attributes})\n}\n`;
const of = (params: string, type: string, expression: string) =>
  `fn f(${params}) -> ${type} {\n  return ${expression}\n}\n`;

export const opPrograms: { readonly [Name in Exclude<OpName, "constant" | "global">]: readonly string[] } = {
  neg: [unary("neg")],
  abs: [unary("abs")],
  sign: [unary("sign")],
  square: [unary("square")],
  sqrt: [unary("sqrt")],
  rsqrt: [unary("rsqrt")],
  reciprocal: [unary("reciprocal")],
  exp: [unary("exp")],
  exp2: [unary("exp2")],
  log: [unary("log")],
  log2: [unary("log2")],
  log1p: [unary("log1p")],
  expm1: [unary("expm1")],
  pow2_scale: [unary("pow2_scale")],
  sin: [unary("sin")],
  cos: [unary("cos")],
  tan: [unary("tan")],
  tanh: [unary("tanh")],
  erf: [unary("erf")],
  sigmoid: [unary("sigmoid")],
  relu: [unary("relu")],
  gelu: [unary("gelu"), rows('gelu(x, approximate = "tanh")')],
  silu: [unary("silu")],
  softplus: [unary("softplus")],
  elu: [unary("elu"), rows("elu(x, alpha = 0.5)")],
  leaky_relu: [unary("leaky_relu"), rows("leaky_relu(x, alpha = 0.25)")],
  hardswish: [unary("hardswish")],
  floor: [unary("floor")],
  ceil: [unary("ceil")],
  round: [unary("round")],
  trunc: [unary("trunc")],
  stop_gradient: [rows("x * stop_gradient(x)")],
  not: [condition("!(a > b)")],
  cast: [of("x: f16[rows, 6]", "f32[rows, 6]", "cast(x, to = f32)"), of(x, "f16[rows, 6]", "cast(x, to = f16)")],
  add: [infix("+")],
  sub: [infix("-")],
  mul: [infix("*")],
  div: [infix("/")],
  rem: [infix("%")],
  pow: [
    binary("pow"),
    rows("pow(x, 3)"),
    rows("pow(x, 0.5)"),
    rows("pow(x, 2)"),
    rows("pow(x, -1)"),
    rows("pow(2, x)"),
  ],
  minimum: [binary("minimum")],
  maximum: [binary("maximum")],
  atan2: [binary("atan2")],
  eq: [condition("a == b")],
  ne: [condition("a != b")],
  lt: [condition("a < b")],
  le: [condition("a <= b")],
  gt: [condition("a > b")],
  ge: [condition("a >= b")],
  random_bits: [
    condition(`random_bits(${placeIn("1")}, ${placeIn("0")}, 9) < 1073741824`),
    condition(`random_bits(${placeIn("1")}, ${placeIn("0")}, 9, stream = 7) < 1073741824`),
  ],
  and: [condition("a > b && a > 0")],
  or: [condition("a > b || a > 0")],
  where: [rows("where(c, a, b)", "c: bool[rows, 1], a: f32[rows, 6], b: f32[6]")],
  clamp: [rows("clamp(x, lo, hi)", "x: f32[rows, 6], lo: f32, hi: f32[6]"), rows("clamp(x, -0.5, 0.5)")],
  fma: [rows("fma(a, b, c)", "a: f32[rows, 6], b: f32[6], c: f32[rows, 1]")],
  sum: [folding("sum"), of("x: f32[rows, 4, d]", "f32[rows, d]", "sum(x, axes = [1])")],
  mean: [folding("mean"), of("x: f32[rows, d]", "f32", "mean(x, axes = [0, 1])")],
  max: [folding("max"), folding("max", ", keepdims = true").replace("f32[rows] {", "f32[rows, 1] {")],
  min: [folding("min")],
  prod: [folding("prod")],
  var: [
    folding("var"),
    folding("var", ", correction = 1"),
    of("x: f32[rows, d]", "f32[rows]", "var(x, axes = [1], correction = 1)"),
  ],
  std: [folding("std"), folding("std", ", correction = 1")],
  logsumexp: [folding("logsumexp")],
  argmax: [rows("x * cast(argmax(x, axes = [-1], keepdims = true), to = f32)")],
  argmin: [rows("x * cast(argmin(x, axes = [-1], keepdims = true), to = f32)")],
  moments: [
    `fn f(${x}) -> (m: f32[rows], v: f32[rows]) {\n  let (m, v) = moments(x, axes = [-1])\n  return m, v\n}\n`,
    folding("moments").replace("return", "let (m, v) =").replace("\n}", "\n  return m * v\n}"),
  ],
  layernorm: [
    rows("layernorm(x, g, b, axes = [-1], eps = 0.5)", `${x}, g: f32[6], b: f32[6]`),
    of("x: f32[rows, d]", "f32[rows, d]", "layernorm(x, axes = [1])"),
    of("x: f32[rows, 1]", "f32[rows, 1]", "layernorm(x, axes = [1])"),
    of("x: f32[rows, 2], g: f32[2]", "f32[rows, 2]", "layernorm(x, g, axes = [1])"),
    of("x: f32[rows, 3], g: f32[rows]", "f32[rows, 3]", "layernorm(x, g, axes = [0])"),
    of("x: f32[rows, 3, 4], g: f32[3, 4]", "f32[rows, 3, 4]", "layernorm(x, g, axes = [-2, -1], eps = 0)"),
  ],
  rmsnorm: [
    rows("rmsnorm(x, g, axes = [-1], eps = 0.5)", `${x}, g: f32[6]`),
    of("x: f32[rows, 1]", "f32[rows, 1]", "rmsnorm(x, axes = [1])"),
  ],
  center: [rows("center(x, axes = [-1])"), rows("center(x, axes = [0, 1])")],
  softmax: [rows("softmax(x, axes = [-1])"), rows("softmax(x, axes = [0])")],
  log_softmax: [rows("log_softmax(x, axes = [-1])")],
  l2norm: [
    rows("l2norm(x, axes = [-1], eps = 0.5)"),
    of("x: f32[rows, 1]", "f32[rows, 1]", "l2norm(x, axes = [1], eps = 2)"),
  ],
  groupnorm: [of("x: f32[rows, 4, d], g: f32[4], b: f32[4]", "f32[rows, 4, d]", "groupnorm(x, g, b, groups = 2)")],
  reshape: [of(x, "f32[3, rows, 2]", "reshape(x, shape = [3, rows, 2])")],
  transpose: [of("x: f32[rows, 2, d]", "f32[d, rows, 2]", "transpose(x, perm = [2, 0, 1])")],
  broadcast: [of("x: f32[rows, 1]", "f32[2, rows, 4]", "broadcast(x, shape = [2, rows, 4])")],
  matmul: [
    of("a: f32[rows, 4], b: f32[4, d]", "f32[rows, d]", "matmul(a, b)"),
    of("a: f32[2, rows, 4], b: f32[4, 3]", "f32[2, rows, 3]", "matmul(a, b)"),
    of("a: f32[batch, rows, 4], b: f32[4, 3]", "f32[batch, rows, 3]", "matmul(a, b)"),
    of("a: f32[batch, 1, rows, 4], b: f32[2, 4, 3]", "f32[batch, 2, rows, 3]", "matmul(a, b)"),
    of("a: f32[4], b: f32[4, 3]", "f32[3]", "matmul(a, b)"),
    of("a: f32[rows, 4], b: f32[4]", "f32[rows]", "matmul(a, b)"),
    of("a: f32[4], b: f32[4]", "f32", "matmul(a, b)"),
    of("a: f32[4], b: f32[batch, 4, 3]", "f32[batch, 3]", "matmul(a, b)"),
    of("a: f32[batch, rows, 4], b: f32[4]", "f32[batch, rows]", "matmul(a, b)"),
  ],
  linear: [
    of("x: f32[rows, 4], w: f32[3, 4], b: f32[3]", "f32[rows, 3]", "linear(x, w, b)"),
    of("x: f32[batch, rows, 4], w: f32[3, 4]", "f32[batch, rows, 3]", "linear(x, w)"),
    of("x: f32[4], w: f32[3, 4], b: f32[3]", "f32[3]", "linear(x, w, b)"),
    of("x: f32[2, 3, 4], w: f32[3, 4], b: f32[3]", "f32[2, 3, 3]", "linear(x, w, b)"),
  ],
  embedding: [of("ids: i32[rows], table: f32[5, 4]", "f32[rows, 4]", "embedding(ids, table)")],
  embedding_grad: [of("ids: i32[rows], d: f32[rows, 4]", "f32[5, 4]", "embedding_grad(ids, d, shape = [5, 4])")],
  cumsum: [
    of("x: f32[rows, 11]", "f32[rows, 11]", "cumsum(x, axis = -1)"),
    of("x: f32[2, rows, 3]", "f32[2, rows, 3]", "cumsum(x, axis = 1, exclusive = true, reverse = true)"),
  ],
  conv_input_grad: [
    of("w: f32[3, 2, 2], d: f32[batch, 3, 4]", "f32[batch, 2, 5]", "conv_input_grad(w, d, shape = [batch, 2, 5])"),
  ],
  conv_weight_grad: [
    of(
      "x: f32[batch, 4, 6], d: f32[batch, 6, 3]",
      "f32[6, 2, 3]",
      "conv_weight_grad(x, d, shape = [6, 2, 3], strides = [2], pads = [0, 1], group = 2)",
    ),
  ],
  concat: [
    of("a: f32[rows, 2], b: f32[rows, 3], c: f32[rows, 1]", "f32[rows, 6]", "concat(a, b, c, axis = -1)"),
    of("a: f32[2, 3], b: f32[1, 3], c: f32[3, 3], d: f32[2, 3]", "f32[8, 3]", "concat(a, b, c, d, axis = 0)"),
  ],
  slice: [
    of(x, "f32[rows, 2]", "slice(x, axis = -1, start = 1, end = 3)"),
    of(x, "f32[rows, 3]", "slice(x, axis = 1, start = -3, end = 6)"),
    of("x: f32[4, 3]", "f32[2, 3]", "slice(x, axis = 0, start = 0, end = 2)"),
    of(x, "f32[rows, 6]", "slice(x, axis = -1, start = 0, end = 6)"),
    of(x, "f32[rows, 2]", "slice(x, axis = -1, start = 1, end = 5, step = 2)"),
    of("x: f32[7, 3]", "f32[3, 3]", "slice(x, axis = 0, start = 0, end = 7, step = 3)"),
    of("x: f32[7, 3]", "f32[2, 3]", "slice(x, axis = 0, start = -4, end = 7, step = 3)"),
  ],
  pad: [
    of(x, "f32[rows, 9]", "pad(x, axis = -1, before = 1, after = 2, value = 3)"),
    of(x, "f32[rows, 9]", 'pad(x, axis = -1, before = 2, after = 1, mode = "edge")'),
    of("x: f32[4, 3]", "f32[9, 3]", 'pad(x, axis = 0, before = 3, after = 2, mode = "reflect")'),
  ],
  flip: [rows("flip(x, axis = -1)"), rows("flip(x, axis = 0)")],
  gather: [
    of("x: f32[rows, 6], at: i32[rows, 1]", "f32[rows, 1]", "gather(x, at, axis = -1)"),
    of("x: f32[rows, 6], at: u32[rows, 4]", "f32[rows, 4]", "gather(x, at, axis = 1)"),
    of("x: f32[5, 3], at: i32[2, 3]", "f32[2, 3]", "gather(x, at, axis = 0)"),
  ],
  dropout: [of("x: f32[rows, 6], seed: u32", "f32[rows, 6]", "dropout(x, seed, 3, p = 0.25)")],
  size: [
    of("x: f32[rows, 6]", "f32[rows, 6]", "x / cast(size(shape = [rows, 6]), to = f32)"),
    of("x: f32[rows, d]", "f32[rows]", "sum(x * cast(size(shape = [d]) + 1, to = f32), axes = [1])"),
  ],
  linear_index: [
    of("x: f32[rows, 6]", "f32[rows, 6]", "x * cast(linear_index(shape = [rows, 6]) % 7, to = f32)"),
    of(
      "x: f32[2, rows, d]",
      "f32[2, d, rows]",
      "transpose(x + cast(linear_index(shape = [2, rows, d]) % 5, to = f32), perm = [0, 2, 1])",
    ),
    of(
      "x: f32[rows, 4]",
      "f32[rows, 4]",
      "x - cast(slice(linear_index(shape = [rows, 6]), axis = 1, start = 2, end = 6), to = f32)",
    ),
  ],
  iota: [rows("x + cast(iota(shape = [rows, 6], axis = 1), to = f32)")],
  conv: [
    of("x: f32[batch, 2, 5], w: f32[3, 2, 2], b: f32[3]", "f32[batch, 3, 4]", "conv(x, w, b)"),
    of(
      "x: f32[2, 4, 5, 6], w: f32[6, 2, 2, 3], b: f32[6]",
      "f32[2, 6, 3, 3]",
      "conv(x, w, b, strides = [2, 1], pads = [1, 0, 0, 1], dilations = [1, 2], group = 2)",
    ),
  ],
  extern: ['fn f(x: f32[4]) -> f32[4] {\n  let y: f32[4] = extern(x, op = "Other")\n  return y\n}\n'],
};

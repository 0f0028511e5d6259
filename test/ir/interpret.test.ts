/** The interpreter against numbers computed by hand, from closed forms, or from tables, for every op. */

import { expect, test } from "vitest";
import { makeOp } from "../../src/ir/builder.ts";
import { evaluateOp, interpret } from "../../src/ir/interpret.ts";
import type { Attributes } from "../../src/ir/ir.ts";
import { type OpName, opNames } from "../../src/ir/ops/index.ts";
import type { Tensor } from "../../src/ir/tensor.ts";
import { functionOf, nowhere, parameter, row, scalar, tensor } from "../support/ir.ts";

interface Check {
  readonly of: readonly (Tensor | undefined)[];
  readonly with?: Attributes;
  /** One tensor, or one for each result. */
  readonly is: Tensor | readonly Tensor[];
}

const bools = (...values: number[]) => tensor("bool", [values.length], ...values);
const words = (...values: number[]) => tensor("u32", [values.length], ...values);
const ints = (...values: number[]) => tensor("i32", [values.length], ...values);
const naturals = (...values: number[]) => tensor("u32", [values.length], ...values);
const halves = (...values: number[]) => tensor("f16", [values.length], ...values);
const matrix = tensor("f32", [2, 3], 1, 2, 3, 4, 5, 9);
const last = { axes: [-1] };
const e = Math.E;
const ln2 = Math.LN2;
const { SQRT2, PI } = Math;

const checks: { readonly [Name in OpName]: readonly Check[] } = {
  neg: [
    { of: [row(1, -2.5)], is: row(-1, 2.5) },
    { of: [ints(-(2 ** 31))], is: ints(-(2 ** 31)) },
  ],
  abs: [
    { of: [row(1, -2.5)], is: row(1, 2.5) },
    { of: [ints(-(2 ** 31))], is: ints(-(2 ** 31)) },
  ],
  sign: [{ of: [row(3, 0, -0.1)], is: row(1, 0, -1) }],
  square: [
    { of: [row(3, -0.5)], is: row(9, 0.25) },
    { of: [ints(-3, 65537)], is: ints(9, 131073) },
  ],
  sqrt: [{ of: [row(0, 2, 9)], is: row(0, SQRT2, 3) }],
  rsqrt: [{ of: [row(4, 2)], is: row(0.5, 1 / SQRT2) }],
  reciprocal: [{ of: [row(4, -0.5)], is: row(0.25, -2) }],
  exp: [{ of: [row(0, 1, -1, ln2)], is: row(1, e, 1 / e, 2) }],
  exp2: [{ of: [row(0, 10, -1, 0.5)], is: row(1, 1024, 0.5, SQRT2) }],
  log: [{ of: [row(1, e, 2, 0)], is: row(0, 1, ln2, -Infinity) }],
  log2: [{ of: [row(1, 1024, 0.5)], is: row(0, 10, -1) }],
  // log(1 + x) = x - x^2/2 + ..., expm1 x = x + x^2/2 + ...
  log1p: [{ of: [row(0, e - 1, 1e-10)], is: row(0, 1, 1e-10 - 5e-21) }],
  expm1: [{ of: [row(0, 1, 1e-10)], is: row(0, e - 1, 1e-10 + 5e-21) }],
  pow2_scale: [
    { of: [row(1, -1.999, 2, 0.1, 1e18)], is: row(1, 1, 0.5, 16, 2 ** -59) },
    { of: [row(0, 1e-45, 3e38, -Infinity, NaN)], is: row(2 ** 126, 2 ** 126, 2 ** -126, 2 ** -126, 2 ** -126) },
    // Neighbours of powers of two in float64.
    { of: [row(2 ** 40 * (1 - 2 ** -53), 2 ** 40, 2 ** -40 * (1 + 2 ** -52))], is: row(2 ** -39, 2 ** -40, 2 ** 40) },
  ],
  sin: [{ of: [row(0, PI / 2, PI / 6)], is: row(0, 1, 0.5) }],
  cos: [{ of: [row(0, PI, PI / 3)], is: row(1, -1, 0.5) }],
  tan: [{ of: [row(0, PI / 4, -PI / 3)], is: row(0, 1, -Math.sqrt(3)) }],
  tanh: [{ of: [row(0, ln2, -100)], is: row(0, 0.6, -1) }],
  // Abramowitz & Stegun, table 7.1 (10 places), and 1 - erfc from table 7.2.
  erf: [
    { of: [row(0, 0.5, 1, -1, 2)], is: row(0, 0.5204998778, 0.8427007929, -0.8427007929, 0.995322265) },
    { of: [row(3, 6, Infinity, -Infinity)], is: row(0.9999779095, 1, 1, -1) },
  ],
  sigmoid: [{ of: [row(0, Math.log(3), -Math.log(3), -800)], is: row(0.5, 0.75, 0.25, 0) }],
  relu: [{ of: [row(-1, 0, 2.5)], is: row(0, 0, 2.5) }],
  gelu: [
    // x Phi(x) with Phi(1) = 0.8413447461 from tables of the normal distribution; Phi(-10) = 7.619853e-24.
    { of: [row(0, 1, -1, -10)], is: row(0, 0.8413447461, -0.1586552539, -7.619853024e-23) },
    { of: [row(0, 1, -1)], with: { approximate: "tanh" }, is: row(0, 0.8411919906, -0.1588080094) },
  ],
  silu: [{ of: [row(0, Math.log(3), -800)], is: row(0, 0.75 * Math.log(3), 0) }],
  softplus: [{ of: [row(0, Math.log(e - 1), 800, -800)], is: row(ln2, 1, 800, 0) }],
  elu: [{ of: [row(2, -ln2)], with: { alpha: 3 }, is: row(2, -1.5) }],
  leaky_relu: [{ of: [row(2, -2)], with: { alpha: 0.25 }, is: row(2, -0.5) }],
  hardswish: [{ of: [row(-4, -3, 0, 1, 3, 4)], is: row(0, 0, 0, 4 / 6, 3, 4) }],
  floor: [{ of: [row(1.5, -1.5)], is: row(1, -2) }],
  ceil: [{ of: [row(1.5, -1.5)], is: row(2, -1) }],
  round: [{ of: [row(0.5, 1.5, 2.5, -0.5, -1.5, 2.4)], is: row(0, 2, 2, 0, -2, 2) }],
  trunc: [{ of: [row(1.5, -1.5)], is: row(1, -1) }],
  stop_gradient: [{ of: [row(1, -2.5, Infinity)], is: row(1, -2.5, Infinity) }],
  not: [{ of: [bools(0, 1)], is: bools(1, 0) }],
  cast: [
    { of: [row(1.9, -1.9, 3e9, -3e9)], with: { to: "i32" }, is: ints(1, -1, 2 ** 31 - 128, -(2 ** 31)) },
    { of: [row(1.9, -1.9, 5e9)], with: { to: "u32" }, is: naturals(1, 0, 2 ** 32 - 256) },
    { of: [ints(-1)], with: { to: "u32" }, is: naturals(2 ** 32 - 1) },
    { of: [row(1 / 3, 70000)], with: { to: "f16" }, is: halves(1365 / 4096, Infinity) },
    { of: [row(0, -0.1)], with: { to: "bool" }, is: bools(0, 1) },
    { of: [bools(0, 1)], with: { to: "f32" }, is: row(0, 1) },
  ],
  add: [
    { of: [matrix, row(10, 20, 30)], is: tensor("f32", [2, 3], 11, 22, 33, 14, 25, 39) },
    { of: [tensor("f32", [2, 1], 1, 2), row(10, 20)], is: tensor("f32", [2, 2], 11, 21, 12, 22) },
    { of: [ints(2 ** 31 - 1), ints(1)], is: ints(-(2 ** 31)) },
    { of: [naturals(2 ** 32 - 1), naturals(2)], is: naturals(1) },
  ],
  sub: [
    { of: [row(5), row(7.5)], is: row(-2.5) },
    { of: [naturals(1), naturals(2)], is: naturals(2 ** 32 - 1) },
  ],
  mul: [
    { of: [row(1.5, 2), scalar(-2)], is: row(-3, -4) },
    { of: [ints(123456789), ints(987654321)], is: ints(-67153019) },
    { of: [naturals(2 ** 32 - 1), naturals(2 ** 32 - 1)], is: naturals(1) },
  ],
  div: [
    { of: [row(1, -3), row(4, 2)], is: row(0.25, -1.5) },
    { of: [ints(7, -7, 7, -(2 ** 31)), ints(2, 2, 0, -1)], is: ints(3, -3, 7, -(2 ** 31)) },
  ],
  rem: [
    { of: [row(5.5, -5.5, 5.5), row(2, 2, -2)], is: row(1.5, -1.5, 1.5) },
    { of: [ints(7, -7, 7), ints(4, 4, 0)], is: ints(3, -3, 0) },
  ],
  pow: [
    { of: [row(2, -2, 9, -2, 1, 0), row(10, 3, 0.5, -1, NaN, 0)], is: row(1024, -8, 3, -0.5, 1, 1) },
    { of: [row(-8), row(1 / 3)], is: row(NaN) },
  ],
  minimum: [{ of: [row(1, 5), row(3, 2)], is: row(1, 2) }],
  maximum: [{ of: [row(1, 5), row(3, 2)], is: row(3, 5) }],
  atan2: [{ of: [row(1, 1, -1, 0), row(1, -1, 0, -1)], is: row(PI / 4, (3 * PI) / 4, -PI / 2, PI) }],
  eq: [{ of: [row(1, 2), row(1, 3)], is: bools(1, 0) }],
  ne: [{ of: [row(1, NaN), row(1, NaN)], is: bools(0, 1) }],
  lt: [{ of: [row(1, 2, 3), row(2, 2, 2)], is: bools(1, 0, 0) }],
  le: [{ of: [row(1, 2, 3), row(2, 2, 2)], is: bools(1, 1, 0) }],
  gt: [{ of: [row(1, 2, 3), row(2, 2, 2)], is: bools(0, 0, 1) }],
  ge: [{ of: [row(1, 2, 3), row(2, 2, 2)], is: bools(0, 1, 1) }],
  // Known answers of Random123: kat_vectors, threefry2x32 20. A third one needs another stream: test/ir/random-bits.test.ts.
  random_bits: [{ of: [words(0), words(0), words(0)], is: words(0x6b200159) }],
  and: [{ of: [bools(0, 0, 1, 1), bools(0, 1, 0, 1)], is: bools(0, 0, 0, 1) }],
  or: [{ of: [bools(0, 0, 1, 1), bools(0, 1, 0, 1)], is: bools(0, 1, 1, 1) }],
  where: [
    { of: [bools(1, 0), row(1, 2), scalar(9)], is: row(1, 9) },
    { of: [tensor("bool", [2, 1], 1, 0), row(1, 2), row(3, 4)], is: tensor("f32", [2, 2], 1, 2, 3, 4) },
  ],
  clamp: [{ of: [row(-5, 0.5, 5), scalar(-1), scalar(1)], is: row(-1, 0.5, 1) }],
  fma: [{ of: [row(2, 3), row(4, 5), scalar(1)], is: row(9, 16) }],
  sum: [
    { of: [matrix], with: last, is: row(6, 18) },
    { of: [matrix], with: { axes: [0], keepdims: true }, is: tensor("f32", [1, 3], 5, 7, 12) },
    { of: [matrix], with: { axes: [0, 1] }, is: scalar(24) },
    // What is small is not lost beside what is large.
    { of: [row(1e17, 1, -1e17)], with: last, is: scalar(1) },
    { of: [naturals(2 ** 32 - 1, 2)], with: last, is: scalar(1, "u32") },
  ],
  mean: [{ of: [matrix], with: last, is: row(2, 6) }],
  max: [
    { of: [tensor("f32", [2, 2], -3, -1, 4, 2)], with: last, is: row(-1, 4) },
    { of: [ints(-5, -7)], with: last, is: scalar(-5, "i32") },
  ],
  min: [{ of: [tensor("f32", [2, 2], -3, -1, 4, 2)], with: { axes: [0] }, is: row(-3, -1) }],
  prod: [{ of: [matrix], with: last, is: row(6, 180) }],
  var: [
    // Deviations -1, 0, 1 and -2, -1, 3.
    { of: [matrix], with: last, is: row(2 / 3, 14 / 3) },
    { of: [matrix], with: { ...last, correction: 1 }, is: row(1, 7) },
    { of: [row(1e8, 1e8 + 1)], with: last, is: scalar(0.25) },
  ],
  std: [
    { of: [matrix], with: last, is: row(Math.sqrt(2 / 3), Math.sqrt(14 / 3)) },
    { of: [matrix], with: { ...last, correction: 1 }, is: row(1, Math.sqrt(7)) },
  ],
  logsumexp: [
    { of: [row(Math.log(2), Math.log(3))], with: last, is: scalar(Math.log(5)) },
    { of: [row(1e4, 1e4)], with: last, is: scalar(1e4 + ln2) },
    { of: [row(-Infinity, -Infinity)], with: last, is: scalar(-Infinity) },
    { of: [row(1, Infinity, Infinity)], with: last, is: scalar(Infinity) },
    { of: [row(1, NaN)], with: last, is: scalar(NaN) },
  ],
  argmax: [
    { of: [matrix], with: last, is: ints(2, 2) },
    { of: [matrix], with: { axes: [0] }, is: ints(1, 1, 1) },
    { of: [matrix], with: { axes: [-2, -1] }, is: tensor("i32", [], 5) },
    { of: [row(1, 3, 3, -Infinity)], with: last, is: tensor("i32", [], 1) },
    { of: [row(1, NaN, Infinity, NaN)], with: last, is: tensor("i32", [], 1) },
    { of: [naturals(7, 2 ** 32 - 1)], with: { ...last, keepdims: true }, is: ints(1) },
  ],
  argmin: [
    { of: [matrix], with: last, is: ints(0, 0) },
    { of: [row(2, -1, -1, NaN)], with: last, is: tensor("i32", [], 3) },
    { of: [ints(5, -5, -5)], with: last, is: tensor("i32", [], 1) },
  ],
  moments: [
    { of: [matrix], with: last, is: [row(2, 6), row(2 / 3, 14 / 3)] },
    { of: [matrix], with: { ...last, correction: 1 }, is: [row(2, 6), row(1, 7)] },
  ],
  layernorm: [
    // Mean 3, variance 4: (x - 3) / sqrt(4 + 5) = (x - 3) / 3.
    { of: [row(1, 5)], with: { ...last, eps: 5 }, is: row(-2 / 3, 2 / 3) },
    { of: [row(1, 5), row(3, 6)], with: { ...last, eps: 5 }, is: row(-2, 4) },
    { of: [row(1, 5), row(3, 6), row(10, 20)], with: { ...last, eps: 5 }, is: row(8, 24) },
    { of: [row(1, 5), undefined, row(10, 20)], with: { ...last, eps: 5 }, is: row(10 - 2 / 3, 20 + 2 / 3) },
    { of: [row(7, 7, 7)], with: last, is: row(0, 0, 0) },
    // Both axes are one row of four: mean 3, variance 4.
    {
      of: [tensor("f32", [2, 2], 1, 5, 1, 5), tensor("f32", [2, 2], 3, 3, 6, 6)],
      with: { axes: [-2, -1], eps: 5 },
      is: tensor("f32", [2, 2], -2, 2, -4, 4),
    },
    // The first axis: columns 1, 5 and 2, 2.
    {
      of: [tensor("f32", [2, 2], 1, 2, 5, 2), row(3, 3)],
      with: { axes: [0], eps: 5 },
      is: tensor("f32", [2, 2], -2, 0, 2, 0),
    },
  ],
  rmsnorm: [
    // Mean of squares (1 + 49) / 2 = 25.
    { of: [row(1, 7)], with: { ...last, eps: 0 }, is: row(1 / 5, 7 / 5) },
    { of: [row(1, 7), row(5, 10)], with: { ...last, eps: 0 }, is: row(1, 14) },
    { of: [row(1, 7)], with: { ...last, eps: 11 }, is: row(1 / 6, 7 / 6) },
  ],
  center: [{ of: [matrix], with: last, is: tensor("f32", [2, 3], -1, 0, 1, -2, -1, 3) }],
  softmax: [
    { of: [row(0, Math.log(3))], with: last, is: row(0.25, 0.75) },
    { of: [row(1000, 1000, 0)], with: last, is: row(0.5, 0.5, 0) },
    { of: [row(0, -Infinity)], with: last, is: row(1, 0) },
  ],
  log_softmax: [{ of: [row(0, Math.log(3))], with: last, is: row(-Math.log(4), Math.log(0.75)) }],
  l2norm: [
    { of: [row(3, 4)], with: last, is: row(0.6, 0.8) },
    { of: [row(3, 4)], with: { ...last, eps: 75 }, is: row(0.3, 0.4) },
  ],
  groupnorm: [
    // Two groups of one channel: rows 1, 5 and 2, 2; gamma and beta by channel.
    {
      of: [tensor("f32", [1, 2, 2], 1, 5, 2, 2), row(3, 6), row(10, 20)],
      with: { groups: 2, eps: 5 },
      is: tensor("f32", [1, 2, 2], 8, 12, 20, 20),
    },
    // One group of two channels: the row 1, 5, 1, 5.
    {
      of: [tensor("f32", [1, 2, 2], 1, 5, 1, 5), row(3, 6)],
      with: { groups: 1, eps: 5 },
      is: tensor("f32", [1, 2, 2], -2, 2, -4, 4),
    },
    { of: [tensor("f32", [1, 2], 1, 5)], with: { groups: 1, eps: 5 }, is: tensor("f32", [1, 2], -2 / 3, 2 / 3) },
  ],
  reshape: [
    { of: [matrix], with: { shape: [3, 2] }, is: tensor("f32", [3, 2], 1, 2, 3, 4, 5, 9) },
    { of: [matrix], with: { shape: [-1] }, is: row(1, 2, 3, 4, 5, 9) },
  ],
  transpose: [
    { of: [matrix], with: { perm: [1, 0] }, is: tensor("f32", [3, 2], 1, 4, 2, 5, 3, 9) },
    {
      of: [tensor("f32", [1, 2, 3], 1, 2, 3, 4, 5, 6)],
      with: { perm: [2, 0, 1] },
      is: tensor("f32", [3, 1, 2], 1, 4, 2, 5, 3, 6),
    },
  ],
  broadcast: [
    { of: [row(1, 2)], with: { shape: [2, 2] }, is: tensor("f32", [2, 2], 1, 2, 1, 2) },
    { of: [tensor("f32", [2, 1], 1, 2)], with: { shape: [2, 2] }, is: tensor("f32", [2, 2], 1, 1, 2, 2) },
  ],
  matmul: [
    { of: [matrix, tensor("f32", [3, 2], 1, 0, 0, 1, 1, 1)], is: tensor("f32", [2, 2], 4, 5, 13, 14) },
    { of: [matrix, row(1, 0, -1)], is: row(-2, -5) },
    { of: [row(1, 2), matrix], is: row(9, 12, 21) },
    { of: [row(1, 2, 3), row(4, 5, 6)], is: scalar(32) },
    // Every one of two rows by every one of two columns.
    {
      of: [tensor("f32", [2, 1, 1, 2], 1, 2, 3, 4), tensor("f32", [2, 2, 1], 10, 1, 0, 1)],
      is: tensor("f32", [2, 2, 1, 1], 12, 2, 34, 4),
    },
    { of: [tensor("f32", [2, 0]), tensor("f32", [0, 1])], is: tensor("f32", [2, 1], 0, 0) },
  ],
  linear: [
    { of: [matrix, tensor("f32", [2, 3], 1, 0, 1, 0, 1, 1)], is: tensor("f32", [2, 2], 4, 5, 13, 14) },
    { of: [matrix, tensor("f32", [1, 3], 1, 0, -1), row(10)], is: tensor("f32", [2, 1], 8, 5) },
    { of: [halves(1, 2), tensor("f16", [3, 2], 1, 0, 0, 1, 1, 1), halves(10, 20, 30)], is: halves(11, 22, 33) },
  ],
  conv: [
    {
      of: [tensor("f32", [1, 1, 4], 1, 2, 3, 4), tensor("f32", [1, 1, 2], 1, 10)],
      is: tensor("f32", [1, 1, 3], 21, 32, 43),
    },
    {
      of: [tensor("f32", [1, 2, 3], 1, 2, 3, 4, 5, 6), tensor("f32", [2, 1, 1], 10, 100), row(1, 2)],
      with: { group: 2, strides: [2] },
      is: tensor("f32", [1, 2, 2], 11, 31, 402, 602),
    },
    {
      of: [tensor("f32", [1, 1, 2, 2], 1, 2, 3, 4), tensor("f32", [1, 1, 2, 2], 1, 10, 100, 1000)],
      with: { pads: [1, 0, 0, 1] },
      is: tensor("f32", [1, 1, 2, 2], 2100, 200, 4321, 402),
    },
    {
      of: [tensor("f16", [1, 1, 5], 1, 2, 3, 4, 5), tensor("f16", [1, 1, 2], 1, 10)],
      with: { dilations: [3], strides: [1] },
      is: tensor("f16", [1, 1, 2], 41, 52),
    },
  ],
  embedding: [
    { of: [ints(1, 0, 1), matrix], is: tensor("f32", [3, 3], 4, 5, 9, 1, 2, 3, 4, 5, 9) },
    {
      of: [tensor("u32", [2, 1], 1, 0), tensor("bool", [2, 2], 1, 0, 0, 1)],
      is: tensor("bool", [2, 1, 2], 0, 1, 1, 0),
    },
    { of: [scalar(1, "u32"), tensor("i32", [2, 1], 7, 8)], is: ints(8) },
  ],
  // The first and the third row of d_y go to row 1.
  embedding_grad: [
    {
      of: [ints(1, 0, 1), tensor("f32", [3, 2], 1, 2, 3, 4, 10, 20)],
      with: { shape: [3, 2] },
      is: tensor("f32", [3, 2], 3, 4, 11, 22, 0, 0),
    },
    {
      of: [ints(0, 0), tensor("i32", [2, 1], 2147483647, 1)],
      with: { shape: [1, 1] },
      is: tensor("i32", [1, 1], -2147483648),
    },
  ],
  cumsum: [
    { of: [matrix], with: { axis: -1 }, is: tensor("f32", [2, 3], 1, 3, 6, 4, 9, 18) },
    { of: [matrix], with: { axis: 0 }, is: tensor("f32", [2, 3], 1, 2, 3, 5, 7, 12) },
    { of: [row(1, 20, 300)], with: { axis: 0, exclusive: true }, is: row(0, 1, 21) },
    { of: [row(1, 20, 300)], with: { axis: 0, reverse: true }, is: row(321, 320, 300) },
    { of: [row(1, 20, 300)], with: { axis: 0, exclusive: true, reverse: true }, is: row(320, 300, 0) },
    { of: [row(1, Infinity, 2, -Infinity, 3)], with: { axis: 0 }, is: row(1, Infinity, Infinity, NaN, NaN) },
    { of: [ints(2147483647, 1, 1)], with: { axis: 0 }, is: ints(2147483647, -2147483648, -2147483647) },
    { of: [halves(2048, 1, 1)], with: { axis: 0 }, is: halves(2048, 2049, 2050) },
  ],
  conv_input_grad: [
    {
      of: [tensor("f32", [1, 1, 2], 1, 10), tensor("f32", [1, 1, 3], 1, 2, 3)],
      with: { shape: [1, 1, 4] },
      is: tensor("f32", [1, 1, 4], 1, 12, 23, 30),
    },
  ],
  conv_weight_grad: [
    {
      of: [tensor("f32", [1, 1, 4], 1, 2, 3, 4), tensor("f32", [1, 1, 3], 1, 10, 100)],
      with: { shape: [1, 1, 2] },
      is: tensor("f32", [1, 1, 2], 321, 432),
    },
  ],
  concat: [
    { of: [row(1, 2), row(3)], with: { axis: -1 }, is: row(1, 2, 3) },
    { of: [matrix, tensor("f32", [2, 1], 7, 8)], with: { axis: 1 }, is: tensor("f32", [2, 4], 1, 2, 3, 7, 4, 5, 9, 8) },
    {
      of: [matrix, tensor("f32", [1, 3], 7, 8, 6)],
      with: { axis: -2 },
      is: tensor("f32", [3, 3], 1, 2, 3, 4, 5, 9, 7, 8, 6),
    },
    { of: [ints(1), ints(2), undefined, ints(3, 4)], with: { axis: 0 }, is: ints(1, 2, 3, 4) },
    {
      of: [tensor("f32", [2, 1, 2], 1, 2, 3, 4), tensor("f32", [2, 1, 2], 5, 6, 7, 8)],
      with: { axis: 1 },
      is: tensor("f32", [2, 2, 2], 1, 2, 5, 6, 3, 4, 7, 8),
    },
  ],
  pad: [
    { of: [row(1, 2)], with: { axis: -1, before: 1, after: 2 }, is: row(0, 1, 2, 0, 0) },
    {
      of: [matrix],
      with: { axis: 0, before: 1, value: -7 },
      is: tensor("f32", [3, 3], -7, -7, -7, 1, 2, 3, 4, 5, 9),
    },
    { of: [row(1, 2)], with: { axis: -1, before: 2, after: 1, mode: "edge" }, is: row(1, 1, 1, 2, 2) },
    { of: [row(1, 2, 3)], with: { axis: -1, before: 2, after: 2, mode: "reflect" }, is: row(3, 2, 1, 2, 3, 2, 1) },
    { of: [row()], with: { axis: -1, before: 2 }, is: row(0, 0) },
  ],
  flip: [
    { of: [matrix], with: { axis: -1 }, is: tensor("f32", [2, 3], 3, 2, 1, 9, 5, 4) },
    { of: [matrix], with: { axis: 0 }, is: tensor("f32", [2, 3], 4, 5, 9, 1, 2, 3) },
  ],
  gather: [
    { of: [matrix, tensor("i32", [2, 1], 2, 0)], with: { axis: -1 }, is: tensor("f32", [2, 1], 3, 4) },
    {
      of: [matrix, tensor("u32", [3, 3], 1, 0, 1, 0, 0, 0, 1, 1, 1)],
      with: { axis: 0 },
      is: tensor("f32", [3, 3], 4, 2, 9, 1, 2, 3, 4, 5, 9),
    },
  ],
  // The first word of Threefry for zeros is 0x6b200159, which is 0.418 of 2^32.
  dropout: [
    { of: [row(3), scalar(0, "u32"), scalar(0, "i32")], is: row(0) },
    { of: [row(3), scalar(0, "u32"), scalar(0, "u32")], with: { p: 0.4 }, is: row(5) },
    { of: [row(3, -1), scalar(7, "u32"), scalar(1, "u32")], with: { p: 0 }, is: row(3, -1) },
  ],
  size: [
    { of: [], with: { shape: [2, 3] }, is: scalar(6, "u32") },
    { of: [], with: { shape: [] }, is: scalar(1, "u32") },
    { of: [], with: { shape: [65536, 65537] }, is: scalar(65536, "u32") },
  ],
  linear_index: [
    { of: [], with: { shape: [2, 3] }, is: tensor("u32", [2, 3], 0, 1, 2, 3, 4, 5) },
    { of: [], with: { shape: [] }, is: scalar(0, "u32") },
  ],
  iota: [
    { of: [], with: { shape: [3], axis: 0 }, is: ints(0, 1, 2) },
    { of: [], with: { shape: [2, 3], axis: -1 }, is: tensor("i32", [2, 3], 0, 1, 2, 0, 1, 2) },
    { of: [], with: { shape: [2, 3], axis: -2 }, is: tensor("i32", [2, 3], 0, 0, 0, 1, 1, 1) },
  ],
  slice: [
    { of: [row(1, 2, 3, 4)], with: { axis: 0, start: 1, end: 3 }, is: row(2, 3) },
    { of: [matrix], with: { axis: -1, start: -2, end: -1 }, is: tensor("f32", [2, 1], 2, 5) },
    { of: [matrix], with: { axis: 0, start: -1, end: 2 }, is: tensor("f32", [1, 3], 4, 5, 9) },
    { of: [matrix], with: { axis: 1, start: 3, end: 3 }, is: tensor("f32", [2, 0]) },
    { of: [row(1, 2, 3, 4, 5)], with: { axis: 0, start: 1, end: 5, step: 2 }, is: row(2, 4) },
    { of: [row(1, 2, 3, 4, 5)], with: { axis: 0, start: 0, end: 5, step: 3 }, is: row(1, 4) },
    { of: [matrix], with: { axis: 0, start: 0, end: 2, step: 5 }, is: tensor("f32", [1, 3], 1, 2, 3) },
    {
      of: [tensor("f32", [2, 2, 2], 1, 2, 3, 4, 5, 6, 7, 8)],
      with: { axis: 1, start: 1, end: 2 },
      is: tensor("f32", [2, 1, 2], 3, 4, 7, 8),
    },
  ],
  // Its tensor is given: test/parse/consts.test.ts.
  global: [],
  // Nothing computes it: test/ir/extern.test.ts.
  extern: [],
  constant: [{ of: [], with: { element: "f16", value: 0.5 }, is: scalar(0.5, "f16") }],
};

test.each(opNames)("%s", (name) => {
  for (const { of, with: attributes = {}, is } of checks[name]) {
    const operands = of.map((one, i) => one && parameter(`p${i}`, one.element, ...one.shape));
    const results = evaluateOp(makeOp(name, operands, attributes, { places: { op: nowhere } }), of, {});
    const wanted = [is].flat() as Tensor[];
    expect(results.map(({ element, shape }) => ({ element, shape }))).toEqual(
      wanted.map(({ element, shape }) => ({ element, shape })),
    );
    for (const [i, want] of wanted.entries()) {
      for (const [k, number] of want.data.entries()) {
        // Tables give ten digits; the rest is float64.
        const got = results[i]?.data[k] as number;
        const digits = name === "erf" || name === "gelu" ? 2e-10 : 4e-16;
        const close = Object.is(got + 0, number + 0) || Math.abs(got - number) <= digits * Math.abs(number) + 1e-300;
        expect(close, `${name}, result ${i}, element ${k}: ${got}, not ${number}`).toBe(true);
      }
    }
  }
});

test("a function: named dimensions, several results, values used twice", () => {
  const x = parameter("x", "f32", "rows", "n");
  const scale = parameter("scale", "f32", "n");
  const fn = functionOf([x, scale], (b) => {
    const scaled = b.emit("mul", [x, scale]);
    const total = b.emit("sum", [scaled], { axes: [-1], keepdims: true });
    return { share: b.emit("div", [scaled, total]), total };
  });
  const results = interpret(fn, { x: tensor("f32", [2, 2], 1, 2, 3, 4), scale: row(1, 0.5) });
  expect(results).toEqual({
    share: tensor("f32", [2, 2], 0.5, 0.5, 0.6, 0.4),
    total: tensor("f32", [2, 1], 2, 5),
  });
});

test("no row, and no column", () => {
  const x = parameter("x", "f32", "rows", "n");
  const fn = functionOf([x], (b) => ({
    total: b.emit("sum", [x], { axes: [-1] }),
    most: b.emit("max", [x], { axes: [-1] }),
    normal: b.emit("layernorm", [x], { axes: [-1] }),
  }));
  expect(interpret(fn, { x: tensor("f32", [0, 3]) })).toEqual({
    total: tensor("f32", [0]),
    most: tensor("f32", [0]),
    normal: tensor("f32", [0, 3]),
  });
  expect(interpret(fn, { x: tensor("f32", [2, 0]) })).toEqual({
    total: tensor("f32", [2], 0, 0),
    most: tensor("f32", [2], -Infinity, -Infinity),
    normal: tensor("f32", [2, 0]),
  });
});

test("f32 is not rounded: the interpreter computes in float64", () => {
  const x = parameter("x", "f32", 1);
  const fn = functionOf([x], (b) => ({ y: b.emit("mul", [x, b.constant("f32", 0.1)]) }));
  expect(interpret(fn, { x: row(3) }).y?.data[0]).toBe(3 * 0.1);
});

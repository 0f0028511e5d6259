/** Functions that reduce rows and also sum over rows, or whose backward does. */

import { backwardText } from "./gradients.ts";

/** By x and all parameters, but those that `wrt` leaves out. */
interface Backward {
  readonly kernels: 1 | 2;
  readonly text: (columns: number) => string;
  readonly wrt?: readonly string[];
}

const rows = (n: number) => `f32[rows, ${n}]`;
const norm = (type: string, n: number, call: string) =>
  `fn f(x: ${type}, gamma: f32[${n}], beta: f32[${n}]) -> (y: ${type}) { return ${call} }`;

/** Each with the kernels that its backward takes: two where a sum over rows is asked for. */
export const backwards: Readonly<Record<string, Backward>> = {
  rmsnorm: {
    kernels: 2,
    text: (n) => `fn f(x: ${rows(n)}, gamma: f32[${n}]) -> (y: ${rows(n)}) { return rmsnorm(x, gamma, axes = [-1]) }`,
  },
  layernorm: {
    kernels: 2,
    text: (n) => norm(rows(n), n, "layernorm(x, gamma, beta, axes = [-1])"),
  },
  "layernorm of a batch of sequences": {
    kernels: 2,
    text: (n) => norm(`f32[batch, rows, ${n}]`, n, "layernorm(x, gamma, beta, axes = [-1])"),
  },
  "layernorm of known rows": {
    kernels: 2,
    text: (n) => norm(`f32[2, 40, ${n}]`, n, "layernorm(x, gamma, beta, axes = [-1])"),
  },
  "add, rmsnorm, and the stream": {
    kernels: 2,
    text: (n) => `fn f(x: ${rows(n)}, residual: ${rows(n)}, gamma: f32[${n}]) -> (y: ${rows(n)}, h: ${rows(n)}) {
  let h = x + residual
  return rmsnorm(h, gamma, axes = [-1]), h
}`,
  },
  "add, layernorm, gelu": {
    kernels: 2,
    text: (n) => `fn f(x: ${rows(n)}, residual: ${rows(n)}, gamma: f32[${n}], beta: f32[${n}]) -> (y: ${rows(n)}) {
  return gelu(layernorm(x + residual, gamma, beta, axes = [-1]))
}`,
  },
  "dropout, add, rmsnorm": {
    kernels: 2,
    wrt: ["x", "residual", "gamma"],
    text: (n) => `fn f(x: ${rows(n)}, residual: ${rows(n)}, gamma: f32[${n}], seed: u32) -> (y: ${rows(n)}) {
  return rmsnorm(dropout(x, seed, 1, p = 0.25) + residual, gamma, axes = [-1])
}`,
  },
  "halves: rmsnorm": {
    kernels: 2,
    text: (n) =>
      `fn f(x: f16[rows, ${n}], gamma: f16[${n}]) -> (y: f16[rows, ${n}]) { return rmsnorm(x, gamma, axes = [-1]) }`,
  },
  groupnorm: {
    kernels: 2,
    text: (n) =>
      `fn f(x: f32[rows, ${n}, 2, 3], gamma: f32[${n}], beta: f32[${n}]) -> (y: f32[rows, ${n}, 2, 3]) {
  return groupnorm(x, gamma, beta, groups = 2)
}`,
  },
  "rmsnorm of heads, with a gamma for each": {
    kernels: 2,
    text: (n) =>
      `fn f(x: f32[rows, 3, ${n}], gamma: f32[3, ${n}]) -> (y: f32[rows, 3, ${n}]) { return rmsnorm(x, axes = [-1]) * gamma }`,
  },
  "QK-norm and RoPE": {
    kernels: 2,
    text: (
      n,
    ) => `fn f(x: f32[rows, 3, ${n}], gamma: f32[${n}], c: f32[rows, 1, ${n}], s: f32[rows, 1, ${n}]) -> (y: f32[rows, 3, ${n}]) {
  let h = rmsnorm(x, gamma, axes = [-1])
  let a = slice(h, axis = -1, start = 0, end = ${n / 2})
  let b = slice(h, axis = -1, start = ${n / 2}, end = ${n})
  return h * c + concat(-b, a, axis = -1) * s
}`,
    wrt: ["x", "gamma"],
  },
  softmax: { kernels: 1, text: (n) => `fn f(x: ${rows(n)}) -> (y: ${rows(n)}) { return softmax(x, axes = [-1]) }` },
  "log-softmax and the loss of a label": {
    kernels: 1,
    text: (n) => `fn f(x: ${rows(n)}, label: i32[rows, 1]) -> (loss: f32[rows, 1]) {
  return -gather(log_softmax(x, axes = [-1]), label, axis = -1)
}`,
    wrt: ["x"],
  },
  swiglu: {
    kernels: 1,
    text: (n) => `fn f(a: ${rows(n)}, b: ${rows(n)}) -> (y: ${rows(n)}) { return silu(a) * b }`,
  },
  l2norm: { kernels: 1, text: (n) => `fn f(x: ${rows(n)}) -> (y: ${rows(n)}) { return l2norm(x, axes = [-1]) }` },
};

/** The backward of one of them. */
export function mixedBackward(name: string, columns: number): string {
  const { text, wrt } = backwards[name] as Backward;
  return backwardText(text(columns), wrt === undefined ? {} : { wrt });
}

/** Functions that reduce rows and, in the same loop nest, each column: two kernels. */
export const columnsBesideRows: Readonly<Record<string, string>> = {
  "extremes and sums of columns beside a norm": `fn f(x: f32[rows, 12], g: f32[12]) -> (y: f32[rows, 12], most: f32[12], least: f32[12], s: f32[12]) {
  let y = rmsnorm(x, g, axes = [-1])
  return y, max(y, axes = [0]), min(x, axes = [0]), sum(y * y, axes = [0])
}`,
  "products and integers": `fn f(x: f32[rows, 12], k: i32[rows, 12]) -> (m: f32[rows], p: f32[12], most: i32[12]) {
  return max(x, axes = [1]), prod(1 + x / 1000, axes = [0]), max(k, axes = [0])
}`,
  "means of rows that are counted at the launch": `fn f(x: f32[batch, rows, 12]) -> (y: f32[batch, rows, 12], m: f32[12], s: f32[12]) {
  let y = rmsnorm(x, axes = [-1])
  return y, mean(y, axes = [0, 1]), sum(y, axes = [0, 1])
}`,
  "variances of columns beside a norm": `fn f(x: f32[rows, 12], g: f32[12]) -> (y: f32[rows, 12], v: f32[12], d: f32[12]) {
  let y = rmsnorm(x, g, axes = [-1])
  return y, var(x, axes = [0]), std(1000 + x, axes = [0], correction = 1)
}`,
  "moments of batches of rows beside a softmax, and what follows from them": `fn f(x: f32[batch, rows, 12]) -> (y: f32[batch, rows, 12], m: f32[12], r: f32[1, 1, 12]) {
  let (m, v) = moments(x, axes = [0, 1])
  return softmax(x, axes = [-1]), m, rsqrt(reshape(v, shape = [1, 1, 12]) + 1e-5)
}`,
  "the variance of all beside a norm": `fn f(x: f32[rows, 12]) -> (y: f32[rows, 12], v: f32) {
  return layernorm(x, axes = [-1]), var(x, axes = [0, 1])
}`,
  "moments of a number of rows that is known, in halves": `fn f(x: f16[37, 12]) -> (y: f16[37, 12], m: f16[12], v: f16[12], most: f16[12]) {
  let (m, v) = moments(x, axes = [0])
  return softmax(x, axes = [-1]), m, v, max(x, axes = [0])
}`,
  "a result that does not differ along the larger of two axes": `fn f(x: f32[batch, rows, 12], b: f32[batch, 1, 12]) -> (n: f32[batch, 1, 12], y: f32[batch, rows, 12], s: f32[12]) {
  let n = softmax(b, axes = [-1])
  let y = softmax(x, axes = [-1]) + n
  return n, y, sum(y, axes = [0, 1])
}`,
  "a variance along axes that are not adjacent, which are kept": `fn f(x: f32[2, 3, 70, 12]) -> (i: i32[70], d: f32[1, 3, 1, 12]) {
  return argmax(x, axes = [0, 1, 3]), std(x, axes = [0, 2], keepdims = true)
}`,
  "means of a number of rows that is known": `fn f(x: f16[37, 12]) -> (y: f16[37, 12], m: f16[12], large: f16[12]) {
  return softmax(x, axes = [-1]), mean(x, axes = [0]), max(abs(x), axes = [0])
}`,
};

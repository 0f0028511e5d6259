/** Programs with long rows, which several workgroups share where all reductions are split. */

/** Each with how many kernels it takes then. */
export const longRowPrograms: Readonly<Record<string, readonly [kernels: number, text: string]>> = {
  "a sum": [2, "fn f(x: f32[n, 20480]) -> (y: f32[n]) { return sum(x, axes = [-1]) }"],
  "all of a tensor": [
    2,
    "fn f(x: f32[64, 3, 256]) -> (m: f32, v: f32) { return mean(x, axes = [0, 1, 2]), var(x, axes = [0, 1, 2], correction = 1) }",
  ],
  "largest, smallest, product": [
    2,
    `fn f(x: f32[n, 20480]) -> (a: f32[n, 1], b: f32[n], c: f32[n]) {
  return max(x, axes = [-1], keepdims = true), min(x * 2, axes = [-1]), prod(maximum(floor(x) - 1, 1), axes = [-1])
}`,
  ],
  "whole numbers": [
    2,
    "fn f(x: i32[n, 20480]) -> (a: i32[n], b: i32[n]) { return sum(x, axes = [-1]), max(x, axes = [-1]) }",
  ],
  "places of the largest and the smallest": [
    2,
    "fn f(x: f32[n, 20480]) -> (a: i32[n], b: i32[n, 1], c: f32[n]) { return argmax(x, axes = [-1]), argmin(x, axes = [-1], keepdims = true), max(x, axes = [-1]) }",
  ],
  "moments and a deviation": [
    2,
    `fn f(x: f32[n, 20480]) -> (m: f32[n], v: f32[n], d: f32[n, 1]) {
  let (m, v) = moments(x, axes = [-1], correction = 1)
  return m, v, std(x, axes = [-1], keepdims = true)
}`,
  ],
  logsumexp: [2, "fn f(x: f32[n, 20480]) -> (y: f32[n]) { return logsumexp(x, axes = [-1]) }"],
  softmax: [3, "fn f(x: f32[n, 20480]) -> (y: f32[n, 20480]) { return softmax(x * 0.5, axes = [-1]) }"],
  "a loss": [
    3,
    "fn f(x: f32[n, 20480]) -> (y: f32[n, 20480], z: f32[n]) { return log_softmax(x, axes = [-1]), logsumexp(x, axes = [-1]) }",
  ],
  layernorm: [
    3,
    "fn f(x: f32[n, 20480], g: f32[20480], b: f32[20480]) -> (y: f32[n, 20480]) { return layernorm(x, g, b, axes = [-1]) }",
  ],
  "layernorm of a stream that is returned": [
    3,
    `fn f(x: f32[n, 20480], r: f32[n, 20480], g: f32[20480]) -> (h: f32[n, 20480], y: f32[n, 20480]) {
  let h = x + r
  return h, gelu(rmsnorm(h, g, axes = [-1]))
}`,
  ],
  "a norm over planes": [
    3,
    "fn f(x: f32[n, 64, 16, 24], g: f32[64], b: f32[64]) -> (y: f32[n, 64, 16, 24]) { return silu(groupnorm(x, g, b, groups = 1)) }",
  ],
  "a quantization": [
    3,
    `fn f(x: f32[n, 20480]) -> (q: i8[n, 20480], s: f32[n, 1]) {
  let s = max(abs(x), axes = [-1], keepdims = true) / 127
  return cast(round(x / s), to = i8), s
}`,
  ],
  "a quantization to floats of one byte": [
    3,
    `fn f(x: f32[n, 20480]) -> (q: f8e4m3[n, 20480], s: f32[n, 1]) {
  let s = max(abs(x), axes = [-1], keepdims = true) / 448
  return cast(x / s, to = f8e4m3), s
}`,
  ],
  "the gradient of a norm by x": [
    3,
    `fn f(x: f32[n, 20480], g: f32[20480], d_y: f32[n, 20480]) -> (d_x: f32[n, 20480]) {
  let r = rsqrt(mean(x * x, axes = [-1], keepdims = true) + 1e-5)
  let h = x * r
  let d = d_y * g
  return (d - h * mean(d * h, axes = [-1], keepdims = true)) * r
}`,
  ],
  "a reduction of another one's result": [
    5,
    "fn f(x: f32[n, 20480]) -> (y: f32[n, 20480]) { return x / sum(abs(x - max(x, axes = [-1], keepdims = true)), axes = [-1], keepdims = true) }",
  ],
  halves: [3, "fn f(x: f16[n, 20480], g: f16[20480]) -> (y: f16[n, 20480]) { return rmsnorm(2 * x, g, axes = [-1]) }"],
  "a norm and its statistics": [
    3,
    `fn f(x: f32[n, 20480]) -> (y: f32[n, 20480], m: f32[n, 1], r: f32[n, 1]) {
  let m = mean(x, axes = [-1], keepdims = true)
  let c = x - m
  let r = rsqrt(mean(c * c, axes = [-1], keepdims = true) + 1e-5)
  return c * r, m, r
}`,
  ],
  "more buffers than one kernel binds": [
    6,
    `fn f(x: f32[n, 20480], g: f32[20480], d_y: f32[n, 20480]) -> (d_x: f32[n, 20480], d_n: f32[n, 20480]) {
  let c = x - mean(x, axes = [-1], keepdims = true)
  let r = rsqrt(mean(c * c, axes = [-1], keepdims = true) + 1e-5)
  let d = d_y * g
  let e = d - mean(d, axes = [-1], keepdims = true)
  let h = c * r
  return r * (e - h * mean(e * h, axes = [-1], keepdims = true)), d_y * h
}`,
  ],
};

/**
 * Programs that read tensors at indices other than those of the loops: slices, concatenations, padding, reversal,
 * lookups. One kernel each.
 */

const rotate = `  let a = slice(x, axis = -1, start = 0, end = 16)
  let b = slice(x, axis = -1, start = 16, end = 32)
  return x * c + concat(-b, a, axis = -1) * s`;

const interleaved = `  let a = slice(x, axis = -1, start = 0, end = 32, step = 2)
  let b = slice(x, axis = -1, start = 1, end = 32, step = 2)
  let re = reshape(a * c - b * s, shape = [seq, heads, 16, 1])
  let im = reshape(b * c + a * s, shape = [seq, heads, 16, 1])
  return reshape(concat(re, im, axis = -1), shape = [seq, heads, 32])`;

const halves = `  let gate = slice(h, axis = -1, start = 0, end = 24)
  return silu(gate) * slice(h, axis = -1, start = 24, end = 48)`;

export const indexPrograms: Readonly<Record<string, string>> = {
  "RoPE, halves of a head": `fn f(x: f32[seq, heads, 32], c: f32[seq, 1, 32], s: f32[seq, 1, 32]) -> f32[seq, heads, 32] {
${rotate}
}`,
  "RoPE, pairs of neighbours": `fn f(x: f32[seq, heads, 32], c: f32[seq, 1, 16], s: f32[seq, 1, 16]) -> f32[seq, heads, 32] {
${interleaved}
}`,
  "RoPE in f16, after a norm of the head": `fn f(q: f16[seq, heads, 32], g: f16[32], c: f16[seq, 1, 32], s: f16[seq, 1, 32]) -> f16[seq, heads, 32] {
  let x = rmsnorm(q, g, axes = [-1])
${rotate}
}`,
  "SwiGLU on one tensor": `fn f(h: f32[n, 48]) -> f32[n, 24] {
${halves}
}`,
  "SwiGLU on one tensor of f16": `fn f(h: f16[n, 48]) -> f16[n, 24] {
${halves}
}`,
  "a loss by labels": `fn f(logits: f32[n, 20], label: i32[n]) -> f32[n] {
  let at = reshape(abs(label) % 20, shape = [n, 1])
  return -reshape(gather(log_softmax(logits, axes = [-1]), at, axis = -1), shape = [n])
}`,
  "a causal mask by positions": `fn f(x: f32[b, q, 12]) -> f32[b, q, 12] {
  let keep = iota(shape = [q, 12], axis = -2) >= iota(shape = [q, 12], axis = -1)
  return softmax(where(keep, x, -inf), axes = [-1])
}`,
  "ALiBi by positions": `fn f(x: f32[h, q, 12], slope: f32[h, 1, 1]) -> f32[h, q, 12] {
  let distance = iota(shape = [q, 12], axis = -1) - iota(shape = [q, 12], axis = -2)
  return softmax(x + slope * cast(distance, to = f32), axes = [-1])
}`,
  "tokens and positions looked up, then a norm": `fn f(ids: i32[b, t], tokens: f32[50, 32], positions: f32[t, 32], g: f32[32]) -> f32[b, t, 32] {
  return layernorm(embedding(abs(ids) % 50, tokens) + positions, g, axes = [-1])
}`,
  "a row written into a cache": `fn f(cache: f32[24, 16], k: f32[1, 16], at: i32) -> f32[24, 16] {
  return where(iota(shape = [24, 1], axis = 0) == abs(at), k, cache)
}`,
  "a cache and what is new": `fn f(cache: f32[h, 20, 16], k: f32[h, 4, 16]) -> f32[h, 24, 16] {
  return concat(cache, k, axis = -2)
}`,
  "a norm of each half": `fn f(x: f32[n, 48], g: f32[24], w: f32[24]) -> (q: f32[n, 24], k: f32[n, 24]) {
  let q = rmsnorm(slice(x, axis = -1, start = 0, end = 24), g, axes = [-1])
  return q, rmsnorm(slice(x, axis = -1, start = 24, end = 48), w, axes = [-1])
}`,
  "a norm over joined tensors": `fn f(x: f32[n, 8], y: f32[n, 12], g: f32[20]) -> f32[n, 20] {
  return layernorm(concat(x, exp(y), axis = -1), g, axes = [-1])
}`,
  "joined where vectors do not end": `fn f(x: f32[n, 7], y: f32[n, 4], z: f32[n, 1]) -> f32[n, 12] {
  return concat(x, y, z, axis = -1)
}`,
  "joined rows": `fn f(x: f32[3, 16], y: f32[2, 16]) -> f32[5, 16] {
  return softmax(concat(x, y, axis = 0), axes = [-1])
}`,
  "padded in three ways": `fn f(x: f32[n, 16]) -> (a: f32[n, 24], b: f32[n, 24], c: f32[n, 24]) {
  let a = pad(x, axis = -1, before = 3, after = 5, value = 7)
  let b = pad(exp(x), axis = -1, before = 4, after = 4, mode = "edge")
  return a, b, pad(x, axis = -1, before = 6, after = 2, mode = "reflect")
}`,
  "padded by vectors": `fn f(x: f32[n, 16]) -> f32[n, 24] {
  return pad(tanh(x), axis = -1, before = 4, after = 4, value = 1)
}`,
  "a row backwards, before and after a norm": `fn f(x: f32[n, 20]) -> (a: f32[n, 20], b: f32[n, 20]) {
  return center(flip(x, axis = -1), axes = [-1]), flip(center(x, axes = [-1]), axis = -1)
}`,
  "rows backwards": `fn f(x: f32[n, 20]) -> f32[n, 20] {
  return flip(x, axis = 0) + x
}`,
  "differences of neighbours": `fn f(x: f32[n, 33]) -> f32[n, 32] {
  return slice(x, axis = -1, start = 1, end = 33) - slice(x, axis = -1, start = 0, end = 32)
}`,
  "moved, and moved again": `fn f(x: f32[n, 4, 6]) -> f32[n, 24] {
  let y = reshape(flip(pad(x, axis = -2, after = 2), axis = -2), shape = [n, 36])
  let z = transpose(reshape(slice(y, axis = -1, start = 4, end = 28), shape = [n, 6, 4]), perm = [0, 2, 1])
  return exp(reshape(z, shape = [n, 24]))
}`,
  "places that are looked up twice": `fn f(ids: u32[n], next: u32[30], table: f32[30, 8]) -> f32[n, 8] {
  return embedding(reshape(embedding(ids % 30, reshape(next % 30, shape = [30, 1])), shape = [n]), table)
}`,
  "truth values, joined": `fn f(a: bool[n, 8], b: bool[n, 8], x: f32[n, 16]) -> f32[n, 16] {
  return where(concat(a, !b, axis = -1), x, -x)
}`,
  "a row read as it is and looked up": `fn f(x: f32[n, 16], at: i32[n, 1]) -> f32[n, 16] {
  return x - gather(x, abs(at) % 16, axis = -1)
}`,
  "halves, read as they are and looked up": `fn f(x: f16[n, 16], at: i32[n, 1]) -> f16[n, 16] {
  return x - gather(x, abs(at) % 16, axis = -1)
}`,
};

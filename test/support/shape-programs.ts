/** Programs whose tensors relate to the iteration space in every possible way. */
export const shapePrograms = {
  "a transpose": "fn f(x: f32[n, m, 8]) -> f32[m, n, 8] { return transpose(x, perm = [1, 0, 2]) * 2 }",
  "a tensor and its transpose": "fn f(x: f32[n, n]) -> f32[n, n] { return x + transpose(x, perm = [1, 0]) }",
  "heads cut out of a row": `fn f(x: f32[n, 768], g: f32[64]) -> f32[n, 12, 64] {
    return rmsnorm(reshape(x, shape = [n, 12, 64]), g, axes = [-1])
  }`,
  "columns that are not the last axis": `fn f(x: f32[n, 32, 20], g: f32[32]) -> f32[n, 32, 20] {
    return layernorm(x, g, axes = [1])
  }`,
  "several columns": "fn f(x: f32[n, 4, 6], g: f32[4, 6]) -> f32[n, 4, 6] { return layernorm(x, g, axes = [-1, -2]) }",
  "everything folded": "fn f(x: f32[n, 20]) -> f32 { return sum(x, axes = [0, 1]) }",
  "nothing but a parameter": "fn f(x: f32[n, 20]) -> f32[n, 20] { return x }",
  "nothing but a literal": "fn f(x: f32[n]) -> (y: f32, z: f32[n]) { return 3, x }",
  "results of other shapes": `fn f(x: f32[n, 20], g: f32[20]) -> (m: f32[n], h: f32[20], k: f32, y: f32[n, 20]) {
    return mean(x, axes = [-1]), g * 2, 4, x - g
  }`,
  "a broadcast result": "fn f(x: f32[20]) -> f32[n2, 20] { return x }".replace("n2, ", ""),
  "a repeated row": "fn f(x: f32[20]) -> f32[7, 20] { return broadcast(x, shape = [7, 20]) }",
  "the sum of a repeated row": "fn f(x: f32[20]) -> f32[20] { return sum(broadcast(x, shape = [7, 20]), axes = [0]) }",
  "integers and truth values": `fn f(x: i32[n, 20], p: bool[n, 20], u: u32[20]) -> (y: i32[n, 20], q: bool[n, 20], m: i32[n], w: u32[20]) {
    return where(p && x > 3, x / 3, x % 5), !p || x == 2, max(x, axes = [-1]), u + 1
  }`,
  "halves in odd rows":
    "fn f(x: f16[n, 7]) -> (y: f16[n, 7], m: f16[n]) { return center(x, axes = [-1]), mean(x, axes = [-1]) }",
  "a static shape with no rows": "fn f(x: f32[0, 8]) -> f32[0, 8] { return softmax(x, axes = [-1]) }",
};

/** A character model as a program: pre-norm blocks of causal attention and an MLP, the loss of the next character, and Adam. */

export interface ModelSize {
  readonly blocks: number;
  readonly width: number;
  readonly heads: number;
  /** Characters per row. */
  readonly length: number;
  /** The number of distinct characters. */
  readonly alphabet: number;
}

/** 112,000 trained numbers. */
export const size: ModelSize = { blocks: 2, width: 64, heads: 4, length: 64, alphabet: 64 };

/** The functions `model` and `adam`. */
export function modelSource({ blocks, width, heads, length, alphabet }: ModelSize = size): string {
  const weights: string[] = [];
  const weight = (name: string, ...shape: number[]) => {
    weights.push(`${name}: f32[${shape.join(", ")}] @trained`);
    return name;
  };
  const norm = (x: string, name: string) =>
    `layernorm(${x}, ${weight(`${name}_gamma`, width)}, ${weight(`${name}_beta`, width)}, axes = [-1])`;
  const linear = (x: string, name: string, from: number, to: number) =>
    `linear(${x}, ${weight(`${name}_w`, to, from)}, ${weight(`${name}_b`, to)})`;
  const split = (x: string, order: string) =>
    `transpose(reshape(${x}, shape = [batch, ${length}, ${heads}, ${width / heads}]), perm = [${order}])`;

  const start = `embedding(ids, ${weight("tokens", alphabet, width)}) + ${weight("positions", length, width)}`;
  const block = (i: number) => `
  let n${i} = ${norm(`h${i}`, `norm${i}`)}
  let q${i} = ${split(linear(`n${i}`, `query${i}`, width, width), "0, 2, 1, 3")}
  let k${i} = ${split(linear(`n${i}`, `key${i}`, width, width), "0, 2, 3, 1")}
  let v${i} = ${split(linear(`n${i}`, `value${i}`, width, width), "0, 2, 1, 3")}
  let p${i} = softmax(where(is_past, matmul(q${i}, k${i}) * ${(heads / width) ** 0.5}, -1e9), axes = [-1])
  let o${i} = reshape(transpose(matmul(p${i}, v${i}), perm = [0, 2, 1, 3]), shape = [batch, ${length}, ${width}])
  let a${i} = h${i} + ${linear(`o${i}`, `out${i}`, width, width)}
  let m${i} = gelu(${linear(norm(`a${i}`, `mlp_norm${i}`), `up${i}`, width, 4 * width)})
  let h${i + 1} = a${i} + ${linear(`m${i}`, `down${i}`, 4 * width, width)}`;
  const body = Array.from({ length: blocks }, (_, i) => block(i)).join("\n");
  const logits = `linear(${norm(`h${blocks}`, "norm")}, ${weight("head_w", alphabet, width)})`;

  return `
fn model(ids: i32[batch, ${length}], next: i32[batch, ${length}, 1], ${weights.join(", ")}) -> (loss: f32) {
  let is_past = iota(shape = [${length}, ${length}], axis = 0) >= iota(shape = [${length}, ${length}], axis = 1)
  let h0 = ${start}
${body}

  let isNext = iota(shape = [${alphabet}], axis = 0) == next
  let loss = sum(where(isNext, -log_softmax(${logits}, axes = [-1]), 0), axes = [-1])
  return mean(loss, axes = [0, 1])
}

// Kingma & Ba 2015. unbias_m = 1 / (1 - 0.9^step), unbias_v = 1 / (1 - 0.999^step)
fn adam(w: f32[n], d_w: f32[n], m: f32[n], v: f32[n], rate: f32, unbias_m: f32, unbias_v: f32)
    -> (w_next: f32[n], m_next: f32[n], v_next: f32[n]) {
  let m1 = 0.9 * m + 0.1 * d_w
  let v1 = 0.999 * v + 0.001 * d_w * d_w
  return w - rate * unbias_m * m1 / (sqrt(v1 * unbias_v) + 0.00000001), m1, v1
}
`;
}

/** Hugging Face checkpoints, with the tensors that `transformers` writes for small models. */

import { random } from "./oracle.ts";
import { type Stored, safetensors } from "./safetensors.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Random numbers of f32, whose rows have means of their own. */
export function weights(shapes: Shapes, seed = 1): Record<string, Stored> {
  const next = random(seed);
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const count = shape.reduce((product, extent) => product * extent, 1);
      const numbers = Float32Array.from({ length: count }, () => 2 * next() - 0.5);
      return [name, { dtype: "F32", shape, bytes: new Uint8Array(numbers.buffer) }];
    }),
  );
}

const norm = (name: string, width: number): Shapes => ({ [`${name}.weight`]: [width], [`${name}.bias`]: [width] });

const [width, vocabulary] = [6, 11];

/** GPT-2 of two blocks, with the names before which `prefix` stands. */
export function gpt2Shapes(prefix = "transformer."): Shapes {
  const blocks = [0, 1].flatMap((i) => {
    const at = `${prefix}h.${i}`;
    return Object.entries({
      ...norm(`${at}.ln_1`, width),
      [`${at}.attn.c_attn.weight`]: [width, 3 * width],
      [`${at}.attn.c_proj.weight`]: [width, width],
      [`${at}.attn.c_proj.bias`]: [width],
      ...norm(`${at}.ln_2`, width),
      [`${at}.mlp.c_proj.weight`]: [4 * width, width],
      [`${at}.mlp.c_proj.bias`]: [width],
    });
  });
  const tables = { [`${prefix}wte.weight`]: [vocabulary, width], [`${prefix}wpe.weight`]: [9, width] };
  return { ...tables, ...Object.fromEntries(blocks), ...norm(`${prefix}ln_f`, width) };
}

/** As Python writes it: an indent of two, floats as floats. */
export const gpt2Config = `{
  "architectures": [
    "GPT2LMHeadModel"
  ],
  "initializer_range": 1.0,
  "layer_norm_epsilon": 1e-05,
  "model_type": "gpt2",
  "n_layer": 2,
  "tie_word_embeddings": true,
  "vocab_size": 11
}
`;

/** The files of a folder. */
export const gpt2Files = (config = gpt2Config, tensors = weights(gpt2Shapes())) => ({
  "gpt2/config.json": config,
  "gpt2/model.safetensors": safetensors(tensors),
  "gpt2/tokenizer.json": '{ "version": "1.0" }\n',
});

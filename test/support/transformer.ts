/** Transformers as `.tir` text, attention and MLP written out, with weights from a seed whose rows have means. */

import type { Const } from "../../src/ir/ir.ts";
import { elementCount, type Tensor } from "../../src/ir/tensor.ts";

export interface TransformerOptions {
  readonly blocks: number;
  readonly width: number;
  readonly heads: number;
  readonly sequence: number;
  /** `pre`: x + f(norm(x)); `post`: norm(x + f(x)). */
  readonly norms: "pre" | "post";
  /** What the stream begins with: token and position embeddings, or an activation. */
  readonly begin: "embedding" | "activation";
}

const vocabulary = 29;

export function transformer(options: TransformerOptions): string {
  const { blocks, width, heads, sequence, norms, begin } = options;
  const consts: string[] = [];
  const lines: string[] = [];
  const weight = (name: string, ...shape: number[]) => {
    consts.push(`const ${name}: f32[${shape.join(", ")}] = load("model.safetensors", "${name}")`);
    return name;
  };
  const bind = (name: string, expression: string) => {
    lines.push(`  let ${name} = ${expression}`);
    return name;
  };
  const linear = (name: string, x: string, out: number, inner: number) =>
    `linear(${x}, ${weight(`${name}_w`, out, inner)}, ${weight(`${name}_b`, out)})`;
  const norm = (name: string, x: string) =>
    bind(name, `layernorm(${x}, ${weight(`${name}_g`, width)}, ${weight(`${name}_b`, width)}, axes = [-1])`);
  const split = (x: string) =>
    `transpose(reshape(${x}, shape = [${sequence}, ${heads}, ${width / heads}]), perm = [1, 0, 2])`;

  const attention = (p: string, x: string) => {
    const [q, k, v] = ["q", "k", "v"].map((part) =>
      bind(`${p}_${part}`, split(linear(`${p}_${part}`, x, width, width))),
    );
    const scores = `matmul(${q}, transpose(${k}, perm = [0, 2, 1])) * ${1 / Math.sqrt(width / heads)}`;
    const mixed = bind(`${p}_mixed`, `matmul(softmax(${scores}, axes = [-1]), ${v})`);
    const joined = `reshape(transpose(${mixed}, perm = [1, 0, 2]), shape = [${sequence}, ${width}])`;
    return bind(`${p}_out`, linear(`${p}_out`, joined, width, width));
  };
  const mlp = (p: string, x: string) =>
    bind(
      `${p}_down`,
      linear(`${p}_down`, bind(`${p}_up`, `gelu(${linear(`${p}_up`, x, 2 * width, width)})`), width, 2 * width),
    );

  let stream =
    begin === "embedding"
      ? bind("h", `embedding(ids, ${weight("tokens", vocabulary, width)}) + ${weight("positions", sequence, width)}`)
      : bind("h", `gelu(${linear("patches", "x", width, 3 * width)})`);
  for (let block = 0; block < blocks; block++) {
    for (const [part, f] of [
      ["attn", attention],
      ["mlp", mlp],
    ] as const) {
      const p = `b${block}_${part}`;
      if (norms === "pre") stream = bind(`${p}_res`, `${stream} + ${f(p, norm(`${p}_ln`, stream))}`);
      else stream = norm(`${p}_ln`, bind(`${p}_res`, `${stream} + ${f(p, stream)}`));
    }
  }
  const y = norms === "pre" ? norm("final_ln", stream) : stream;
  const input = begin === "embedding" ? `ids: i32[${sequence}]` : `x: f32[${sequence}, ${3 * width}]`;
  return `${consts.join("\n")}\n\nfn model(${input}) -> (y: f32[${sequence}, ${width}]) {\n${lines.join("\n")}\n  return ${y}\n}\n`;
}

/** Ids in the range of the vocabulary, or rows for the activation. */
export function transformerInputs({ sequence, width, begin }: TransformerOptions): Record<string, Tensor> {
  if (begin === "embedding") {
    const data = Float64Array.from({ length: sequence }, (_, i) => (i * 7 + 3) % vocabulary);
    return { ids: { element: "i32", shape: [sequence], data } };
  }
  return { x: { element: "f32", shape: [sequence, 3 * width], data: noise("x", sequence * 3 * width) } };
}

/** What `load` gives for a const of such a program: reproducible, in f32, and with a mean that is not zero. */
export function weightOf({ name, type }: Const): Tensor {
  const shape = type.shape as number[];
  const scale = shape.length === 2 ? 1 / Math.sqrt(shape[1] as number) : 0.2;
  const offset = name.endsWith("_g") ? 1 : 0.1;
  const data = noise(name, elementCount(shape)).map((value) => Math.fround(offset + scale * value));
  return { element: "f32", shape, data };
}

/** Numbers of mean zero and variance one, the same for the same name. */
function noise(name: string, count: number): Float64Array {
  let state = [...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16777619), 2166136261);
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  return Float64Array.from({ length: count }, () => (uniform() + uniform() + uniform() - 1.5) * 2);
}

/** Decoders of one stream with the norms before the parts of their blocks: a row of names for each. */

import type { Config } from "./checkpoint.ts";
import type { Rows, StreamProgram } from "./stream-program.ts";
import { end, layersOf, type Template } from "./template.ts";

interface Decoder {
  readonly table: string;
  /** A table of positions that is added; others turn queries and keys, and leave the stream alone. */
  readonly positions?: string;
  /** The entry of the configuration that has the number of blocks, and what stands before their numbers. */
  readonly layers: string;
  readonly block: string;
  readonly attention: DecoderPart;
  readonly mlp: DecoderPart;
  readonly last: string;
  /** An entry, and what the library takes where it is missing; a number that no entry changes. */
  readonly eps: number | readonly [key: string, otherwise: number];
  /**
   * The entry that says whether both parts of a block read the stream before it, and what the library takes where it is
   * missing. They do in any case where a block has one norm for both.
   */
  readonly isParallel?: readonly [key: string, otherwise: boolean];
  /** Of norms without gamma and beta. */
  readonly isPlain?: boolean;
  readonly head: string;
  readonly isTied: boolean;
}

/** The norm that a part reads, by the first of these names that the block has, and the product that it adds. */
type DecoderPart = readonly [norms: readonly string[], writes: string];

/** With the names of LLaMA. */
const llamaNames: Decoder = {
  table: "embed_tokens.weight",
  layers: "num_hidden_layers",
  block: "layers",
  attention: [["input_layernorm"], "self_attn.o_proj"],
  mlp: [["post_attention_layernorm", "input_layernorm"], "mlp.down_proj"],
  last: "norm",
  eps: ["layer_norm_eps", 1e-5],
  head: "lm_head.weight",
  isTied: false,
};

/** With the names of GPT-2. */
const gptJ: Decoder = {
  table: "wte.weight",
  layers: "n_layer",
  block: "h",
  attention: [["ln_1"], "attn.out_proj"],
  mlp: [["ln_1"], "mlp.fc_out"],
  last: "ln_f",
  eps: ["layer_norm_epsilon", 1e-5],
  head: "lm_head.weight",
  isTied: false,
};

/** By `model_type`. */
const rows: Readonly<Record<string, Decoder>> = {
  codegen: gptJ,
  cohere: { ...llamaNames, isTied: true },
  falcon: {
    ...llamaNames,
    ...{ table: "word_embeddings.weight", block: "h", last: "ln_f", isTied: true },
    attention: [["ln_attn", "input_layernorm"], "self_attention.dense"],
    mlp: [["ln_mlp", "post_attention_layernorm", "input_layernorm"], "mlp.dense_4h_to_h"],
    isParallel: ["parallel_attn", true],
    eps: ["layer_norm_epsilon", 1e-5],
  },
  gpt_bigcode: {
    ...{ ...gptJ, positions: "wpe.weight", isTied: true },
    attention: [["ln_1"], "attn.c_proj"],
    mlp: [["ln_2"], "mlp.c_proj"],
  },
  gpt_neo: {
    ...{ ...gptJ, positions: "wpe.weight", layers: "num_layers", isTied: true },
    attention: [["ln_1"], "attn.attention.out_proj"],
    mlp: [["ln_2"], "mlp.c_proj"],
  },
  gpt_neox: {
    ...{ ...llamaNames, table: "embed_in.weight", last: "final_layer_norm", head: "embed_out.weight" },
    attention: [["input_layernorm"], "attention.dense"],
    mlp: [["post_attention_layernorm"], "mlp.dense_4h_to_h"],
    isParallel: ["use_parallel_residual", true],
  },
  gptj: gptJ,
  mpt: {
    ...{ ...gptJ, layers: "n_layers", block: "blocks", last: "norm_f", isTied: true },
    attention: [["norm_1"], "attn.out_proj"],
    mlp: [["norm_2"], "ffn.down_proj"],
  },
  olmo: {
    ...{ ...llamaNames, eps: 1e-5, isPlain: true },
    mlp: [["post_attention_layernorm"], "mlp.down_proj"],
  },
  phi: {
    ...{ ...llamaNames, last: "final_layernorm" },
    attention: [["input_layernorm"], "self_attn.dense"],
    mlp: [["input_layernorm"], "mlp.fc2"],
  },
  stablelm: { ...llamaNames, isParallel: ["use_parallel_residual", false] },
  starcoder2: {
    ...{ ...llamaNames, isTied: true },
    mlp: [["post_attention_layernorm"], "mlp.c_proj"],
    eps: ["norm_epsilon", 1e-5],
  },
};

const decoder =
  (row: Decoder): Template =>
  (model, config) => {
    const at = model.prefix(row.table);
    const kind = {
      eps: typeof row.eps === "number" ? row.eps : config.epsilon(...row.eps),
      isPlain: row.isPlain ?? false,
    };
    const table = `${at}${row.table}`;
    const words = model.embedding(table);
    let h = row.positions === undefined ? words : model.add(words, model.embedding(`${at}${row.positions}`));
    for (const i of layersOf(config, row.layers)) {
      const block = `${at}${row.block}.${i}`;
      const nameOf = ([norms]: DecoderPart) => normIn(model, block, norms, kind.isPlain);
      const [first, second] = [nameOf(row.attention), nameOf(row.mlp)];
      const product = ([, writes]: DecoderPart, what: string, read: Rows) =>
        model.linear(`${block}.${writes}`, what, [read]);
      const read = model.norm(first, h, kind);
      const attended = product(row.attention, "attention", read);
      if (isParallel(row, config) || first === second) {
        const other = first === second ? read : model.norm(second, h, kind);
        h = model.add(model.add(h, attended), product(row.mlp, "activation", other));
      } else {
        h = model.add(h, attended);
        h = model.add(h, product(row.mlp, "activation", model.norm(second, h, kind)));
      }
    }
    const own = { [row.head]: table };
    end(model, config, model.norm(`${at}${row.last}`, h, kind), { table, own, isTied: row.isTied });
  };

const isParallel = ({ isParallel }: Decoder, config: Config) => isParallel !== undefined && config.flag(...isParallel);

/** Norms without weights leave no trace in a checkpoint: they are those that the model has by its code. */
function normIn(model: StreamProgram, block: string, names: readonly string[], isPlain: boolean): string {
  const found = isPlain ? undefined : names.find((name) => model.has(`${block}.${name}.weight`));
  return `${block}.${found ?? names[0]}`;
}

export const decoders: Readonly<Record<string, Template>> = Object.fromEntries(
  Object.entries(rows).map(([type, row]) => [type, decoder(row)]),
);

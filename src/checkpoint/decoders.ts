/** Pre-norm decoders with a single residual stream: a table of their names. */

import type { Value } from "../ir/ir.ts";
import type { Config } from "./checkpoint.ts";
import { type StreamProgram, widthOf } from "./stream-program.ts";
import { end, layersOf, projections, type Template } from "./template.ts";

interface Decoder {
  /** The embedding table. */
  readonly table: string;
  /** A norm of the embeddings. */
  readonly first?: string;
  /** The configuration's flag for residual connections from the norm instead of the stream. */
  readonly addsToNorm?: string;
  /** The table of learned positions, which are added; rotary ones do not touch the stream. */
  readonly positions?: string;
  /** The configuration's entry for the number of blocks, and the prefix of a block's name before its number. */
  readonly layers: string;
  readonly block: string;
  readonly attention: DecoderPart;
  readonly mlp: DecoderPart;
  /** Products in a block that neither read a norm nor add to the stream. */
  readonly others?: readonly string[];
  readonly last: string;
  /** The configuration's entry and the library's default, or a fixed number. */
  readonly eps: number | readonly [key: string, otherwise: number];
  /**
   * The configuration's flag for parallel attention and MLP, and the library's default. Blocks with a single norm are
   * parallel in any case.
   */
  readonly isParallel?: readonly [key: string, otherwise: boolean];
  /** Whether norms have neither gamma nor beta. */
  readonly isPlain?: boolean;
  /** Whether norms are RMSNorms. */
  readonly isRms?: boolean;
  /** Whether norms multiply by 1 + weight. */
  readonly isPlusOne?: boolean;
  /** The norm and the product of an attention to another model, in blocks that have one. */
  readonly crossAttention?: readonly [norm: string, writes: string];
  /** Whether products are GPT-2's `Conv1D`. */
  readonly isConv1d?: boolean;
  readonly head: string;
  readonly isTied: boolean;
}

/**
 * The candidate names of a part's norm, the product whose result is added to the stream (undefined for a mixture of
 * experts), and the products that read the norm.
 */
type DecoderPart = readonly [norms: readonly string[], writes: string | undefined, reads: readonly string[]];

const moe = (name: string) => `block_sparse_moe.${name}`;
const gated = ["mlp.gate_proj", "mlp.up_proj"];

/** The names of LLaMA. */
const llamaNames: Decoder = {
  table: "embed_tokens.weight",
  layers: "num_hidden_layers",
  block: "layers",
  attention: [["input_layernorm"], "self_attn.o_proj", projections("self_attn")],
  mlp: [["post_attention_layernorm", "input_layernorm"], "mlp.down_proj", gated],
  last: "norm",
  eps: ["layer_norm_eps", 1e-5],
  head: "lm_head.weight",
  isTied: false,
};

/** The names of GPT-J. */
const gptJ: Decoder = {
  table: "wte.weight",
  layers: "n_layer",
  block: "h",
  attention: [["ln_1"], "attn.out_proj", projections("attn")],
  mlp: [["ln_1"], "mlp.fc_out", ["mlp.fc_in"]],
  last: "ln_f",
  eps: ["layer_norm_epsilon", 1e-5],
  head: "lm_head.weight",
  isTied: false,
};

/** The names of GPT-2. */
const gptTwo: Decoder = {
  ...{ ...gptJ, positions: "wpe.weight", isTied: true },
  attention: [["ln_1"], "attn.c_proj", ["attn.c_attn"]],
  mlp: [["ln_2"], "mlp.c_proj", ["mlp.c_fc"]],
};

/** By `model_type`. */
const rows: Readonly<Record<string, Decoder>> = {
  bloom: {
    ...{ ...llamaNames, table: "word_embeddings.weight", first: "word_embeddings_layernorm", isTied: true },
    ...{ layers: "n_layer", block: "h", last: "ln_f", addsToNorm: "apply_residual_connection_post_layernorm" },
    attention: [["input_layernorm"], "self_attention.dense", ["self_attention.query_key_value"]],
    mlp: [["post_attention_layernorm"], "mlp.dense_4h_to_h", ["mlp.dense_h_to_4h"]],
    eps: ["layer_norm_epsilon", 1e-5],
  },
  codegen: { ...gptJ, attention: [["ln_1"], "attn.out_proj", ["attn.qkv_proj"]] },
  cohere: { ...llamaNames, isTied: true },
  falcon: {
    ...llamaNames,
    ...{ table: "word_embeddings.weight", block: "h", last: "ln_f", isTied: true },
    attention: [["ln_attn", "input_layernorm"], "self_attention.dense", ["self_attention.query_key_value"]],
    mlp: [["ln_mlp", "post_attention_layernorm", "input_layernorm"], "mlp.dense_4h_to_h", ["mlp.dense_h_to_4h"]],
    isParallel: ["parallel_attn", true],
    eps: ["layer_norm_epsilon", 1e-5],
  },
  gpt2: { ...gptTwo, isConv1d: true, crossAttention: ["ln_cross_attn", "crossattention.c_proj"] },
  gpt_bigcode: gptTwo,
  gpt_neo: {
    ...{ ...gptTwo, layers: "num_layers" },
    attention: [["ln_1"], "attn.attention.out_proj", projections("attn.attention")],
  },
  gpt_neox: {
    ...{ ...llamaNames, table: "embed_in.weight", last: "final_layer_norm", head: "embed_out.weight" },
    attention: [["input_layernorm"], "attention.dense", ["attention.query_key_value"]],
    mlp: [["post_attention_layernorm"], "mlp.dense_4h_to_h", ["mlp.dense_h_to_4h"]],
    isParallel: ["use_parallel_residual", true],
  },
  gptj: gptJ,
  mpt: {
    ...{ ...gptJ, layers: "n_layers", block: "blocks", last: "norm_f", isTied: true },
    attention: [["norm_1"], "attn.out_proj", ["attn.Wqkv"]],
    mlp: [["norm_2"], "ffn.down_proj", ["ffn.up_proj"]],
  },
  olmo: {
    ...{ ...llamaNames, eps: 1e-5, isPlain: true },
    mlp: [["post_attention_layernorm"], "mlp.down_proj", gated],
  },
  phi: {
    ...{ ...llamaNames, last: "final_layernorm" },
    attention: [["input_layernorm"], "self_attn.dense", projections("self_attn")],
    mlp: [["input_layernorm"], "mlp.fc2", ["mlp.fc1"]],
  },
  stablelm: { ...llamaNames, isParallel: ["use_parallel_residual", false] },
  starcoder2: {
    ...{ ...llamaNames, isTied: true },
    mlp: [["post_attention_layernorm"], "mlp.c_proj", ["mlp.c_fc"]],
    eps: ["norm_epsilon", 1e-5],
  },
};

type RmsDecoder = Decoder & { readonly eps: readonly [key: string, otherwise: number] };
const llama: RmsDecoder = { ...llamaNames, isRms: true, eps: ["rms_norm_eps", 1e-6] };

/** By `model_type`. */
const rmsRows: Readonly<Record<string, RmsDecoder>> = {
  gemma: { ...llama, isPlusOne: true, isTied: true },
  llama,
  mistral: llama,
  mixtral: {
    ...{ ...llama, eps: ["rms_norm_eps", 1e-5] },
    mlp: [["post_attention_layernorm"], undefined, ["gate", "experts.*.w1", "experts.*.w3"].map(moe)],
    others: [moe("experts.*.w2")],
  },
  phi3: {
    ...{ ...llama, eps: ["rms_norm_eps", 1e-5] },
    attention: [["input_layernorm"], "self_attn.o_proj", ["self_attn.qkv_proj"]],
    mlp: [["post_attention_layernorm"], "mlp.down_proj", ["mlp.gate_up_proj"]],
  },
  qwen2: llama,
  qwen3: llama,
};

const decoder =
  (row: Decoder): Template =>
  (model, config) => {
    const at = model.prefix(row.table);
    const kind = {
      eps: typeof row.eps === "number" ? row.eps : config.epsilon(...row.eps),
      ...{ isPlain: row.isPlain ?? false, isRms: row.isRms ?? false, isPlusOne: row.isPlusOne ?? false },
    };
    const { attention, mlp, others = [], crossAttention, isConv1d } = row;
    const known = [
      ...attention[2],
      ...mlp[2],
      ...others,
      ...[attention[1], mlp[1]].filter((name) => name !== undefined),
    ];
    const table = `${at}${row.table}`;
    const words = model.embedding(table);
    let h = row.positions === undefined ? words : model.add(words, model.embedding(`${at}${row.positions}`));
    if (row.first !== undefined) h = model.norm(`${at}${row.first}`, h, kind);
    const addsToNorm = row.addsToNorm !== undefined && config.flag(row.addsToNorm, false);
    for (const i of layersOf(config, row.layers)) {
      const block = `${at}${row.block}.${i}`;
      const nameOf = ([norms]: DecoderPart) => normIn(model, block, norms, kind.isPlain);
      const [first, second] = [nameOf(attention), nameOf(mlp)];
      const product = ([, writes, reads]: DecoderPart, what: string, norm: Value) => {
        const read = model.readers(norm, block, reads, known, isConv1d);
        if (writes === undefined) return model.opaque(what, widthOf(h), read);
        return model[isConv1d ? "conv1d" : "linear"](`${block}.${writes}`, what, read);
      };
      const read = model.norm(first, h, kind);
      const attended = product(attention, "attention", read);
      if (isParallel(row, config) || first === second) {
        const other = first === second ? read : model.norm(second, h, kind);
        h = model.add(model.add(h, attended), product(mlp, "activation", other));
      } else {
        h = model.add(addsToNorm ? read : h, attended);
        const [norm, writes] = crossAttention ?? [];
        if (norm !== undefined && model.has(`${block}.${writes}.weight`)) {
          h = model.add(h, product([[norm], writes, []], "cross_attention", model.norm(`${block}.${norm}`, h, kind)));
        }
        const next = model.norm(second, h, kind);
        h = model.add(addsToNorm ? next : h, product(mlp, "activation", next));
      }
    }
    const own = { [row.head]: table };
    end(model, config, model.norm(`${at}${row.last}`, h, kind), { table, own, isTied: row.isTied });
  };

const isParallel = ({ isParallel }: Decoder, config: Config) => isParallel !== undefined && config.flag(...isParallel);

/** Plain norms have no tensors in a checkpoint; the model's code determines their names. */
function normIn(model: StreamProgram, block: string, names: readonly string[], isPlain: boolean): string {
  const found = isPlain ? undefined : names.find((name) => model.has(`${block}.${name}.weight`));
  return `${block}.${found ?? names[0]}`;
}

const mapped = <Row, T>(rows: Readonly<Record<string, Row>>, f: (row: Row) => T): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(rows).map(([type, row]) => [type, f(row)]));

export const decoders = mapped(rows, decoder);

/** Models with RMSNorms. */
export const rmsDecoders = mapped(rmsRows, (row) => ({ eps: row.eps[1], template: decoder(row) }));

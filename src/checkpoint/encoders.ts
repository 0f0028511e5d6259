/** Post-norm encoders like BERT: a table of their names. */

import { blocks, end, layersOf, partsOf, type Template } from "./template.ts";

interface Encoder {
  /** The configuration's entry for the number of blocks. */
  readonly layers: string;
  /** The name of a block. */
  block(i: number): string;
  /** The norm of each part of a block, and the product whose result is added before it. */
  readonly attention: readonly [norm: string, writes: string];
  readonly mlp: readonly [norm: string, writes: string];
  /** The product that projects embeddings to the width of the blocks. */
  readonly project?: string;
  /** Whether the model has a head only if its tensors are stored; otherwise a tied head may read the table alone. */
  readonly isHeadStored?: boolean;
  /** The product and the norm before the language-modeling head, and the head's tensors if it is not tied. */
  readonly head: { readonly dense: string; readonly norm: string; readonly weight: string; readonly bias?: string };
}

const bert: Encoder = {
  layers: "num_hidden_layers",
  block: (i) => `encoder.layer.${i}`,
  attention: ["attention.output.LayerNorm", "attention.output.dense"],
  mlp: ["output.LayerNorm", "output.dense"],
  head: {
    ...{ dense: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm" },
    ...{ weight: "cls.predictions.decoder", bias: "cls.predictions.bias" },
  },
};

const roberta: Encoder = {
  ...bert,
  head: { dense: "lm_head.dense", norm: "lm_head.layer_norm", weight: "lm_head.decoder", bias: "lm_head.bias" },
};

/** By `model_type`. */
const rows: Readonly<Record<string, Encoder>> = {
  bert,
  roberta,
  camembert: roberta,
  "xlm-roberta": roberta,
  albert: {
    layers: "num_hidden_layers",
    // All blocks share their weights, so that a norm can only change if it can in all of them.
    block: () => "encoder.albert_layer_groups.0.albert_layers.0",
    attention: ["attention.LayerNorm", "attention.dense"],
    mlp: ["full_layer_layer_norm", "ffn_output"],
    project: "encoder.embedding_hidden_mapping_in",
    head: {
      ...{ dense: "predictions.dense", norm: "predictions.LayerNorm" },
      ...{ weight: "predictions.decoder", bias: "predictions.bias" },
    },
  },
  electra: {
    ...bert,
    project: "embeddings_project",
    isHeadStored: true,
    head: {
      ...{ dense: "generator_predictions.dense", norm: "generator_predictions.LayerNorm" },
      weight: "generator_lm_head",
    },
  },
  distilbert: {
    layers: "n_layers",
    block: (i) => `transformer.layer.${i}`,
    attention: ["sa_layer_norm", "attention.out_lin"],
    mlp: ["output_layer_norm", "ffn.lin2"],
    head: { dense: "vocab_transform", norm: "vocab_layer_norm", weight: "vocab_projector" },
  },
};

const encoder =
  (row: Encoder): Template =>
  (model, config) => {
    const at = model.prefix("embeddings.word_embeddings.weight");
    const kind = { eps: config.epsilon("layer_norm_eps", 1e-12) };
    const table = `${at}embeddings.word_embeddings.weight`;
    const others = ["position", "token_type"].map((what) => `${at}embeddings.${what}_embeddings.weight`);
    const sum = others
      .filter((name) => model.has(name))
      .reduce((rows, name) => model.add(rows, model.embedding(name)), model.embedding(table));
    const embedded = model.norm(`${at}embeddings.LayerNorm`, sum, kind);
    const project = `${at}${row.project}`;
    const hasProject = row.project !== undefined && (row.isHeadStored !== true || model.has(`${project}.weight`));
    const start = hasProject ? model.linear(project, "embedded", [embedded]) : embedded;
    const parts = layersOf(config, row.layers).flatMap((i) => {
      const block = `${at}${row.block(i)}`;
      const part = ([norm, writes]: readonly [string, string], what: string) => ({ norm, writes, what });
      return partsOf(block, [part(row.attention, "attention"), part(row.mlp, "activation")]);
    });
    const h = blocks(model, start, parts, kind, false);
    const { dense, norm, weight, bias } = row.head;
    const own = { [`${weight}.weight`]: table, ...(bias !== undefined && { [`${weight}.bias`]: bias }) };
    if (!model.has(`${dense}.weight`) && row.isHeadStored === true) return model.result(h);
    if (!model.has(`${dense}.weight`)) return end(model, config, h, { table, own });
    const width = model.extent(`${dense}.weight`, 0);
    end(model, config, model.norm(norm, model.opaque("transform", width, [h]), kind), { table, own });
  };

export const encoders: Readonly<Record<string, Template>> = Object.fromEntries(
  Object.entries(rows).map(([type, row]) => [type, encoder(row)]),
);

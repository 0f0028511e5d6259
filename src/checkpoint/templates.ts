/**
 * The streams of each supported `model_type`: names of modules and the order of additions are those of the library
 * `transformers` (src/transformers/models/NAME/modeling_NAME.py).
 */

import * as checkpointErrors from "../diagnostics/areas/checkpoints.ts";
import { fail } from "../diagnostics/diagnostic.ts";
import type { Value } from "../ir/ir.ts";
import type { Config } from "./checkpoint.ts";
import { decoders, rmsDecoders } from "./decoders.ts";
import { encoders } from "./encoders.ts";
import { type StreamProgram, widthOf } from "./stream-program.ts";
import { blocks, end, layersOf, type Part, partsOf, projections, type Template } from "./template.ts";

const opt: Template = (model, config) => {
  const at = `${model.prefix("decoder.embed_tokens.weight")}decoder`;
  const isNormFirst = config.flag("do_layer_norm_before", true);
  const kind = { eps: 1e-5, isPlain: !config.flag("layer_norm_elementwise_affine", true) };
  const table = `${at}.embed_tokens.weight`;
  const tokens = model.embedding(table);
  // Some sizes project narrower embeddings to the width of the blocks.
  const words = model.has(`${at}.project_in.weight`) ? model.linear(`${at}.project_in`, "embedded", [tokens]) : tokens;
  const start = model.add(words, model.embedding(`${at}.embed_positions.weight`));
  const parts = layersOf(config, "num_hidden_layers").flatMap((i) =>
    partsOf(`${at}.layers.${i}`, [
      {
        norm: "self_attn_layer_norm",
        writes: "self_attn.out_proj",
        what: "attention",
        reads: projections("self_attn"),
      },
      { norm: "final_layer_norm", writes: "fc2", what: "activation", reads: ["fc1"] },
    ]),
  );
  let h = blocks(model, start, parts, kind, isNormFirst);
  const hasLast = isNormFirst && !config.flag("_remove_final_layer_norm", false);
  if (hasLast) h = model.norm(`${at}.final_layer_norm`, h, kind);
  if (model.has(`${at}.project_out.weight`)) h = model.linear(`${at}.project_out`, "projected", [h]);
  end(model, config, h, { table, own: { "lm_head.weight": table } });
};

const vitAttention = ["query", "key", "value"].map((name) => `attention.attention.${name}`);

/** ViT and its successors: a class token, rows for patches, blocks, and a last norm. */
function vision(
  model: StreamProgram,
  config: Config,
  eps: number,
  partsIn: (block: string) => Part[],
  isMasked = false,
): void {
  const at = model.prefix("embeddings.cls_token");
  const positions = model.rows(`${at}embeddings.position_embeddings`);
  const places = model.extent(`${at}embeddings.position_embeddings`, 1);
  const seen = model.patches(`${at}embeddings.patch_embeddings.projection`, places - 1);
  const mask = `${at}embeddings.mask_token`;
  const patches = isMasked && model.has(mask) ? model.concat(seen, model.rows(mask), places - 1) : seen;
  const rows = model.concat(patches, model.rows(`${at}embeddings.cls_token`), places);
  const parts = layersOf(config, "num_hidden_layers").flatMap((i) => partsIn(`${at}encoder.layer.${i}`));
  model.result(model.norm(`${at}layernorm`, blocks(model, model.add(rows, positions), parts, { eps }), { eps }));
}

const vit: Template = (model, config) =>
  vision(model, config, config.epsilon("layer_norm_eps", 1e-12), (block) =>
    partsOf(block, [
      { norm: "layernorm_before", writes: "attention.output.dense", what: "attention", reads: vitAttention },
      { norm: "layernorm_after", writes: "output.dense", what: "activation", reads: ["intermediate.dense"] },
    ]),
  );

/** ViT with a LayerScale after each part, and a row for masked patches. */
const dinov2: Template = (model, config) => {
  const isGated = config.flag("use_swiglu_ffn", false);
  const [reads, writes] = isGated ? ["mlp.weights_in", "mlp.weights_out"] : ["mlp.fc1", "mlp.fc2"];
  const partsIn = (block: string) =>
    partsOf(block, [
      {
        ...{ norm: "norm1", writes: "attention.output.dense", what: "attention", reads: vitAttention },
        scale: "layer_scale1.lambda1",
      },
      { norm: "norm2", writes, what: "activation", reads: [reads], scale: "layer_scale2.lambda1" },
    ]);
  vision(model, config, config.epsilon("layer_norm_eps", 1e-6), partsIn, true);
};

/** The two norms and products of a block of CLIP. */
const clipParts = (at: string, config: Config): Part[] =>
  layersOf(config, "num_hidden_layers").flatMap((i) =>
    partsOf(`${at}.encoder.layers.${i}`, [
      { norm: "layer_norm1", writes: "self_attn.out_proj", what: "attention", reads: projections("self_attn") },
      { norm: "layer_norm2", writes: "mlp.fc2", what: "activation", reads: ["mlp.fc1"] },
    ]),
  );

const clip: Template = (model, config) => {
  const text = config.part("text_config");
  const vision = config.part("vision_config");
  const epsOf = (part: Config) => ({ eps: part.epsilon("layer_norm_eps", 1e-5) });
  const words = model.add(
    model.embedding("text_model.embeddings.token_embedding.weight"),
    model.embedding("text_model.embeddings.position_embedding.weight"),
  );
  const spoken = blocks(model, words, clipParts("text_model", text), epsOf(text));
  model.result(model.norm("text_model.final_layer_norm", spoken, epsOf(text)));
  const at = "vision_model.embeddings";
  const places = model.extent(`${at}.position_embedding.weight`, 0);
  const patches = model.patches(`${at}.patch_embedding`, places - 1);
  const rows = model.concat(patches, model.rows(`${at}.class_embedding`), places);
  const placed = model.add(rows, model.rows(`${at}.position_embedding.weight`));
  // A norm before the first block: its gamma and beta are part of the stream that the other norms read.
  const start = model.norm("vision_model.pre_layrnorm", placed, epsOf(vision));
  const seen = blocks(model, start, clipParts("vision_model", vision), epsOf(vision));
  model.result(model.norm("vision_model.post_layernorm", seen, epsOf(vision)));
};

const whisper: Template = (model, config) => {
  const at = model.prefix("encoder.embed_positions.weight");
  const eps = 1e-5;
  const partsIn = (side: string, memory?: Value) =>
    layersOf(config, `${side}_layers`).flatMap((i): Part[] => {
      const attention = (name: string, norm: string, what: string) => ({ norm, writes: `${name}.out_proj`, what });
      const own = attention("self_attn", "self_attn_layer_norm", "attention");
      const across = attention("encoder_attn", "encoder_attn_layer_norm", "cross_attention");
      const [first, last] = [
        { ...own, reads: projections("self_attn") },
        { norm: "final_layer_norm", writes: "fc2", what: "activation", reads: ["fc1"] },
      ];
      if (memory === undefined) return partsOf(`${at}${side}.layers.${i}`, [first, last]);
      const parts = [first, { ...across, reads: ["encoder_attn.q_proj"], beside: memory }, last];
      return partsOf(`${at}${side}.layers.${i}`, parts, projections("encoder_attn"));
    });
  const positions = model.rows(`${at}encoder.embed_positions.weight`);
  const frames = model.extent(`${at}encoder.embed_positions.weight`, 0);
  const heard = model.add(model.input("convolutions", widthOf(positions), frames), positions);
  const memory = model.norm(`${at}encoder.layer_norm`, blocks(model, heard, partsIn("encoder"), { eps }), { eps });
  const table = `${at}decoder.embed_tokens.weight`;
  const start = model.add(model.embedding(table), model.embedding(`${at}decoder.embed_positions.weight`));
  const h = blocks(model, start, partsIn("decoder", memory), { eps });
  end(model, config, model.norm(`${at}decoder.layer_norm`, h, { eps }), { table, own: { "proj_out.weight": table } });
};

/**
 * A model with RMSNorms. A report only needs to count them; to fold gammas, the stream is needed too.
 * @param pattern matches the weights of norms, including those outside of the stream.
 */
const rmsNorms =
  (pattern: RegExp, key: string, otherwise: number, stream?: Template): Template =>
  (model, config) => {
    if (model.hasReaders && stream !== undefined) stream(model, config);
    const kind = { eps: config.epsilon(key, otherwise), isRms: true };
    const found = [...model.checkpoint.tensors.keys()].filter((name) => pattern.test(name));
    for (const weight of found) {
      const module = weight.replace(/\.weight$/, "");
      if (model.norms.includes(module)) continue;
      const x = model.input("stream", model.extent(weight, 0), "tokens");
      model.result(model.norm(module, x, kind));
    }
  };

const ofLlama = (otherwise: number, stream?: Template) =>
  rmsNorms(/(^|[._])(layernorm|norm)\.weight$/, "rms_norm_eps", otherwise, stream);
const likeLlama = Object.entries(rmsDecoders).map(
  ([type, { eps, template }]) => [type, ofLlama(eps, template)] as const,
);

export const templates: Readonly<Record<string, Template>> = {
  ...{ clip, dinov2, opt, vit, whisper },
  ...{ ...encoders, ...decoders, ...Object.fromEntries(likeLlama) },
  // Its norms come after the parts, except those of queries and keys.
  olmo2: ofLlama(1e-5),
  t5: rmsNorms(/(^|[._])layer_norm\.weight$/, "layer_norm_epsilon", 1e-6),
};

/** Throws E0792. */
export function templateOf(config: Config): Template {
  const { type } = config;
  const template = Object.hasOwn(templates, type) ? templates[type] : undefined;
  return template ?? fail(checkpointErrors.unknownArchitecture(config.file, type, Object.keys(templates)));
}

/**
 * Which weights are added to what the norms of a model read, by its `model_type`: the modules' names and the order of
 * additions are those of the library `transformers` (src/transformers/models/NAME/modeling_NAME.py).
 */

import { fail } from "../diagnostics/diagnostic.ts";
import { checkpointErrors } from "../diagnostics/errors-checkpoint.ts";
import type { Config } from "./checkpoint.ts";
import { decoders } from "./decoders.ts";
import { encoders } from "./encoders.ts";
import type { Rows } from "./stream-program.ts";
import { blocks, end, layersOf, type Part, type Template } from "./template.ts";

const gpt2: Template = (model, config) => {
  const at = model.prefix("wte.weight");
  const kind = { eps: config.epsilon("layer_norm_epsilon", 1e-5) };
  const table = `${at}wte.weight`;
  let h = model.add(model.embedding(table), model.embedding(`${at}wpe.weight`));
  for (const i of layersOf(config, "n_layer")) {
    const block = `${at}h.${i}`;
    h = model.add(h, model.conv1d(`${block}.attn.c_proj`, "attention", [model.norm(`${block}.ln_1`, h, kind)]));
    // Of a decoder that reads another model's rows.
    if (model.has(`${block}.crossattention.c_proj.weight`)) {
      const read = model.norm(`${block}.ln_cross_attn`, h, kind);
      h = model.add(h, model.conv1d(`${block}.crossattention.c_proj`, "cross_attention", [read]));
    }
    h = model.add(h, model.conv1d(`${block}.mlp.c_proj`, "activation", [model.norm(`${block}.ln_2`, h, kind)]));
  }
  end(model, config, model.norm(`${at}ln_f`, h, kind), { table, own: { "lm_head.weight": table } });
};

const opt: Template = (model, config) => {
  const at = `${model.prefix("decoder.embed_tokens.weight")}decoder`;
  const isNormFirst = config.flag("do_layer_norm_before", true);
  const kind = { eps: 1e-5, isPlain: !config.flag("layer_norm_elementwise_affine", true) };
  const table = `${at}.embed_tokens.weight`;
  const tokens = model.embedding(table);
  // Narrower embeddings go through a product of their own.
  const words = model.has(`${at}.project_in.weight`) ? model.linear(`${at}.project_in`, "embedded", [tokens]) : tokens;
  const start = model.add(words, model.embedding(`${at}.embed_positions.weight`));
  const parts = layersOf(config, "num_hidden_layers").flatMap((i): Part[] => {
    const block = `${at}.layers.${i}`;
    return [
      { norm: `${block}.self_attn_layer_norm`, writes: `${block}.self_attn.out_proj`, what: "attention" },
      { norm: `${block}.final_layer_norm`, writes: `${block}.fc2`, what: "activation" },
    ];
  });
  let h = blocks(model, start, parts, kind, isNormFirst);
  const hasLast = isNormFirst && !config.flag("_remove_final_layer_norm", false);
  if (hasLast) h = model.norm(`${at}.final_layer_norm`, h, kind);
  if (model.has(`${at}.project_out.weight`)) h = model.linear(`${at}.project_out`, "projected", [h]);
  end(model, config, h, { table, own: { "lm_head.weight": table } });
};

const vit: Template = (model, config) => {
  const at = model.prefix("embeddings.cls_token");
  const eps = config.epsilon("layer_norm_eps", 1e-12);
  const positions = model.rows(`${at}embeddings.position_embeddings`);
  const places = model.extent(`${at}embeddings.position_embeddings`, 1);
  const patches = model.patches(`${at}embeddings.patch_embeddings.projection`, places - 1);
  const rows = model.concat(patches, model.rows(`${at}embeddings.cls_token`), places);
  const parts = layersOf(config, "num_hidden_layers").flatMap((i): Part[] => {
    const block = `${at}encoder.layer.${i}`;
    return [
      { norm: `${block}.layernorm_before`, writes: `${block}.attention.output.dense`, what: "attention" },
      { norm: `${block}.layernorm_after`, writes: `${block}.output.dense`, what: "activation" },
    ];
  });
  model.result(model.norm(`${at}layernorm`, blocks(model, model.add(rows, positions), parts, { eps }), { eps }));
};

/** The two norms and products of a block of CLIP. */
const clipParts = (at: string, config: Config): Part[] =>
  layersOf(config, "num_hidden_layers").flatMap((i) => {
    const block = `${at}.encoder.layers.${i}`;
    return [
      { norm: `${block}.layer_norm1`, writes: `${block}.self_attn.out_proj`, what: "attention" },
      { norm: `${block}.layer_norm2`, writes: `${block}.mlp.fc2`, what: "activation" },
    ];
  });

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
  // A norm stands before the first block, so the stream that the others read begins with its gamma and beta.
  const start = model.norm("vision_model.pre_layrnorm", placed, epsOf(vision));
  const seen = blocks(model, start, clipParts("vision_model", vision), epsOf(vision));
  model.result(model.norm("vision_model.post_layernorm", seen, epsOf(vision)));
};

const whisper: Template = (model, config) => {
  const at = model.prefix("encoder.embed_positions.weight");
  const eps = 1e-5;
  const partsOf = (side: string, memory?: Rows) =>
    layersOf(config, `${side}_layers`).flatMap((i): Part[] => {
      const block = `${at}${side}.layers.${i}`;
      const own = { norm: `${block}.self_attn_layer_norm`, writes: `${block}.self_attn.out_proj`, what: "attention" };
      const across = { norm: `${block}.encoder_attn_layer_norm`, writes: `${block}.encoder_attn.out_proj` };
      const last = { norm: `${block}.final_layer_norm`, writes: `${block}.fc2`, what: "activation" };
      return memory === undefined ? [own, last] : [own, { ...across, what: "cross_attention", beside: memory }, last];
    });
  const positions = model.rows(`${at}encoder.embed_positions.weight`);
  const frames = model.extent(`${at}encoder.embed_positions.weight`, 0);
  const heard = model.add(model.input("convolutions", positions.width, String(frames)), positions);
  const memory = model.norm(`${at}encoder.layer_norm`, blocks(model, heard, partsOf("encoder"), { eps }), { eps });
  const table = `${at}decoder.embed_tokens.weight`;
  const start = model.add(model.embedding(table), model.embedding(`${at}decoder.embed_positions.weight`));
  const h = blocks(model, start, partsOf("decoder", memory), { eps });
  end(model, config, model.norm(`${at}decoder.layer_norm`, h, { eps }), { table, own: { "proj_out.weight": table } });
};

/** Their norms take no mean off: there is nothing to do, and the report says so. */
const rmsNorms =
  (pattern: RegExp, key: string, otherwise: number): Template =>
  (model, config) => {
    const eps = config.epsilon(key, otherwise);
    const found = [...model.checkpoint.tensors.keys()].filter((name) => pattern.test(name));
    for (const weight of found) {
      const { width } = model.rows(weight);
      const x = model.input("stream", width, "tokens");
      model.result(model.norm(weight.replace(/\.weight$/, ""), x, { eps, isRms: true }));
    }
  };

const llama = rmsNorms(/(^|[._])(layernorm|norm)\.weight$/, "rms_norm_eps", 1e-6);
const ofLlama = ["llama", "mistral", "mixtral", "olmo2", "phi3", "qwen2", "qwen3"];

export const templates: Readonly<Record<string, Template>> = {
  ...{ clip, gpt2, opt, vit, whisper },
  ...{ ...encoders, ...decoders },
  ...Object.fromEntries(ofLlama.map((type) => [type, llama])),
  t5: rmsNorms(/(^|[._])layer_norm\.weight$/, "layer_norm_epsilon", 1e-6),
};

/** Throws E0792. */
export function templateOf(config: Config): Template {
  const { type } = config;
  const template = Object.hasOwn(templates, type) ? templates[type] : undefined;
  return template ?? fail(checkpointErrors.unknownArchitecture(config.file, type, Object.keys(templates)));
}

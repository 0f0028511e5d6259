/** The ops that are norms. */

import type { NodeProto } from "./messages.ts";

/** The domain of onnxruntime's ops. */
export const microsoft = "com.microsoft";

interface NormOp {
  readonly norm: "layernorm" | "rmsnorm" | "groupnorm";
  /** The indices of gamma and beta among its inputs. */
  readonly gamma?: number;
  readonly beta?: number;
}

/** By domain and name. */
const normOps: Readonly<Record<string, NormOp>> = {
  ":LayerNormalization": { norm: "layernorm", gamma: 1, beta: 2 },
  ":RMSNormalization": { norm: "rmsnorm", gamma: 1 },
  ":SimplifiedLayerNormalization": { norm: "rmsnorm", gamma: 1 },
  ":GroupNormalization": { norm: "groupnorm", gamma: 1, beta: 2 },
  ":InstanceNormalization": { norm: "groupnorm", gamma: 1, beta: 2 },
  ":MeanVarianceNormalization": { norm: "layernorm" },
  "com.microsoft:SimplifiedLayerNormalization": { norm: "rmsnorm", gamma: 1 },
  "com.microsoft:SkipLayerNormalization": { norm: "layernorm", gamma: 2, beta: 3 },
  "com.microsoft:SkipSimplifiedLayerNormalization": { norm: "rmsnorm", gamma: 2 },
  "com.microsoft:EmbedLayerNormalization": { norm: "layernorm", gamma: 5, beta: 6 },
  "com.microsoft:GroupNorm": { norm: "groupnorm", gamma: 1, beta: 2 },
  "com.microsoft:SkipGroupNorm": { norm: "groupnorm", gamma: 1, beta: 2 },
};

export const normOpOf = ({ domain, opType }: Pick<NodeProto, "domain" | "opType">): NormOp | undefined =>
  normOps[`${domain}:${opType}`];

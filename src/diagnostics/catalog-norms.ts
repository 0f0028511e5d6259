/** The pages of what is said of a module's norms: R0601, R0602. */

import { body } from "./example.ts";
import type { Page } from "./page.ts";

export const normPages = {
  R0601: {
    title: "no norm was found",
    explanation: `\`applyFusedRmsNorm\` and \`tirc explain-norms\` look for LayerNorms, RMSNorms and GroupNorms, those written in primitive
ops too. Where there is none, nothing changes.`,
    wrong: body("return gelu(x)"),
    fix: body("return gelu(layernorm(x, axes = [-1]))"),
  },
  R0602: {
    title: "a norm has no kernel",
    explanation: `\`tirc extract\` writes a kernel for each norm of a model, with what is elementwise around it. A kernel takes and makes
tensors of the model, of f32 and f16, and knows the extents of what it takes. A norm for which there is none stays with the
rest of the model; the others are written.`,
    wrong: "A model that normalizes halves after a cast that one node does together with the norm's neighbour.",
    fix: "Leave the norm where it is: a runtime for ONNX computes it.",
  },
} satisfies Record<string, Page>;

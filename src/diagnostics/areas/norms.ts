/** The norms of a module as a whole: R0601, R0602. */

import { type Span, warning } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { listing } from "../wording.ts";

export const R0601: Entry = {
  title: "no norm was found",
  explanation: `\`applyFusedRmsNorm\` and \`tirc explain-norms\` look for LayerNorms, RMSNorms and GroupNorms, those written in primitive
ops too. Where there is none, nothing changes.`,
  wrong: { body: ["return gelu(x)"] },
  fix: { body: ["return gelu(layernorm(x, axes = [-1]))"] },
};

/** Of the functions of a program, or of one that was imported from a model. */
export function noNorm(fns: readonly string[], from: "program" | "model") {
  const where = listing(fns.map((name) => `\`${name}\``));
  return warning("R0601", `there is no norm in ${where}, so nothing changed`, {
    help: [
      `\`tirc ${from === "model" ? "surgery" : "compile"} --remarks\` says of what looks like a norm why it is none`,
    ],
  });
}

export function noLayerNorm(fns: readonly string[]) {
  const where = listing(fns.map((name) => `\`${name}\``));
  return warning("R0601", `no norm in ${where} is a LayerNorm, so nothing changed`);
}

export const R0602: Entry = {
  title: "a norm has no kernel",
  explanation: `\`tirc extract\` writes a kernel for each norm of a model, with what is elementwise around it. A kernel takes and makes
tensors of the model, of f32 and f16, and knows the extents of what it takes. A norm for which there is none stays with the
rest of the model; the others are written.`,
  wrong: "A model that normalizes halves after a cast that one node does together with the norm's neighbour.",
  fix: "Leave the norm where it is: a runtime for ONNX computes it.",
};

/** @param reason a clause that can follow "because". */
export function noKernel(span: Span | undefined, norm: string, reason: string) {
  return warning("R0602", `the norm ${norm} has no kernel: ${reason}`, {
    span,
    help: ["it stays with the rest of the model, and the kernels of the other norms do not need it"],
  });
}

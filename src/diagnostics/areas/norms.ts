/** The norms of a module as a whole: R0601, R0602. */

import { type Span, warning } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { listing } from "../wording.ts";

export const R0601: Entry = {
  title: "no norm was found",
  explanation: `\`applyFusedRmsNorm\` and \`tirc explain-norms\` look for LayerNorms, RMSNorms and GroupNorms,
including those written in primitive ops. If there is none, nothing changes.`,
  wrong: { body: ["return gelu(x)"] },
  fix: { body: ["return gelu(layernorm(x, axes = [-1]))"] },
};

/** Of the functions of a program, or of one that was imported from a model. */
export function noNorm(fns: readonly string[], from: "program" | "model") {
  const where = listing(fns.map((name) => `\`${name}\``));
  return warning("R0601", `there is no norm in ${where}, so nothing changed`, {
    help: [
      `\`tirc ${from === "model" ? "surgery" : "compile"} --remarks\` explains why something that looks like a norm is not one`,
    ],
  });
}

export function noLayerNorm(fns: readonly string[]) {
  const where = listing(fns.map((name) => `\`${name}\``));
  return warning("R0601", `no norm in ${where} is a LayerNorm, so nothing changed`);
}

export const R0602: Entry = {
  title: "a norm without a kernel",
  explanation: `\`tirc extract\` writes a kernel for each norm of a model, fused with the elementwise ops around it.
The inputs and outputs of such a kernel must be tensors of the model, of type f32 or f16, and the extents of its
inputs must be known. A norm for which this is impossible stays with the rest of the model; kernels for the other
norms are written.`,
  wrong: "A model in which one node casts to f16 and also computes what the norm is fused with.",
  fix: "Leave the norm where it is: an ONNX runtime computes it.",
};

/** @param reason a clause that can follow "because". */
export function noKernel(span: Span | undefined, norm: string, reason: string) {
  return warning("R0602", `the norm ${norm} has no kernel: ${reason}`, {
    span,
    help: ["it stays with the rest of the model; the kernels of the other norms do not depend on it"],
  });
}

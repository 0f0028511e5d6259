/** What is said of the norms of a module as a whole: R0601, R0602. */

import { type Diagnostic, type Span, warning } from "./diagnostic.ts";
import { listing } from "./errors-types.ts";

export const normWarnings = {
  /** Of the functions of a program, or of one that was imported from a model. */
  noNorm(fns: readonly string[], from: "program" | "model"): Diagnostic {
    const where = listing(fns.map((name) => `\`${name}\``));
    return warning("R0601", `there is no norm in ${where}, so nothing changed`, {
      help: [
        `\`tirc ${from === "model" ? "surgery" : "compile"} --remarks\` says of what looks like a norm why it is none`,
      ],
    });
  },
  noLayerNorm(fns: readonly string[]): Diagnostic {
    const where = listing(fns.map((name) => `\`${name}\``));
    return warning("R0601", `no norm in ${where} is a LayerNorm, so nothing changed`);
  },
  /** @param reason a clause that can follow "because". */
  noKernel(span: Span | undefined, norm: string, reason: string): Diagnostic {
    return warning("R0602", `the norm ${norm} has no kernel: ${reason}`, {
      span,
      help: ["it stays with the rest of the model, and the kernels of the other norms do not need it"],
    });
  },
};

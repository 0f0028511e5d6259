/** The page of what is said of a module's norms: R0601. */

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
} satisfies Record<string, Page>;

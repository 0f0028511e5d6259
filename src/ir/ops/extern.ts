/** The row of the op table for ops that the language does not have. */

import { anyElement, type ExternDef } from "./def.ts";

export const extern: ExternDef = {
  kind: "extern",
  summary:
    "An op of another program, kept as it is: any operands, and results of the types that the `let` declares, `opaque` where it says none. Passes leave it alone, and nothing computes it.",
  operands: [],
  attributes: {
    op: { type: "text", summary: "What it is called there." },
    node: { type: "text", default: "", summary: "Where it stands: the file and the node's number." },
    rows: {
      type: "integers",
      default: [],
      summary:
        "Operands, by their number, of whose rows each row of the result is a sum, with factors that those do not enter. Centering these is centering the result.",
    },
    kept: {
      type: "integers",
      default: [],
      summary: "The axes, counted from the end, that such a row may lie along: they are axes of those operands too.",
    },
  },
  elements: anyElement,
  facts: {},
  outside: { because: "nothing is known of what it computes" },
  vjp: { none: "nothing is known of what it computes" },
};

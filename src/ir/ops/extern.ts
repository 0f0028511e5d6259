/** The row of the op table for ops that the language does not have. */

import { anyElement, type ExternDef } from "./def.ts";

export const extern: ExternDef = {
  kind: "extern",
  summary:
    "An op of another program, kept unchanged: it takes any operands, and its results have the types that the `let` declares (default: `opaque`). Passes do not change it, and it cannot be executed.",
  operands: [],
  attributes: {
    op: { type: "text", summary: "Its name in that program." },
    node: { type: "text", default: "", summary: "Its location: the file and the number of the node." },
    rows: {
      type: "integers",
      default: [],
      summary:
        "Indices of operands. Each row of the result is a linear combination of their rows, with factors that do not depend on them. Centering these operands centers the result.",
    },
    kept: {
      type: "integers",
      default: [],
      summary: "The axes, counted from the end, along which such rows may lie; those operands have the same axes.",
    },
  },
  elements: anyElement,
  facts: {},
  outside: { because: "its computation is unknown" },
  vjp: { none: "its computation is unknown" },
};

/** Every message about ops of another program, and values of which nothing is known: E0236, E0237, E0666. */

import { type Diagnostic, error, type Span } from "./diagnostic.ts";

const code = (name: string) => `\`${name}\``;

export const externErrors = {
  opaqueOperand(span: Span, op: string): Diagnostic {
    return error("E0236", `${code(op)} does not take a value of which nothing is known`, {
      span,
      notes: ["an `opaque` value goes to `extern` ops, and is returned"],
      help: ["declare its type where it is made: `let y: f32[rows, 768] = extern(...)`"],
    });
  },
  opaquePlace(span: Span, what: string): Diagnostic {
    return error("E0237", `${code("opaque")} is not the type of ${what}`, {
      span,
      notes: ["results of `extern` ops have it, and results of functions"],
    });
  },
  notInterpreted(span: Span, op: string): Diagnostic {
    return error("E0666", `nothing computes ${code(op)}: it is an op of another program`, {
      span,
      help: ["give what it makes as a parameter of the function"],
    });
  },
};

/** The pages of ops of another program: E0236, E0237, E0666. */

import { program } from "./example.ts";
import type { Page } from "./page.ts";

export const externPages = {
  E0236: {
    title: "an operand of which nothing is known",
    explanation: `Results of \`extern\` ops have the types that the \`let\` declares. Without one they are \`opaque\`: they can be given to
other \`extern\` ops and returned, and to nothing else.`,
    wrong: program("fn f(x: f32[rows]) -> f32[rows] {", '  let y = extern(x, op = "Scan")', "  return exp(y)", "}"),
    fix: program(
      "fn f(x: f32[rows]) -> f32[rows] {",
      '  let y: f32[rows] = extern(x, op = "Scan")',
      "  return exp(y)",
      "}",
    ),
  },
  E0237: {
    title: "opaque as the type of a parameter or a const",
    explanation: `\`opaque\` says that nothing is known of what an \`extern\` op makes. What comes in from outside has a type; what has none
is made by an \`extern\` op without operands.`,
    wrong: program("fn f(x: opaque) -> f32[n] {", '  let y: f32[n] = extern(x, op = "Scan")', "  return y", "}"),
    fix: program(
      "fn f() -> f32[n] {",
      '  let x = extern(op = "Input")',
      '  let y: f32[n] = extern(x, op = "Scan")',
      "  return y",
      "}",
    ),
  },
  E0666: {
    title: "an op of another program is to be computed",
    explanation: `\`extern\` stands for an op that was taken over from another program, an ONNX model say, and that the language does not
have. Such a function is checked, rewritten and printed, but neither interpreted nor run.`,
    wrong: program(
      "fn f(x: f32[rows, 8]) -> f32[rows, 8] {",
      '  let y: f32[rows, 8] = extern(x, op = "Scan")',
      "  return layernorm(y, axes = [-1])",
      "}",
    ),
    fix: program("fn f(y: f32[rows, 8]) -> f32[rows, 8] {", "  return layernorm(y, axes = [-1])", "}"),
  },
} satisfies Record<string, Page>;

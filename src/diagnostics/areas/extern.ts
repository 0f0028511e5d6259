/** Ops of another program, and values of which nothing is known: E0246, E0247, E0666. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code } from "../wording.ts";

export const E0246: Entry = {
  title: "an operand of which nothing is known",
  explanation: `Results of \`extern\` ops have the types that the \`let\` declares. Without one they are \`opaque\`: they can be given to
other \`extern\` ops and returned, and to nothing else.`,
  wrong: `fn f(x: f32[rows]) -> f32[rows] {
  let y = extern(x, op = "Scan")
  return exp(y)
}`,
  fix: `fn f(x: f32[rows]) -> f32[rows] {
  let y: f32[rows] = extern(x, op = "Scan")
  return exp(y)
}`,
};

export function opaqueOperand(span: Span, op: string) {
  return error("E0246", `${code(op)} does not take a value of which nothing is known`, {
    span,
    notes: ["an `opaque` value goes to `extern` ops, and is returned"],
    help: ["declare its type where it is made: `let y: f32[rows, 768] = extern(...)`"],
  });
}

export const E0247: Entry = {
  title: "opaque as the type of a parameter or a const",
  explanation: `\`opaque\` says that nothing is known of what an \`extern\` op makes. What comes in from outside has a type; what has none
is made by an \`extern\` op without operands.`,
  wrong: `fn f(x: opaque) -> f32[n] {
  let y: f32[n] = extern(x, op = "Scan")
  return y
}`,
  fix: `fn f() -> f32[n] {
  let x = extern(op = "Input")
  let y: f32[n] = extern(x, op = "Scan")
  return y
}`,
};

export function opaquePlace(span: Span, what: string) {
  return error("E0247", `${code("opaque")} is not the type of ${what}`, {
    span,
    notes: ["results of `extern` ops have it, and results of functions"],
  });
}

export const E0666: Entry = {
  title: "an op of another program is to be computed",
  explanation: `\`extern\` stands for an op that was taken over from another program, an ONNX model say, and that the language does not
have. Such a function is checked, rewritten and printed, but neither interpreted nor run.`,
  wrong: `fn f(x: f32[rows, 8]) -> f32[rows, 8] {
  let y: f32[rows, 8] = extern(x, op = "Scan")
  return layernorm(y, axes = [-1])
}`,
  fix: `fn f(y: f32[rows, 8]) -> f32[rows, 8] {
  return layernorm(y, axes = [-1])
}`,
};

export function notInterpreted(span: Span, op: string) {
  return error("E0666", `nothing computes ${code(op)}: it is an op of another program`, {
    span,
    help: ["give what it makes as a parameter of the function"],
  });
}

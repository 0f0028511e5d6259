/** Ops of other programs, and values of unknown type: E0246, E0247, E0666. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code } from "../wording.ts";

export const E0246: Entry = {
  title: "an operand of unknown type",
  explanation: `The result of an \`extern\` op has the type that its \`let\` declares. Without a declared type it is
\`opaque\`: it can be passed to other \`extern\` ops and returned, but not used otherwise.`,
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
  return error("E0246", `${code(op)} does not accept an \`opaque\` value`, {
    span,
    notes: ["an `opaque` value can only be passed to `extern` ops or returned"],
    help: ["declare its type where it is defined: `let y: f32[rows, 768] = extern(...)`"],
  });
}

export const E0247: Entry = {
  title: "opaque as the type of a parameter or a const",
  explanation: `\`opaque\` means that nothing is known about the result of an \`extern\` op. Parameters and consts
need a type. A value from outside whose type is unknown is written as an \`extern\` op without operands.`,
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
  return error("E0247", `${code("opaque")} cannot be the type of ${what}`, {
    span,
    notes: ["only results of `extern` ops and of functions can have it"],
    help: ["declare a tensor type, such as `f32[n]`"],
  });
}

export const E0666: Entry = {
  title: "an extern op that would have to be computed",
  explanation: `\`extern\` stands for an op of another program, such as an ONNX model, that the language does not
have. A function that contains one can be checked, rewritten and printed, but neither interpreted nor run.`,
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
    help: ["pass its result as a parameter of the function"],
  });
}

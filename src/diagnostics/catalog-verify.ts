/** The pages of what the verifier finds: E0401 to E0409. */

import { body } from "./example.ts";
import type { Page } from "./page.ts";

/** What all of them have in common. */
const why = `The verifier runs after every pass. What it finds is a mistake in the pass that ran last, or in code that builds IR
with the library; a program that was parsed and checked does not have it.`;

const sound = body("let y = gelu(x)", "return y + x");

export const verifyPages = {
  E0401: {
    title: "the IR reads a value before it is defined",
    explanation: `${why}
An op reads a parameter of its own function or the result of an op that stands before it.`,
    wrong: body("let z = y + x", "let y = gelu(x)", "return z"),
    fix: sound,
  },
  E0402: {
    title: "the IR returns a value that it does not define",
    explanation: `${why}
A pass removed an op, or replaced its result, and the results of the function still name the old one.`,
    wrong: body("return y"),
    fix: sound,
  },
  E0403: {
    title: "the IR defines a value twice",
    explanation: `${why}
The same op, or two ops with the same result, stand in the function; a pass that copies must make new values.`,
    wrong: body("let y = gelu(x)", "let y = gelu(x)", "return y"),
    fix: sound,
  },
  E0404: {
    title: "the IR has a value of the wrong type",
    explanation: `${why}
The type of a result is what the op makes of the types of its operands. A pass changed an operand and kept the op.`,
    wrong: body("let y: f32[rows] = gelu(x)", "return x"),
    fix: sound,
  },
  E0405: {
    title: "the IR has attributes that are not in their one form",
    explanation: `${why}
Ops keep all attributes of their row, defaults filled in, with axes counted from the end and sorted; two equal ops are
then equal data. Build ops with \`makeOp\`, which sees to it.`,
    wrong: 'new Op({ name: "sum", attributes: { axes: [1] }, ... })',
    fix: 'makeOp("sum", [x], { axes: [-1] }, options)',
  },
  E0406: {
    title: "the ops of a kernel do not stand together",
    explanation: `${why}
The ops of one \`kernel\` group follow each other; only constants may stand between them.`,
    wrong: body(
      "kernel {",
      "  let a = x * 2",
      "}",
      "let b = x + 1",
      "// and here more ops of the same group",
      "return b",
    ),
    fix: body("let b = x + 1", "kernel {", "  let a = x * 2", "}", "return a + b"),
  },
  E0407: {
    title: "two results have one name",
    explanation: `${why}
The results of a function are told apart by their names.`,
    wrong: "fn f(x: f32[n]) -> (y: f32[n], y: f32[n]) { ... }",
    fix: "fn f(x: f32[n]) -> (y: f32[n], z: f32[n]) { ... }",
  },
  E0408: {
    title: "the signature of the function changed",
    explanation: `${why}
A pass may rewrite what a function does inside. Its parameters and results, with their names and types, stay: the
caller relies on them.`,
    wrong: "fn f(x: f32[n]) -> (y: f32[n])   became   fn f(x: f32[n]) -> (y: f16[n])",
    fix: "Cast the value that the pass made back to the type of the result.",
  },
  E0409: {
    title: "the function returns nothing",
    explanation: `${why}
A function has at least one result; without it there would be nothing to compute.`,
    wrong: 'makeFn({ name: "f", params, ops, results: [], span })',
    fix: 'makeFn({ name: "f", params, ops, results: [{ name: "y", value: y }], span })',
  },
} satisfies Record<string, Page>;

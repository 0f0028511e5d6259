/** Violated invariants of the IR: E0401 to E0409. A user sees one only if a pass broke the IR. */

import { error, type Span } from "../diagnostic.ts";
import type { Entry } from "../page.ts";

const rebuild = ["build functions with `rewriteFn` or a `Builder`, which keep the IR well formed"];

const sound = { body: ["let y = gelu(x)", "return y + x"] };

export const E0401: Entry = {
  title: "the IR reads a value before it is defined",
  explanation: "An op can read a parameter of its own function, or the result of an earlier op.",
  wrong: { body: ["let z = y + x", "let y = gelu(x)", "return z"] },
  fix: sound,
};

export function undefinedOperand(span: Span, op: string, operand: string) {
  return error("E0401", `\`${op}\` reads \`${operand}\` before it is defined, or from another function`, {
    span,
    help: rebuild,
  });
}

export const E0402: Entry = {
  title: "the IR returns an undefined value",
  explanation: `A pass removed an op or replaced its result, but a result of the function still refers to the old
value.`,
  wrong: { body: ["return y"] },
  fix: sound,
};

export function undefinedResult(span: Span, name: string) {
  return error("E0402", `the result \`${name}\` is a value that the function does not define`, { span, help: rebuild });
}

export const E0403: Entry = {
  title: "the IR defines a value twice",
  explanation: `The function contains the same op twice, or two ops with the same result. A pass that copies ops must
create new values.`,
  wrong: { body: ["let y = gelu(x)", "let y = gelu(x)", "return y"] },
  fix: sound,
};

export function definedTwice(span: Span, name: string) {
  return error("E0403", `\`${name}\` is defined twice`, { span, help: rebuild });
}

export const E0404: Entry = {
  title: "the IR has a value of the wrong type",
  explanation: `The type of a result follows from the types of the operands. A pass changed an operand without
creating a new op.`,
  wrong: { body: ["let y: f32[rows] = gelu(x)", "return x"] },
  fix: sound,
};

export function wrongType(span: Span, op: string, has: string, inferred: string) {
  return error("E0404", `the result of \`${op}\` is ${has}, but its operands imply ${inferred}`, {
    span,
    help: rebuild,
  });
}

export const E0405: Entry = {
  title: "the IR has attributes that are not normalized",
  explanation: `Ops store all attributes of their row in the op table, with defaults filled in and axes counted from
the end and sorted, so that equal ops are equal data. \`makeOp\` builds ops in this form.`,
  wrong: 'new Op({ name: "sum", attributes: { axes: [1] }, ... })',
  fix: 'makeOp("sum", [x], { axes: [-1] }, options)',
};

export function attributes(span: Span, op: string) {
  return error("E0405", `the attributes of \`${op}\` are not in the form of the op table`, { span, help: rebuild });
}

export const E0406: Entry = {
  title: "the ops of a kernel are not contiguous",
  explanation: "The ops of a `kernel` group follow one another; only constants may come between them.",
  wrong: {
    body: ["kernel {", "  let a = x * 2", "}", "let b = x + 1", "// and here more ops of the same group", "return b"],
  },
  fix: { body: ["let b = x + 1", "kernel {", "  let a = x * 2", "}", "return a + b"] },
};

export function kernelGap(span: Span, kernel: number) {
  return error("E0406", `the ops of kernel group ${kernel} are not contiguous`, { span, help: rebuild });
}

export const E0407: Entry = {
  title: "two results with the same name",
  explanation: "The results of a function are identified by their names, so these must differ.",
  wrong: "fn f(x: f32[n]) -> (y: f32[n], y: f32[n]) { ... }",
  fix: "fn f(x: f32[n]) -> (y: f32[n], z: f32[n]) { ... }",
};

export function resultNameTwice(span: Span, name: string) {
  return error("E0407", `two results are called \`${name}\``, { span, help: rebuild });
}

export const E0408: Entry = {
  title: "a changed signature",
  explanation: `A pass may rewrite the inside of a function. Parameters and results, with their names and types, must
stay as they are, because callers rely on them.`,
  wrong: "fn f(x: f32[n]) -> (y: f32[n])   became   fn f(x: f32[n]) -> (y: f16[n])",
  fix: "Cast the new value back to the type of the result.",
};

export function resultChanged(span: Span, name: string, before: string, after: string) {
  return error("E0408", `the signature changed: \`${name}\` was ${before} and is ${after}`, {
    span,
    help: ["cast the new value back to the type of the result"],
  });
}

export const E0409: Entry = {
  title: "a function without results",
  explanation: "A function needs at least one result; otherwise there is nothing to compute.",
  wrong: 'makeFn({ name: "f", params, ops, results: [], span })',
  fix: 'makeFn({ name: "f", params, ops, results: [{ name: "y", value: y }], span })',
};

export function noResults(span: Span) {
  return error("E0409", "the function returns nothing", { span, help: ["return at least one value"] });
}

/** Gradients: E0801 to E0806, R0801 to R0803. */

import { error, remark, type Span, warning, wrapped } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code, listing, suggest } from "../wording.ts";

const quotedList = (names: readonly string[]) => listing(names.map(code));

/** The values that a forward pass saves, and the bytes moved with and without saving them. */
interface Handover {
  readonly names: readonly string[];
  readonly bytes: { readonly saved: number; readonly computed: number };
}

export const E0801: Entry = {
  title: "a parameter or result that does not exist",
  explanation: `The pass \`gradient\` and \`tirc grad\` differentiate the results named by \`of\` with respect to the
parameters named by \`wrt\`. Constants of the module are not parameters: to get the gradient of one, make it a
parameter.`,
  wrong: "tirc grad FILE --wrt gama",
  fix: "tirc grad FILE --wrt gamma",
};

export function unknown(span: Span, fn: string, what: "parameter" | "result", name: string, known: readonly string[]) {
  return error("E0801", `the function \`${fn}\` has no ${what} \`${name}\``, {
    span,
    help: suggest(name, known),
  });
}

export const E0802: Entry = {
  title: "a gradient of something that is not a float",
  explanation: `Parameters and results of integers or booleans do not change continuously, so they have no gradient.
By default, \`gradient\` takes all parameters and results of float types.`,
  wrong: "tirc grad FILE --wrt ids",
  fix: "tirc grad FILE --wrt table",
};

export function noFloat(span: Span, what: "parameter" | "result", name: string, type: string) {
  return error(
    "E0802",
    `the ${what} \`${name}\` has no gradient: it is ${type}, and gradients are of f32, f16 and bf16`,
    {
      span,
      help: [
        what === "result"
          ? "leave it out of the results that are differentiated"
          : "leave it out of the parameters to differentiate by",
      ],
    },
  );
}

export const E0803: Entry = {
  title: "an op without a derivative",
  explanation: `The gradient would have to pass through an op that is discontinuous (\`round\`, \`sign\`), an op about
which nothing is known (\`extern\`), or an op whose derivative cannot be written in the language. \`stop_gradient\`
around the op treats its derivative as zero; \`x + stop_gradient(round(x) - x)\` is a rounding whose derivative is
treated as 1 (a "straight-through" estimator).`,
  wrong: { body: ["return x * round(x)"] },
  fix: { body: ["return x * stop_gradient(round(x))"] },
};

/** @param why a clause. */
export function noDerivative(span: Span, op: string, why: string) {
  return error("E0803", `\`${op}\` has no derivative: ${why}`, {
    span,
    help: [
      {
        line: "wrap it in `stop_gradient(...)` to treat its derivative as zero",
        fixes: [{ title: "stop the gradient here", edits: wrapped(span, "stop_gradient(", ")") }],
      },
    ],
  });
}

export const E0804: Entry = {
  title: "a gradient that is always zero",
  explanation: `The parameter was requested by name, but none of the differentiated results depends on it
differentiably. This is most likely a mistake, so no function that only returns zeros is written.`,
  wrong: "tirc grad FILE --wrt mask",
  fix: "tirc grad FILE --wrt x",
};

export function independent(span: Span, name: string, results: readonly string[]) {
  const depends = results.length === 1 ? "does not depend" : "do not depend";
  return error("E0804", `the gradient with respect to \`${name}\` is zero: ${quotedList(results)} ${depends} on it`, {
    span,
    notes: ["conditions, row numbers, integers and `stop_gradient` pass no gradient on"],
    help: [`leave \`${name}\` out`],
  });
}

export const E0805: Entry = {
  title: "nothing to differentiate",
  explanation: `No float result depends differentiably on a float parameter: every path leads through conditions,
integers or \`stop_gradient\`.`,
  wrong: `fn f(x: f32[rows, 8]) -> bool[rows, 8] {
  return x > 0
}`,
  fix: `fn f(x: f32[rows, 8]) -> f32[rows, 8] {
  return relu(x)
}`,
};

export function nothing(span: Span, fn: string) {
  return error("E0805", `there is nothing to differentiate in \`${fn}\``, {
    span,
    notes: [
      "no float result depends on a float parameter: conditions, row numbers, integers and `stop_gradient` pass no gradient on",
    ],
    help: ["return a float that is computed from a parameter: `where(x > 0, x, 0)` instead of `x > 0`"],
  });
}

export const E0806: Entry = {
  title: "a name that the gradient function needs",
  explanation: `The function that computes the gradients of \`f\` is called \`f_grad\`, and the module already has a
function of that name. The output of \`tirc grad\` contains both. For second derivatives, differentiate \`f_grad\`
alone: \`tirc grad FILE --fn f_grad\`.`,
  wrong: `fn f(x: f32[rows]) -> f32[rows] {
  return exp(x)
}
fn f_grad(x: f32[rows]) -> f32[rows] {
  return exp(x)
}`,
  fix: `fn f(x: f32[rows]) -> f32[rows] {
  return exp(x)
}`,
};

export function taken(span: Span, name: string, fn: string) {
  return error("E0806", `there is already a function \`${name}\`, and the gradients of \`${fn}\` need that name`, {
    span,
    help: [`rename it, or leave \`${fn}\` out`],
  });
}

export const R0801: Entry = {
  title: "an op that passes no gradient on",
  explanation: `The op reads a value that is differentiated, but its result is a boolean or an integer, or the value
is used as a condition. A small change of the value has no effect, and the derivative counts as zero. This is what
masks usually mean, so nothing needs to be done.`,
  wrong: { body: ["return cast(x > 0, to = f32) * x"] },
  fix: { body: ["return where(x > 0, x, 0)"] },
};

export function stops(span: Span, op: string) {
  return remark("R0801", `no gradient passes through \`${op}\``, {
    span,
    notes: ["small changes of its operand do not change its result"],
  });
}

export const R0802: Entry = {
  title: "what the forward pass saves for the backward pass",
  explanation: `\`--save auto\` saves a value if that moves fewer bytes than computing it again. A parameter that the
backward pass reads counts once; a saved value counts twice, because it is written and read, or once if the forward
pass returns it anyway. Products are never computed twice. \`--save all\` saves everything that the backward pass
needs. A row that fits into registers is read once anyway, and its statistics come with it, so nothing is saved for a
norm alone.`,
  wrong: "tirc grad FILE --save none",
  fix: "tirc grad FILE --save auto",
};

export function saved(span: Span, fn: string, handover: Handover | undefined) {
  const assumed = "a named dimension counts as 1024";
  if (handover === undefined)
    return remark("R0802", `the backward pass of \`${fn}\` recomputes what it needs`, {
      span,
      notes: ["saving values would not move fewer bytes than recomputing them", assumed],
    });
  const { names, bytes } = handover;
  return remark("R0802", `\`${fn}_forward\` saves ${quotedList(names)} for the backward pass`, {
    span,
    notes: [
      `this moves ${bytes.saved} bytes; recomputing everything, including products, would move ${bytes.computed}`,
      assumed,
    ],
  });
}

export const R0803: Entry = {
  title: "a trained weight that is declared to be centered",
  explanation: `An RMSNorm can replace a LayerNorm if the weights before it are centered. The gradient of these
weights is not centered, so neither are the weights after the first step of training, and the model is a different
one: docs/centering.md has figures. Keep the original weights, and mark them \`@trained\` instead: the graph then
centers the weight alone, and training is the same as with the LayerNorm, for every optimizer.`,
  wrong: `fn f(x: f32[rows, 8], w: f32[16, 8] @centered(-2) @trained) -> f32[rows, 16] {
  return rmsnorm(linear(x, w), axes = [-1])
}`,
  fix: `fn f(x: f32[rows, 8], w: f32[16, 8] @trained) -> f32[rows, 16] {
  return layernorm(linear(x, w), axes = [-1])
}`,
};

export function trainedPromise(span: Span, name: string, axes: readonly number[]) {
  return warning("R0803", `\`${name}\` is trained, but declared to be centered, which a training step breaks`, {
    span,
    notes: [`its gradient is not centered, so after the first step \`@centered(${axes.join(", ")})\` does not hold`],
    help: ["train the original weight, without that declaration: `@trained` centers it in the graph, which is exact"],
  });
}

/** Gradients: E0801 to E0806, R0801 to R0803. */

import { error, remark, type Span, warning, wrapped } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code, listing, suggest } from "../wording.ts";

const quotedList = (names: readonly string[]) => listing(names.map(code));

/** What a forward hands over, and the bytes that are moved with it and without. */
interface Handover {
  readonly names: readonly string[];
  readonly bytes: { readonly saved: number; readonly computed: number };
}

export const E0801: Entry = {
  title: "no parameter or result of that name",
  explanation: `The pass \`gradient\` and \`tirc grad\` differentiate the results that \`of\` names by the parameters that \`wrt\` names.
Constants of the module are no parameters: make one a parameter to have its gradient.`,
  wrong: "tirc grad FILE --wrt gama",
  fix: "tirc grad FILE --wrt gamma",
};

export function unknown(span: Span, fn: string, what: "parameter" | "result", name: string, known: readonly string[]) {
  return error("E0801", `the function \`${fn}\` has no ${what} \`${name}\``, {
    span,
    help: suggest(name, known, "there are"),
  });
}

export const E0802: Entry = {
  title: "only floats have gradients",
  explanation: `A parameter or a result of integers or truth values cannot change by a little, so nothing can be differentiated by
it. Left to itself \`gradient\` takes all parameters and results of floats.`,
  wrong: "tirc grad FILE --wrt ids",
  fix: "tirc grad FILE --wrt table",
};

export function noFloat(span: Span, what: "parameter" | "result", name: string, type: string) {
  return error("E0802", `the ${what} \`${name}\` has no gradient: it is ${type}, and not of floats`, {
    span,
    help: [
      what === "result"
        ? "leave it out of the results that are differentiated"
        : "leave it out of the parameters by which is differentiated",
    ],
  });
}

export const E0803: Entry = {
  title: "an op has no derivative",
  explanation: `A gradient would have to go through an op that jumps (\`round\`, \`sign\`), one of which nothing is known
(\`extern\`), or one whose derivative the language cannot write. \`stop_gradient\` around it says that its derivative counts as
zero; \`x + stop_gradient(round(x) - x)\` is a rounding whose derivative counts as 1 ("straight through").`,
  wrong: { body: ["return x * round(x)"] },
  fix: { body: ["return x * stop_gradient(round(x))"] },
};

/** @param why a clause. */
export function noDerivative(span: Span, op: string, why: string) {
  return error("E0803", `\`${op}\` has no derivative: ${why}`, {
    span,
    help: [
      {
        line: "`stop_gradient(...)` around it says that no gradient goes through",
        fixes: [{ title: "stop the gradient here", edits: wrapped(span, "stop_gradient(", ")") }],
      },
    ],
  });
}

export const E0804: Entry = {
  title: "the gradient by a parameter is zero",
  explanation: `The parameter was asked for by name, and no result that is differentiated depends on it in a way that small changes
go through. A function of zeros would be written for what is most likely a slip.`,
  wrong: "tirc grad FILE --wrt mask",
  fix: "tirc grad FILE --wrt x",
};

export function independent(span: Span, name: string, results: readonly string[]) {
  const depends = results.length === 1 ? "does not depend" : "do not depend";
  return error("E0804", `the gradient by \`${name}\` is zero: ${quotedList(results)} ${depends} on it`, {
    span,
    notes: ["conditions, row numbers, integers and what stands in `stop_gradient` pass no gradient on"],
    help: [`leave \`${name}\` out`],
  });
}

export const E0805: Entry = {
  title: "there is nothing to differentiate",
  explanation: `No result of floats depends on a parameter of floats in a way that small changes go through: everything goes
through conditions, integers or \`stop_gradient\`.`,
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
    notes: ["no result of floats depends on a parameter of floats"],
    help: ["conditions, row numbers, integers and what stands in `stop_gradient` pass no gradient on"],
  });
}

export const E0806: Entry = {
  title: "the name of the gradients' function is taken",
  explanation: `The function that gives the gradients of \`f\` is called \`f_grad\`, and the module has one of that name. A file that
\`tirc grad\` printed has both already; for second derivatives differentiate \`f_grad\` alone: \`tirc grad FILE --fn f_grad\`.`,
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
  return error(
    "E0806",
    `there is a function \`${name}\` already, so that of the gradients of \`${fn}\` cannot be called so`,
    {
      span,
      help: [`rename it, or leave \`${fn}\` out`],
    },
  );
}

export const R0801: Entry = {
  title: "no gradient goes through an op",
  explanation: `The op reads what is differentiated, and gives a truth value or an integer, or its operand is a condition: a small
change of it changes nothing behind it, and counts as zero. That is what most programs mean by a mask. Nothing needs to be
done.`,
  wrong: { body: ["return cast(x > 0, to = f32) * x"] },
  fix: { body: ["return where(x > 0, x, 0)"] },
};

export function stops(span: Span, op: string) {
  return remark("R0801", `no gradient goes through \`${op}\``, {
    span,
    notes: ["small changes of its operand change nothing behind it"],
  });
}

export const R0802: Entry = {
  title: "what a forward hands to its backward",
  explanation: `\`--save auto\` saves what moves fewer bytes than to compute it again: a parameter that the backward reads counts
once, a saved value twice, as it is written and read, or once where the forward returns it anyway. Products are never
computed again. \`--save all\` saves all that the backward needs. A row that fits into registers is read once anyway, and its
statistics come with it, so for a norm alone nothing is saved.`,
  wrong: "tirc grad FILE --save none",
  fix: "tirc grad FILE --save auto",
};

export function saved(span: Span, fn: string, handover: Handover | undefined) {
  const assumed = "a dimension with a name counts as 1024";
  if (handover === undefined)
    return remark("R0802", `the backward of \`${fn}\` computes again what it needs`, {
      span,
      notes: [
        "to write values and to read them moves no fewer bytes than to read what they are computed from",
        assumed,
      ],
    });
  const { names, bytes } = handover;
  return remark("R0802", `\`${fn}_forward\` hands ${quotedList(names)} to the backward`, {
    span,
    notes: [
      `${bytes.saved} bytes are written and read so, and ${bytes.computed} where all is computed again, products too`,
      assumed,
    ],
  });
}

export const R0803: Entry = {
  title: "a weight is trained that is promised to be centered",
  explanation: `An RMSNorm may stand for a LayerNorm where the weights before it are centered. Their gradient is that of any
weights, and is not centered, so after the first step they are not either, and the model is another: docs/centering.md has
the numbers. With the weights as they were and \`@trained\` in place of the promise, the centering is an op of the graph, on
the weight alone, and training is that of the LayerNorm for every optimizer.`,
  wrong: `fn f(x: f32[rows, 8], w: f32[16, 8] @centered(-2) @trained) -> f32[rows, 16] {
  return rmsnorm(linear(x, w), axes = [-1])
}`,
  fix: `fn f(x: f32[rows, 8], w: f32[16, 8] @trained) -> f32[rows, 16] {
  return layernorm(linear(x, w), axes = [-1])
}`,
};

export function trainedPromise(span: Span, name: string, axes: readonly number[]) {
  return warning("R0803", `\`${name}\` is trained, and is promised to be centered: a step of training breaks that`, {
    span,
    notes: [
      `its gradient is not centered, so after the first step the promise \`@centered(${axes.join(", ")})\` does not hold`,
    ],
    help: ["train the weight as it was, without the promise: `@trained` centers it in the graph, which is exact"],
  });
}

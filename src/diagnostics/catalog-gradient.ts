/** The pages of what is said of gradients: E0801 to E0806, R0801 to R0803. */

import { body, program } from "./example.ts";
import type { Page } from "./page.ts";

const fn = (params: string, results: string, ...lines: string[]) =>
  program(`fn f(${params}) -> ${results} {`, ...lines.map((line) => `  ${line}`), "}");

const trainedNorm = (norm: string, marks: string) =>
  fn(`x: f32[rows, 8], w: f32[16, 8] ${marks}`, "f32[rows, 16]", `return ${norm}(linear(x, w), axes = [-1])`);

export const gradientPages = {
  E0801: {
    title: "no parameter or result of that name",
    explanation: `The pass \`gradient\` and \`tirc grad\` differentiate the results that \`of\` names by the parameters that \`wrt\` names.
Constants of the module are no parameters: make one a parameter to have its gradient.`,
    wrong: "tirc grad FILE --wrt gama",
    fix: "tirc grad FILE --wrt gamma",
  },
  E0802: {
    title: "only floats have gradients",
    explanation: `A parameter or a result of integers or truth values cannot change by a little, so nothing can be differentiated by
it. Left to itself \`gradient\` takes all parameters and results of floats.`,
    wrong: "tirc grad FILE --wrt ids",
    fix: "tirc grad FILE --wrt table",
  },
  E0803: {
    title: "an op has no derivative",
    explanation: `A gradient would have to go through an op that jumps (\`round\`, \`sign\`), one of which nothing is known
(\`extern\`), or one whose derivative the language cannot write. \`stop_gradient\` around it says that its derivative counts as
zero; \`x + stop_gradient(round(x) - x)\` is a rounding whose derivative counts as 1 ("straight through").`,
    wrong: body("return x * round(x)"),
    fix: body("return x * stop_gradient(round(x))"),
  },
  E0804: {
    title: "the gradient by a parameter is zero",
    explanation: `The parameter was asked for by name, and no result that is differentiated depends on it in a way that small changes
go through. A function of zeros would be written for what is most likely a slip.`,
    wrong: "tirc grad FILE --wrt mask",
    fix: "tirc grad FILE --wrt x",
  },
  E0805: {
    title: "there is nothing to differentiate",
    explanation: `No result of floats depends on a parameter of floats in a way that small changes go through: everything goes
through conditions, integers or \`stop_gradient\`.`,
    wrong: fn("x: f32[rows, 8]", "bool[rows, 8]", "return x > 0"),
    fix: fn("x: f32[rows, 8]", "f32[rows, 8]", "return relu(x)"),
  },
  E0806: {
    title: "the name of the gradients' function is taken",
    explanation: `The function that gives the gradients of \`f\` is called \`f_grad\`, and the module has one of that name. A file that
\`tirc grad\` printed has both already; for second derivatives differentiate \`f_grad\` alone: \`tirc grad FILE --fn f_grad\`.`,
    wrong: program(
      "fn f(x: f32[rows]) -> f32[rows] {",
      "  return exp(x)",
      "}",
      "fn f_grad(x: f32[rows]) -> f32[rows] {",
      "  return exp(x)",
      "}",
    ),
    fix: fn("x: f32[rows]", "f32[rows]", "return exp(x)"),
  },
  R0801: {
    title: "no gradient goes through an op",
    explanation: `The op reads what is differentiated, and gives a truth value or an integer, or its operand is a condition: a small
change of it changes nothing behind it, and counts as zero. That is what most programs mean by a mask. Nothing needs to be
done.`,
    wrong: body("return cast(x > 0, to = f32) * x"),
    fix: body("return where(x > 0, x, 0)"),
  },
  R0802: {
    title: "what a forward hands to its backward",
    explanation: `\`--save auto\` saves what moves fewer bytes than to compute it again: a parameter that the backward reads counts
once, a saved value twice, as it is written and read, or once where the forward returns it anyway. Products are never
computed again. \`--save all\` saves all that the backward needs. A row that fits into registers is read once anyway, and its
statistics come with it, so for a norm alone nothing is saved.`,
    wrong: "tirc grad FILE --save none",
    fix: "tirc grad FILE --save auto",
  },
  R0803: {
    title: "a weight is trained that is promised to be centered",
    explanation: `An RMSNorm may stand for a LayerNorm where the weights before it are centered. Their gradient is that of any
weights, and is not centered, so after the first step they are not either, and the model is another: docs/centering.md has
the numbers. With the weights as they were and \`@trained\` in place of the promise, the centering is an op of the graph, on
the weight alone, and training is that of the LayerNorm for every optimizer.`,
    wrong: trainedNorm("rmsnorm", "@centered(-2) @trained"),
    fix: trainedNorm("layernorm", "@trained"),
  },
} as const satisfies Readonly<Record<string, Page>>;

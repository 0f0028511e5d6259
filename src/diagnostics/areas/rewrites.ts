/** What passes did to norms and centerings, and why they did not: R0101 to R0109. */

import { type DiagnosticExtras, type Label, remark, type Span, warning } from "../diagnostic.ts";
import type { Entry } from "../page.ts";

/** Which condition of a rewrite failed, in words a user can act on. */
export interface Miss {
  /** The reason: a clause that can follow "because". */
  readonly because: string;
  /** A change that would make the rewrite apply. */
  readonly help: string;
  /** The place of the cause, if it is not the op itself. */
  readonly at?: Span;
}

function labelsOf(miss: Miss, span: Span): Label[] {
  const elsewhere = miss.at !== undefined && (miss.at.start !== span.start || miss.at.end !== span.end);
  return elsewhere ? [{ span: miss.at as Span, message: "here" }] : [];
}

/** The notes and help for a rewrite that did not apply at `span`: the condition that fails, and how to fulfil it. */
function becauseOf(miss: Miss, span: Span, more: readonly string[] = []): DiagnosticExtras {
  return { span, labels: labelsOf(miss, span), notes: [`because ${miss.because}`, ...more], help: [miss.help] };
}

/** For a list that is given in part: the total number of items, and whether counting stopped early. */
export interface Rest {
  readonly count?: number;
  readonly isCut?: boolean;
}

function shortened(
  list: readonly string[],
  most: number,
  what: string,
  { count = list.length, isCut }: Rest,
): string[] {
  const more = count - Math.min(most, list.length);
  if (isCut) return [...list.slice(0, most), `and more ${what}`];
  return more > 0 ? [...list.slice(0, most), `and ${more} more ${what}`] : [...list];
}

const centeredConstants = (names: readonly string[], rest: Rest) =>
  names.length === 0 ? [] : [`centered once: ${shortened(names, mostNames, "constants", rest).join(", ")}`];

/** The number of names that a remark lists. */
const mostNames = 6;

/** The number of steps of a proof that a remark lists. */
export const longestProof = 8;

export const R0101: Entry = {
  title: "something that looks like a norm but does not match",
  explanation: `\`raise-norms\` recognizes LayerNorm, RMSNorm, L2 norm, softmax, centering, GELU and SiLU written in
primitive ops, and fires only where the norm computes the same function. If all conditions but one hold, this remark
says which one failed: an exponent other than 2, a mean over other axes, the unbiased variance of rows of unknown
length, eps outside the root, a statistic combined with a different row because \`keepdims\` is missing, a divisor
that is not the row length, a statistic that is rounded to f16 along the way, or a gamma larger than a row. The
program is correct, and is compiled as written.

Literals are accepted as the constants of a formula up to a relative difference of 1e-6, and as a row length if they
round to the same f32.`,
  wrong: {
    body: [
      "let d = x - mean(x, axes = [-1], keepdims = true)",
      "let s = sqrt(var(x, axes = [-1], keepdims = true)) + 1e-5",
      "return d / s",
    ],
  },
  fix: {
    body: [
      "let d = x - mean(x, axes = [-1], keepdims = true)",
      "let s = sqrt(var(x, axes = [-1], keepdims = true) + 1e-5)",
      "return d / s",
    ],
  },
};

export function notRaised(span: Span, norm: string, miss: Miss) {
  return remark("R0101", `this looks like ${norm}, but is left as written`, becauseOf(miss, span));
}

export const R0102: Entry = {
  title: "a centering that stays",
  explanation: `\`eliminate-centering\` removes a \`center\` whose operand is proved to have a row mean of zero. It
can prove this for \`x - mean(x)\`, for results of \`center\` and of a LayerNorm without gamma and beta, for
parameters and constants declared \`@centered(-1)\`, and for ops that preserve a row mean of zero: sums, products with
a factor that is constant along the row, and products with weights and lookups in tables whose rows have it. Other
centerings are moved where that leaves fewer of them: into constants, or to where a stream of residuals begins. The
rest stay, because removing them would change the results; the note says why one cannot be moved. The centering of a
LayerNorm of a parameter always stays. It costs next to nothing, because the kernel reads each row once.`,
  wrong: {
    body: [
      "let d = x - mean(x, axes = [-1], keepdims = true) + x",
      "return rmsnorm(center(d, axes = [-1]), axes = [-1])",
    ],
  },
  fix: { body: ["let d = x - mean(x, axes = [-1], keepdims = true)", "return rmsnorm(d, axes = [-1])"] },
};

export function centeringStays(span: Span, what: string, miss: Miss, why: readonly string[] = []) {
  return remark(
    "R0102",
    `the centering of ${what} stays: its row mean is not proved to be zero`,
    becauseOf(miss, span, why),
  );
}

export const R0103: Entry = {
  title: "a centering that was removed without a proof",
  explanation: `\`eliminate-centering{mode=lossy}\` removes every \`center\`. A LayerNorm thereby becomes an RMSNorm
of rows whose mean need not be zero, which is a different function: the model must be trained, or at least checked,
for it. This mode is never the default, and each centering that is not proved to have no effect gets this warning.
\`mode=exact\` keeps it.`,
  wrong: { body: ["return rmsnorm(center(x, axes = [-1]), axes = [-1])"] },
  fix: { body: ["return rmsnorm(x, axes = [-1])"] },
};

export function centeringDropped(span: Span, what: string, miss: Miss) {
  return warning("R0103", `the centering of ${what} is dropped without a proof (mode=lossy)`, {
    span,
    labels: labelsOf(miss, span),
    notes: [`nothing proves its row mean to be zero, because ${miss.because}`],
    help: ["results change unless every row has mean zero; `mode=exact` keeps what is not proved"],
  });
}

export const R0104: Entry = {
  title: "a centering that was removed",
  explanation: `The operand of the \`center\` is proved to have a row mean of zero, so the \`center\` had no effect in
real arithmetic and was removed. The notes are the proof: the conclusion first, then what it follows from. Nothing
needs to be done.`,
  wrong: {
    body: ["let d = x - mean(x, axes = [-1], keepdims = true)", "return rmsnorm(center(d, axes = [-1]), axes = [-1])"],
  },
  fix: { body: ["let d = x - mean(x, axes = [-1], keepdims = true)", "return rmsnorm(d, axes = [-1])"] },
};

export function centeringProved(span: Span, what: string, steps: readonly string[], rest: Rest = {}) {
  return remark("R0104", `the centering of ${what} is removed: its row mean is already zero`, {
    span,
    notes: shortened(steps, longestProof, "steps", rest),
  });
}

export const R0105: Entry = {
  title: "a groupnorm that is not rewritten as an RMSNorm",
  explanation: `\`layernorm-to-rmsnorm\` rewrites LayerNorms as \`rmsnorm(center(x))\`, so that a centering without
effect can be removed. The rows of a \`groupnorm\` are groups of channels, which are not axes of its operand, so
\`center\` and \`rmsnorm\` cannot refer to them. Its kernel reads each row once in any case, so nothing needs to be
done. A \`reshape\` turns the groups into an axis.`,
  wrong: `fn f(x: f32[batch, 32, 64]) -> f32[batch, 32, 64] {
  return groupnorm(x, groups = 8)
}`,
  fix: `fn f(x: f32[batch, 32, 64]) -> f32[batch, 8, 4, 64] {
  return layernorm(reshape(x, shape = [batch, 8, 4, 64]), axes = [-2, -1])
}`,
};

export function groupNormStays(span: Span) {
  return remark("R0105", "`groupnorm` is not written as an RMSNorm", {
    span,
    notes: [
      "its rows are groups of channels, which are not axes of the tensor; its kernel reads each row only once nevertheless",
    ],
    help: ["`reshape` to [batch, group, channels of the group, ...] and use `layernorm` to have it rewritten"],
  });
}

export const R0106: Entry = {
  title: "a centering that moves into constants",
  explanation: `The rows are sums of products with constant weights, constant biases and rows of constant tables.
Centering these constants once therefore centers every row: P(W h + b) = (P W) h + P b. The new constants are computed
from the old ones, which stay unchanged; \`--weights-out FILE\` writes them.

Weights that are centered once and then trained are no longer centered after the first step, and the model is a
different one: docs/centering.md has figures. Weights that are to be trained are parameters of the program, marked
\`w: f32[64, 64] @trained\`: the graph centers them, and the optimizer sees the weights themselves.`,
  wrong: `const w: f32[2, 3] = [[1, 2, 3], [4, 5, 6]]
fn f(x: f32[rows, 2]) -> f32[rows, 3] {
  return rmsnorm(center(matmul(x, w), axes = [-1]), axes = [-1])
}`,
  fix: `const w: f32[2, 3] = [[-1, 0, 1], [-1, 0, 1]]
fn f(x: f32[rows, 2]) -> f32[rows, 3] {
  return rmsnorm(matmul(x, w), axes = [-1])
}`,
};

export function centeringFolded(span: Span, what: string, constants: readonly string[], rest: Rest = {}) {
  return remark("R0106", `the centering of ${what} moves into constants`, {
    span,
    notes: centeredConstants(constants, rest),
    help: [
      "do not train the new constants: of weights that are parameters, `@trained` keeps the centering in the graph",
    ],
  });
}

export const R0107: Entry = {
  title: "a centering that moves to where its rows begin",
  explanation: `Several norms read sums that begin with the same rows, and nothing else reads these sums. A norm does
not change when its rows are shifted, so the sums can be centered once, where they begin, instead of at each norm.`,
  wrong: {
    body: [
      "let h = relu(x)",
      "let a = rmsnorm(center(h, axes = [-1]), axes = [-1])",
      "return a + rmsnorm(center(h + center(gelu(a), axes = [-1]), axes = [-1]), axes = [-1])",
    ],
  },
  fix: {
    body: [
      "let h = center(relu(x), axes = [-1])",
      "let a = rmsnorm(h, axes = [-1])",
      "return a + rmsnorm(h + center(gelu(a), axes = [-1]), axes = [-1])",
    ],
  },
};

export function centeringMoved(
  span: Span,
  what: string,
  to: readonly { readonly name: string; readonly span: Span }[],
  constants: readonly string[],
  rest: Rest = {},
) {
  return remark("R0107", `the centering of ${what} moves to where its rows begin`, {
    span,
    labels: to.slice(0, mostNames).map((value) => ({ span: value.span, message: "centered here" })),
    notes: [
      `centered instead: ${shortened(
        to.map(({ name }) => name),
        mostNames,
        "values",
        rest,
      ).join(", ")}`,
      ...centeredConstants(constants, rest),
    ],
  });
}

export const R0108: Entry = {
  title: "an assumption of a pass",
  explanation: `The rewrite is exact in real arithmetic except for the assumption that the remark states: for example,
that a cast to f16 does not change a row mean, or that a variance that rounding may make negative is not clamped. The
comparison after the pass (\`--verify-each exact\`) allows for this assumption; everything else must be equal.`,
  wrong: {
    body: [
      "let d = cast(x - mean(x, axes = [-1], keepdims = true), to = f16)",
      "return cast(rmsnorm(center(d, axes = [-1]), axes = [-1]), to = f32)",
    ],
  },
  fix: {
    body: ["let d = x - mean(x, axes = [-1], keepdims = true)", "return rmsnorm(center(d, axes = [-1]), axes = [-1])"],
  },
};

export function assumed(span: Span | undefined, pass: string, because: string) {
  return remark("R0108", `\`${pass}\` assumes: ${because}`, { span });
}

export const R0109: Entry = {
  title: "an op that could not be merged into a norm",
  explanation: `A norm can absorb the scale of its rows: \`rmsnorm(x * s)\` is \`rmsnorm(x)\` with eps divided by the
square of s. Where s is below 1, the squares of \`x\` may overflow although those of \`x * s\` do not, so the scale
stays. An addend of a row before a softmax is removed only if it is always finite. On request, \`fold-affine\` and
\`center-readers\` fold gamma, beta and centerings into products with constant weights, provided that nothing else
reads the rows.`,
  wrong: { body: ["return rmsnorm(x * 0.125, axes = [-1], eps = 1e-5)"] },
  fix: { body: ["return rmsnorm(x, axes = [-1], eps = 0.00064)"] },
};

export function notSimplified(span: Span, what: string, miss: Miss) {
  return remark("R0109", `${what} stays`, becauseOf(miss, span));
}

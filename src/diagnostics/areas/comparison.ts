/** Comparisons with the reference, and contracts of inputs: E0650, E0670, R0650. */

import { error, type Span, warning } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code, listing } from "../wording.ts";

export const E0650: Entry = {
  title: "an output that differs from the reference",
  explanation: `\`--compare\` computes every output again in float64. A float may differ by 2e-6 (f16: 1e-3),
absolutely or relative to the largest value of its row. A program may amplify rounding errors, as \`exp\` of large
numbers and differences that cancel do: the reference is then computed several times more, with a random rounding
error in each result of an op, and a float may also differ by the largest change in its row. A value that results from
rounding, a comparison or a cast to an integer may be the neighbouring one if the rounded number is close to the
boundary. The report says where such differences occur. Others come from values that are too large for f32
(\`--accuracy=scaled\` for the squares in norms), from lossy passes, or from a bug. A NaN or an infinity must occur in
both.`,
  wrong: "scalar: (x) => x * x, kernel: ([x]) => x   // an op of a plugin, whose kernel computes something else",
  fix: "In an op of a plugin, let `scalar` and `kernel` compute the same. Without one, please report the program.",
};

export function differs(
  name: string,
  { at, got, want, count, total }: { at: string; got: string; want: string; count: number; total: number },
  tolerance: string,
) {
  return error("E0650", `the output ${code(name)} differs from the float64 reference`, {
    notes: [
      `${count} of ${total} values differ by more than ${tolerance}`,
      `the largest difference is at ${at}: ${got}, which should be ${want}`,
    ],
    help: [
      "the difference is more than rounding errors explain on this data; `tirc explain E0650` says how that is measured",
    ],
  });
}

export const E0670: Entry = {
  title: "an input that violates its contract",
  explanation: `\`@centered(-1)\` declares that every row of the parameter has a mean of zero. Passes rely on this,
and remove centerings that would then have no effect. \`tirc run --compare\` checks the data. A mean may differ from
zero by the rounding error of the element type: 1e-6 of the largest value of the row, or 1e-3 for f16.`,
  wrong: "tirc run model.tir --in x=ones --compare   // fn f(x: f32[rows, 768] @centered(-1)) ...",
  fix: "tirc run model.tir --compare   // generated data is centered",
};

export function notCentered(
  span: Span,
  name: string,
  axes: readonly number[],
  { row, mean, count, rows }: { row: number; mean: number; count: number; rows: number },
) {
  const promise = `@centered(${axes.join(", ")})`;
  return error("E0670", `${code(name)} is declared ${promise}, but its rows do not have mean zero`, {
    span,
    notes: [`${count} of ${rows} rows are off; the furthest, row ${row}, has the mean ${mean}`],
    help: [`pass centered data, or remove ${code(promise)}: proofs that rely on it do not hold for this data`],
  });
}

export const R0650: Entry = {
  title: "a reference that is NaN or infinite",
  explanation: `\`--compare\` computes outputs in float64, and the result is NaN or infinite although the inputs are
finite: the square root of a negative number, or zero divided by zero. The comparison is then of little value.
\`randn\` produces negative numbers; for variances and probabilities use \`rand\`, or a range.`,
  wrong: "tirc run batchnorm.tir --compare   // let s = gamma * rsqrt(variance + 1e-5)",
  fix: "tirc run batchnorm.tir --compare --in variance=rand",
};

/** @param instead options of `tirc run` with which the reference is finite. */
export function notFinite(
  span: Span,
  op: string,
  {
    output,
    what,
    ...of
  }: {
    readonly output: string;
    readonly what: "NaN" | "infinite";
    readonly count: number;
    readonly total: number;
    readonly operands: readonly number[];
    readonly params: readonly string[];
    readonly instead: string | undefined;
  },
) {
  const operands = of.operands.map((value) => String(Number(value.toPrecision(6)))).join(" and ");
  const from = of.params.length === 0 ? "" : `, and reads ${listing(of.params.map(code))}`;
  return warning(
    "R0650",
    `the reference itself is ${what} here, although all inputs are finite, because of ${code(op)}`,
    {
      span,
      notes: [
        `${of.count} of ${of.total} values of ${code(output)} are ${what}`,
        `${code(op)} produces the first${operands === "" ? "" : ` from ${operands}`}${from}`,
      ],
      help: [
        of.instead === undefined
          ? "choose inputs for which it is finite: `--in 'NAME=uniform(LOW, HIGH)'` or a file"
          : `with ${code(of.instead)} the reference is finite`,
      ],
    },
  );
}

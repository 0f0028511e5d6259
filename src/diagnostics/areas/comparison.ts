/** Comparisons with the reference, and contracts of inputs: E0650, E0670, R0650. */

import { error, type Span, warning } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { code, listing } from "../wording.ts";

export const E0650: Entry = {
  title: "an output that differs from the reference",
  explanation: `\`--compare\` computes every output again in float64. A float may differ by 2e-6 (f16: 1e-3),
absolutely or relative to the largest value of its row. A value that results from rounding, a comparison or a cast to
an integer may be the neighbouring one if the rounded number is close to the boundary; the report counts these cases.
Any other difference is a bug in tirc, or means that the program itself is sensitive to rounding. A NaN or an infinity
must occur in both.`,
  wrong: "let d = exp(x * 30)   // an error of x comes out 30 times as large",
  fix: "Compare on inputs of the size that the program is meant for: `--in x=x.npy`.",
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
    help: ["compare on data of the size that the program is meant for: `--in NAME=FILE.npy`; `tirc explain E0650`"],
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

/** Why ops do not share a kernel, in words. */

import type { Label, Span } from "./diagnostic.ts";

/** Why an op cannot share a kernel with the ops before it: a clause, and the place of the op that it conflicts with. */
export interface Refusal {
  readonly reason: string;
  readonly labels?: readonly Label[];
  /** A change of the program that would avoid it, as a clause. */
  readonly way?: string;
}

/** A reduction or a scan, with its axes in words. */
export interface Reducer {
  readonly name: string;
  readonly verb: "reduces" | "scans";
  readonly span: Span;
  readonly axes: string;
}

export const kernelRefusals = {
  movesRows(op: string, axis: number): Refusal {
    return {
      reason: `\`${op}\` moves rows along axis ${axis} after they are reduced, but a kernel has the results of a row only while it iterates over that row`,
    };
  },
  /** After a reshape, a transpose or a broadcast, different axes may have the same numbers. */
  otherAxes(axes: string, verb: Reducer["verb"], first: Reducer): Refusal {
    const before = `\`${first.name}\` before it ${first.verb}`;
    const disagree =
      axes === first.axes
        ? `it ${verb} ${axes}, which are not the axes that ${before}, although they have the same numbers`
        : `it ${verb} ${axes}, but ${before} ${first.axes}`;
    const both = verb === first.verb ? verb : "reduces and scans";
    return {
      reason: `${disagree}; one kernel ${both} the same axes throughout`,
      labels: [{ span: first.span, message: `${first.verb} ${first.axes}` }],
    };
  },
  /** For a scan along the axes of another scan, in another order. */
  otherScan(op: string): Refusal {
    return { reason: `\`${op}\` takes the elements of a row in another order than a running sum before it` };
  },
  /** For running sums from both ends of a row. */
  bothWays(op: string): Refusal {
    return {
      reason: `\`${op}\` needs running sums from both ends of a row, but one loop over the row computes sums from one end only`,
    };
  },
  noCommonSpace(extents: readonly (number | string)[], other: number | string): Refusal {
    return {
      reason: `none of their tensors has all axes of their iteration space: the largest has ${product(extents)}, and another axis has ${other}`,
    };
  },
  /** How reductions over rows could share the loop nest of the reductions of rows. */
  columnsAside: {
    otherState: (op: string) =>
      `a reduction over rows shares a kernel with reductions of rows only if it needs one number per column (\`sum\`, \`mean\`, \`max\`, \`min\`, \`prod\`) or moments (\`var\`, \`std\`, \`moments\`), and \`${op}\` needs more`,
    readAgain: () =>
      "a reduction over rows shares a kernel with reductions of rows only if its result is not broadcast over the rows again: return the result, and apply it in a separate function",
    unknown: (dim: string) =>
      `a reduction over rows shares a kernel with reductions of rows only if the number of columns is known: replace \`${dim}\` by a number, or pass \`--dim ${dim}=N\``,
    many: (count: number, most: number) =>
      `a reduction over rows shares a kernel with reductions of rows only for at most ${most} columns, but there are ${count}: reduce parts of the row, one after the other`,
  },
  manyBuffers(count: number, most: number): Refusal {
    return {
      reason: `one kernel would need ${count} storage buffers, and devices are only guaranteed to have ${most}`,
    };
  },
  /** For ops that one kernel could compute. */
  notWorth(): Refusal {
    return {
      reason: "merged with an earlier kernel, it would move more bytes, or depend on a kernel that depends on it",
    };
  },
};

/** `64 x 768`. */
const product = (extents: readonly (number | string)[]) => extents.join(" x ") || "one element";

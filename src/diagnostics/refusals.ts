/** Why ops do not share a kernel, in words. */

import type { Label, Span } from "./diagnostic.ts";

/** Why an op cannot be computed with those before it: a clause, and the place of what it disagrees with. */
export interface Refusal {
  readonly reason: string;
  readonly labels?: readonly Label[];
  /** What would let it be: a sentence. */
  readonly way?: string;
}

/** A reduction or a scan, and in words what it goes along. */
export interface Reducer {
  readonly name: string;
  readonly verb: "reduces" | "scans";
  readonly span: Span;
  readonly axes: string;
}

export const kernelRefusals = {
  movesRows(op: string, axis: number): Refusal {
    return {
      reason: `\`${op}\` moves rows along axis ${axis} after they are reduced, and a kernel has the results of a row only while it iterates over that row`,
    };
  },
  /** After a reshape, a transpose or a broadcast, other axes may be called the same. */
  otherAxes(axes: string, verb: Reducer["verb"], first: Reducer): Refusal {
    const before = `\`${first.name}\` before it ${first.verb}`;
    const disagree =
      axes === first.axes
        ? `it ${verb} ${axes}, which are not the axes that ${before}, though they are called the same`
        : `it ${verb} ${axes}, and ${before} ${first.axes}`;
    const both = verb === first.verb ? verb : "reduces and scans";
    return {
      reason: `${disagree}; one kernel ${both} the same axes throughout`,
      labels: [{ span: first.span, message: `${first.verb} ${first.axes}` }],
    };
  },
  /** Of a scan along axes that another scan goes along in another order. */
  otherScan(op: string): Refusal {
    return { reason: `\`${op}\` takes the elements of a row in another order than a running sum before it` };
  },
  /** Of running sums from both ends. */
  bothWays(op: string): Refusal {
    return {
      reason: `\`${op}\` needs running sums from both ends of a row, and a kernel has the sum of an element only while it comes to that element from one end`,
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
      `a reduction over rows shares a kernel with reductions of rows only for at most ${most} columns, and there are ${count}: reduce parts of the row, one after the other`,
  },
  manyBuffers(count: number, most: number): Refusal {
    return {
      reason: `one kernel would need ${count} storage buffers, and devices are only guaranteed to have ${most}`,
    };
  },
  /** Of what one kernel could compute. */
  notWorth(): Refusal {
    return {
      reason: "merged with an earlier kernel, it would move more bytes, or depend on a kernel that depends on it",
    };
  },
};

/** `64 x 768`. */
const product = (extents: readonly (number | string)[]) => extents.join(" x ") || "one element";

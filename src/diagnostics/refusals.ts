/** Why ops do not share a kernel, in words. */

import type { Label, Span } from "./diagnostic.ts";

/** Why an op cannot be computed with those before it: a clause, and the place of what it disagrees with. */
export interface Refusal {
  readonly reason: string;
  readonly labels?: readonly Label[];
  /** What would let it be: a sentence. */
  readonly way?: string;
}

/** A reduction, and in words what it reduces. */
export interface Reducer {
  readonly name: string;
  readonly span: Span;
  readonly axes: string;
}

export const kernelRefusals = {
  movesRows(op: string, axis: number): Refusal {
    return {
      reason: `\`${op}\` moves rows along axis ${axis} after they are reduced, and a kernel has the results of a row only where it walks that row`,
    };
  },
  /** After a reshape, a transpose or a broadcast, other axes may be called the same. */
  otherAxes(axes: string, first: Reducer): Refusal {
    const before = `\`${first.name}\` before it reduces`;
    const disagree =
      axes === first.axes
        ? `it reduces ${axes}, which are not the axes that ${before}, though they are called the same`
        : `it reduces ${axes}, and ${before} ${first.axes}`;
    return {
      reason: `${disagree}; one kernel reduces the same axes throughout`,
      labels: [{ span: first.span, message: `reduces ${first.axes}` }],
    };
  },
  noCommonSpace(walked: readonly (number | string)[], other: number | string): Refusal {
    return {
      reason: `no tensor of theirs is as large as what they walk over together: the largest walks over ${product(walked)}, and another axis has ${other}`,
    };
  },
  /** Ways for reductions of columns to share the walk of those of rows. */
  columnsAside: {
    otherState: (op: string) =>
      `columns reduce in the walk over rows where that needs one number a column (\`sum\`, \`mean\`, \`max\`, \`min\`, \`prod\`) or moments (\`var\`, \`std\`, \`moments\`), and \`${op}\` needs more`,
    readAgain: () =>
      "columns reduce in the walk over rows where nothing spreads their results over the rows again: return them, and apply them in a function of their own",
    unknown: (dim: string) =>
      `columns reduce in the walk over rows where their number is known: write it for \`${dim}\`, or say \`--dim ${dim}=N\``,
    many: (count: number, most: number) =>
      `columns reduce in the walk over rows where there are ${most} of them at most, and there are ${count}: reduce parts of the row, one after the other`,
  },
  manyBuffers(count: number, most: number): Refusal {
    return { reason: `one kernel would need ${count} storage buffers, and every device has ${most}` };
  },
  /** Of what one kernel could compute. */
  notWorth(): Refusal {
    return { reason: "with the kernels before it, it would move more bytes, or wait for one that waits for it" };
  },
};

/** `64 x 768`. */
const product = (extents: readonly (number | string)[]) => extents.join(" x ") || "one element";

/** Why a function does not become one kernel, or its kernel is not its function: E0501 to E0508; R050x. */

import { type Diagnostic, error, type Label, remark, type Span, warning } from "./diagnostic.ts";
import { extentsText } from "./errors-passes.ts";
import { listing } from "./errors-types.ts";

/** More of something than a kernel counts, and the extents that make so many. */
export interface TooMany {
  readonly what: string;
  readonly extents: readonly number[];
  readonly count: number;
}

/** `4294967296 rows (65536 x 65536)`. */
export function counted({ what, extents, count }: TooMany): string {
  const factors = extents.filter((extent) => extent !== 1);
  return factors.length > 1 ? `${count} ${what} (${factors.join(" x ")})` : `${count} ${what}`;
}

const code = (name: string) => `\`${name}\``;

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
      `columns reduce in the walk over rows where that needs one number a column (\`sum\`, \`mean\`, \`max\`, \`min\`, \`prod\`), and \`${op}\` needs more`,
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

export const kernelErrors = {
  notFused(span: Span, fn: string, op: string): Diagnostic {
    return error("E0501", `\`${op}\` of \`${fn}\` is in no kernel: nothing fused the function`, {
      span,
      help: ["end the pipeline with `fuse-elementwise`"],
    });
  },
  severalKernels(span: Span, fn: string, op: string, { reason, labels = [] }: Refusal, count: number): Diagnostic {
    return error(
      "E0502",
      `\`${fn}\` is not one kernel: \`${op}\` cannot be computed with the ops before it: ${reason}`,
      {
        span,
        labels,
        notes: [`the function would take ${count} kernels; one kernel is one walk over rows and columns`],
        help: ["make two functions of it, cut before this op"],
      },
    );
  },
  cannotWalk(span: Span, op: string, { reason, labels = [] }: Refusal): Diagnostic {
    return error("E0502", `\`${op}\` cannot be part of a kernel: ${reason}`, {
      span,
      labels,
      help: ["pass the tensor to the kernel in the shape that this op makes"],
    });
  },
  noCommonSpace(span: Span, fn: string, missing: string): Diagnostic {
    return error("E0503", `\`${fn}\` is not one kernel: no tensor of it is as large as what it walks over`, {
      span,
      notes: [missing],
      help: ["make one function for each result"],
    });
  },
  /** `isInterpreted`: whether the reference interpreter computes all ops of the function; it has none for `extern`. */
  outside(
    span: Span,
    fn: string,
    op: string,
    reason: string,
    { others, isInterpreted }: { readonly others: number; readonly isInterpreted: boolean },
  ): Diagnostic {
    const more = others === 1 ? "1 more op" : `${others} more ops`;
    return error("E0505", `\`${fn}\` is not one kernel: it calls \`${op}\`, and ${reason}`, {
      span,
      notes: others === 0 ? [] : [`${more} of the function ${others === 1 ? "is" : "are"} of this kind`],
      help: [
        `without \`--single-kernel\` it is a plan: kernels, and \`${op}\` between them, which whoever runs it computes`,
        isInterpreted
          ? "`tirc run` has plain kernels for products, and `tirc run --device cpu` interprets the function as it is"
          : "`tirc compile --emit tir` prints the function; of an ONNX model, `tirc extract` makes a kernel of each norm",
      ],
    });
  },
  tooManyBuffers(span: Span, fn: string, names: readonly string[], target: string, most: number): Diagnostic {
    return error("E0504", `\`${fn}\` needs ${names.length} storage buffers, and the target \`${target}\` has ${most}`, {
      span,
      notes: [`one for each parameter and result: ${listing(names.map(code))}`],
      help: ["compile for a target with a higher maxStorageBuffersPerShaderStage, or pass fewer tensors"],
    });
  },
  tooLarge(span: Span, fn: string, reads: number, ops: number): Diagnostic {
    return error("E0506", `the kernel of \`${fn}\` would be too large: ${ops} ops in ${reads} loops over a row`, {
      span,
      notes: ["where the row length is a name, each loop computes its row anew, as no lane can keep it"],
      help: ["write the row length as a number, or give it by `--dim`, or cut the function in two"],
    });
  },
  tooManyPlaces(span: Span, op: string, most: number): Diagnostic {
    return error(
      "E0506",
      `the kernel would be too large: what it computes up to \`${op}\` takes more than ${most} values`,
      {
        span,
        notes: [
          "what an op moves is computed anew at each place where it is read, which doubles where moved tensors are joined",
        ],
        help: ["cut the function in two, so that a tensor is stored before it is moved again"],
      },
    );
  },
  notCounted(span: Span, fn: string, overflow: TooMany, most: number): Diagnostic {
    return error("E0507", `the kernel of \`${fn}\` would count ${counted(overflow)}, and counts with 32 bits`, {
      span,
      notes: [`it counts up to ${most}`],
      help: ["make the tensors smaller, and run the function once for each part"],
    });
  },
  /** @param found where it differs, or what no kernel may do. */
  notTheFunction(
    span: Span,
    fn: string,
    target: string,
    found:
      | { readonly faults: readonly string[] }
      | {
          readonly result: string;
          readonly index: readonly number[];
          readonly dims: Readonly<Record<string, number>>;
        },
  ): Diagnostic {
    const where = (result: string, index: readonly number[]) =>
      index.length === 0 ? code(result) : `${code(result)} at [${index.join(", ")}]`;
    const notes =
      "faults" in found
        ? found.faults
        : [
            `in exact arithmetic they differ in ${[where(found.result, found.index), ...extentsText(found.dims)].join(", ")}`,
          ];
    return error("E0508", `the kernel of \`${fn}\` for \`${target}\` does not compute the function`, {
      span,
      notes,
      help: ["this is a mistake in the compiler, not in the program; another `--target` may have a kernel without it"],
    });
  },
};

export const kernelWarnings = {
  notProved(span: Span, fn: string, target: string, because: string): Diagnostic {
    return warning(
      "R0503",
      `whether the kernel of \`${fn}\` for \`${target}\` computes the function is not decided: ${because}`,
      {
        span,
        help: ["give smaller extents by `--dim NAME=EXTENT`, or compare it with float64: `tirc run --compare`"],
      },
    );
  },
};

export const kernelRemarks = {
  outside(span: Span, op: string, reason: string): Diagnostic {
    return remark("R0502", `\`${op}\` stays outside of kernels: ${reason}`, {
      span,
      help: ["a function with such an op is no kernel; `tirc compile --emit tir` prints what the passes made of it"],
    });
  },
  /** @param between what one kernel writes and this one reads, and how many bytes that is. */
  newKernel(
    span: Span,
    op: string,
    { reason, labels = [], way }: Refusal,
    between: readonly { readonly name: string; readonly bytes: string }[],
  ): Diagnostic {
    const moved = between.map(({ name, bytes }) => `${name} (${bytes} bytes)`);
    const cost =
      moved.length === 0 ? "one launch more" : `${listing(moved)} written and read again, and one launch more`;
    return remark("R0501", `\`${op}\` begins a kernel of its own: ${reason}`, {
      span,
      labels,
      notes: [`that costs ${cost}`],
      help: [
        ...(way === undefined ? [] : [way]),
        "`tirc compile --emit plan` prints the kernels; `--single-kernel` refuses the function",
      ],
    });
  },
};

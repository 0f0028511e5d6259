/** Everything a pass has to say about a rewrite that did not fire, or that the user should know of: R01xx. */

import { type Diagnostic, type Label, remark, type Span, warning } from "./diagnostic.ts";

/** Which condition of a rewrite failed, in words a user can act on. */
export interface Miss {
  /** What is so: a clause that can follow "because". */
  readonly because: string;
  /** What would have made it match. */
  readonly help: string;
  /** The place that is to blame, where it is not the op itself. */
  readonly at?: Span;
}

function labelsOf(miss: Miss, span: Span): Label[] {
  const elsewhere = miss.at !== undefined && (miss.at.start !== span.start || miss.at.end !== span.end);
  return elsewhere ? [{ span: miss.at as Span, message: "here" }] : [];
}

/** Of a list that is given in part: how many there are, and whether nobody counted on from there. */
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
  names.length === 0 ? [] : [`centered once and for all: ${shortened(names, mostNames, "constants", rest).join(", ")}`];

/** How many names a remark lists. */
const mostNames = 6;

/** How many steps of a proof a remark spells out. */
export const longestProof = 8;

export const remarks = {
  notRaised(span: Span, norm: string, miss: Miss): Diagnostic {
    return remark("R0101", `this looks like ${norm}, and is left as written`, {
      span,
      labels: labelsOf(miss, span),
      notes: [`because ${miss.because}`],
      help: [miss.help],
    });
  },
  centeringStays(span: Span, what: string, miss: Miss, why: readonly string[] = []): Diagnostic {
    return remark("R0102", `the centering of ${what} stays: its row mean is not proved to be zero`, {
      span,
      labels: labelsOf(miss, span),
      notes: [`because ${miss.because}`, ...why],
      help: [miss.help],
    });
  },
  centeringDropped(span: Span, what: string, miss: Miss): Diagnostic {
    return warning("R0103", `the centering of ${what} is dropped without a proof (mode=lossy)`, {
      span,
      labels: labelsOf(miss, span),
      notes: [`nothing proves its row mean to be zero, because ${miss.because}`],
      help: ["results change unless every row has mean zero; `mode=exact` keeps what is not proved"],
    });
  },
  centeringProved(span: Span, what: string, steps: readonly string[], rest: Rest = {}): Diagnostic {
    return remark("R0104", `the centering of ${what} is removed: its row mean is zero already`, {
      span,
      notes: shortened(steps, longestProof, "steps", rest),
    });
  },
  centeringFolded(span: Span, what: string, constants: readonly string[], rest: Rest = {}): Diagnostic {
    return remark("R0106", `the centering of ${what} moves into constants`, {
      span,
      notes: centeredConstants(constants, rest),
      help: [
        "do not train the new constants: of weights that are parameters, `@trained` keeps the centering in the graph",
      ],
    });
  },
  centeringMoved(
    span: Span,
    what: string,
    to: readonly { readonly name: string; readonly span: Span }[],
    constants: readonly string[],
    rest: Rest = {},
  ): Diagnostic {
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
  },
  assumed(span: Span | undefined, pass: string, because: string): Diagnostic {
    return remark("R0108", `\`${pass}\` takes for granted: ${because}`, { span });
  },
  notSimplified(span: Span, what: string, miss: Miss): Diagnostic {
    return remark("R0109", `${what} stays`, {
      span,
      labels: labelsOf(miss, span),
      notes: [`because ${miss.because}`],
      help: [miss.help],
    });
  },
  groupNormStays(span: Span): Diagnostic {
    return remark("R0105", "`groupnorm` is not written as an RMSNorm", {
      span,
      notes: [
        "its rows are groups of channels, which are no axes of the tensor; its kernel reads each row once all the same",
      ],
      help: ["`reshape` to [batch, group, channels of the group, ...] and use `layernorm` to have it rewritten"],
    });
  },
};

/** Every message about pipelines and the passes they run: E03xx, and the warnings R0301 and R0302. */

import { type Diagnostic, error, type Help, type Span, warning } from "./diagnostic.ts";
import { listing } from "./errors-types.ts";
import { didYouMean } from "./suggest.ts";

const code = (name: string) => `\`${name}\``;

/** The help where a name is close to a known one, else all known names. */
export function suggest(name: string, known: readonly string[], all: string, span?: Span): Help[] {
  const close = didYouMean(name, known, span);
  return close.length > 0 ? close : [`${all} ${listing(known.map(code))}`];
}

const mistakeInPass = [
  "this is a mistake in the pass, not in the program; `--disable-pass` runs the pipeline without it",
];

/** How many notes an error lists. */
const mostNotes = 8;

const shortened = (notes: readonly string[]) =>
  notes.length > mostNotes ? [...notes.slice(0, mostNotes), `and ${notes.length - mostNotes} more`] : notes;

/** `rows = 4` for each dimension. */
export const extentsText = (dims: Readonly<Record<string, number>>): string[] =>
  Object.entries(dims).map(([name, extent]) => `${name} = ${extent}`);

/** Where two functions differ, and the op that is to blame where one is. */
interface DifferenceFound {
  readonly result: string;
  readonly index: readonly number[];
  readonly dims: Readonly<Record<string, number>>;
  readonly firstNew: { readonly name: string; readonly span: Span } | undefined;
}

export const passErrors = {
  unknownPass(span: Span | undefined, name: string, known: readonly string[]): Diagnostic {
    return error("E0301", `there is no pass \`${name}\``, {
      span,
      help: [
        ...suggest(name, known, "there are", span),
        ...(didYouMean(name, known).length > 0
          ? []
          : ["a pass of one's own comes with its plugin: `--plugin FILE`, or `plugins` in code"]),
      ],
    });
  },
  unknownOption(span: Span, pass: string, name: string, known: readonly string[]): Diagnostic {
    const help = known.length === 0 ? [`\`${pass}\` has no options`] : suggest(name, known, `\`${pass}\` has`, span);
    return error("E0302", `\`${pass}\` has no option \`${name}\``, { span, help });
  },
  badOption(span: Span, option: string, got: string, expected: string, choices: readonly string[]): Diagnostic {
    return error("E0303", `${option} must be ${expected}, not \`${got}\``, {
      span,
      help: didYouMean(got, choices, span),
    });
  },
  optionTwice(span: Span, pass: string, name: string, first: Span): Diagnostic {
    const labels = [{ span: first, message: "first given here" }];
    return error("E0303", `\`${name}\` of \`${pass}\` is given twice`, { span, labels });
  },
  pipelineSyntax(span: Span, expected: string, got: string): Diagnostic {
    return error("E0304", `expected ${expected} here, and found ${got}`, {
      span,
      help: ["a pipeline reads `canonicalize,eliminate-centering{mode=exact},fixpoint(cse,dce)`"],
    });
  },
  pipelineDepth(span: Span, most: number): Diagnostic {
    return error("E0304", `\`fixpoint\` stands inside itself more than ${most} times`, { span });
  },
  brokeIr(pass: string, fn: string, found: readonly Diagnostic[]): Diagnostic {
    return error("E0305", `the pass \`${pass}\` broke the function \`${fn}\``, {
      span: found[0]?.span,
      notes: found.map((problem) => `${problem.code}: ${problem.message}`),
      help: mistakeInPass,
    });
  },
  wrongClaims(pass: string, fn: { readonly name: string; readonly span: Span }, wrong: readonly string[]): Diagnostic {
    return error("E0308", `what the pass \`${pass}\` says of the values of \`${fn.name}\` cannot be so`, {
      span: fn.span,
      notes: shortened(wrong),
      help: mistakeInPass,
    });
  },
  passThrew(pass: string, fn: string, span: Span, message: string): Diagnostic {
    return error("E0306", `the pass \`${pass}\` failed on the function \`${fn}\`: ${message}`, {
      span,
      help: mistakeInPass,
    });
  },
  notTheSame(pass: string, fn: string, span: Span, { result, index, dims, firstNew }: DifferenceFound): Diagnostic {
    const extents = extentsText(dims);
    const at = index.length === 0 ? code(result) : `\`${result}\` at [${index.join(", ")}]`;
    const where = extents.length === 0 ? at : `${at}, with ${extents.join(", ")}`;
    return error("E0309", `the pass \`${pass}\` made another function of \`${fn}\``, {
      span: firstNew?.span ?? span,
      notes: [
        `in exact arithmetic they differ in ${where}`,
        ...(firstNew === undefined
          ? []
          : [`the first value that the function did not have is that of \`${firstNew.name}\``]),
      ],
      help: mistakeInPass,
    });
  },
  /** What a pass itself refuses a program with. */
  from(pass: string, found: Diagnostic): Diagnostic {
    return { ...found, pass, notes: [...found.notes, `said by the pass \`${pass}\``] };
  },
  unknownFunction(name: string, known: readonly string[], span?: Span): Diagnostic {
    return error("E0307", `there is no function \`${name}\``, { span, help: suggest(name, known, "there are", span) });
  },
  otherSignature(name: string, span: Span, found: readonly Diagnostic[]): Diagnostic {
    return error("E0310", `the two functions \`${name}\` cannot be compared: their parameters or results are others`, {
      span,
      notes: found.map(({ message }) => message),
    });
  },
};

export const passWarnings = {
  tooLargeToCompare(pass: string, fn: string, span: Span, elements: number): Diagnostic {
    const what = `what \`${pass}\` made of \`${fn}\` is not compared: it computes ${elements} elements`;
    return warning("R0302", what, { span, help: ["compare it with smaller extents: `--dim NAME=EXTENT`"] });
  },
  noFixpoint(pipeline: string, rounds: number): Diagnostic {
    return warning(
      "R0301",
      `\`fixpoint(${pipeline})\` still changed the program after ${rounds} rounds, and was stopped`,
      { help: ["allow more rounds, `fixpoint{limit=N}(...)`, or leave one of the passes out"] },
    );
  },
};

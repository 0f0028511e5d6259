/** Pipelines and the passes that they run: E03xx, R0301, R0302. */

import { type Diagnostic, error, type Span, warning } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { didYouMean } from "../suggest.ts";
import { code, extentsText, suggest } from "../wording.ts";

const mistakeInPass = [
  "this is a mistake in the pass, not in the program; `--disable-pass` runs the pipeline without it",
];

/** How many notes an error lists. */
const mostNotes = 8;

const shortened = (notes: readonly string[]) =>
  notes.length > mostNotes ? [...notes.slice(0, mostNotes), `and ${notes.length - mostNotes} more`] : notes;

/** Where two functions differ, and the op that is to blame where one is. */
interface DifferenceFound {
  readonly result: string;
  readonly index: readonly number[];
  readonly dims: Readonly<Record<string, number>>;
  readonly firstNew: { readonly name: string; readonly span: Span } | undefined;
}

export const E0301: Entry = {
  title: "no pass has this name",
  explanation: `A pipeline names passes by the names that \`tirc passes\` lists, or a named pipeline: \`default\`, \`O0\`, \`O1\`. A pass of
your own is known to the pass manager that it is given to.`,
  wrong: "tirc compile bert.tir --passes 'canonicalise,fuse-elementwise'",
  fix: "tirc compile bert.tir --passes 'canonicalize,fuse-elementwise'",
};

export function unknownPass(span: Span | undefined, name: string, known: readonly string[]) {
  return error("E0301", `there is no pass \`${name}\``, {
    span,
    help: [
      ...suggest(name, known, "there are", span),
      ...(didYouMean(name, known).length > 0
        ? []
        : ["a pass of one's own comes with its plugin: `--plugin FILE`, or `plugins` in code"]),
    ],
  });
}

export const E0302: Entry = {
  title: "the pass has no such option",
  explanation: "`tirc passes` lists the options of every pass.",
  wrong: "tirc compile bert.tir --passes 'eliminate-centering{kind=exact},fuse-elementwise'",
  fix: "tirc compile bert.tir --passes 'eliminate-centering{mode=exact},fuse-elementwise'",
};

export function unknownOption(span: Span, pass: string, name: string, known: readonly string[]) {
  const help = known.length === 0 ? [`\`${pass}\` has no options`] : suggest(name, known, `\`${pass}\` has`, span);
  return error("E0302", `\`${pass}\` has no option \`${name}\``, { span, help });
}

export const E0303: Entry = {
  title: "the option cannot have this value",
  explanation: "An option is a choice among words, `true` or `false`, or a whole number. It is given once.",
  wrong: "tirc compile bert.tir --passes 'eliminate-centering{mode=fast},fuse-elementwise'",
  fix: "tirc compile bert.tir --passes 'eliminate-centering{mode=lossy},fuse-elementwise'",
};

export function badOption(span: Span, option: string, got: string, expected: string, choices: readonly string[]) {
  return error("E0303", `${option} must be ${expected}, not \`${got}\``, {
    span,
    help: didYouMean(got, choices, span),
  });
}

export function optionTwice(span: Span, pass: string, name: string, first: Span) {
  const labels = [{ span: first, message: "first given here" }];
  return error("E0303", `\`${name}\` of \`${pass}\` is given twice`, { span, labels });
}

export const E0304: Entry = {
  title: "the pipeline cannot be read",
  explanation: `A pipeline is a list of passes with commas between them. Options stand in braces, \`name{option=value,option=value}\`, and
\`fixpoint(a,b)\` runs its passes until none of them changes anything.`,
  wrong: "tirc compile bert.tir --passes 'canonicalize,,fixpoint(cse,dce'",
  fix: "tirc compile bert.tir --passes 'canonicalize,fixpoint(cse,dce),fuse-elementwise'",
};

export function pipelineSyntax(span: Span, expected: string, got: string) {
  return error("E0304", `expected ${expected} here, and found ${got}`, {
    span,
    help: ["a pipeline reads `canonicalize,eliminate-centering{mode=exact},fixpoint(cse,dce)`"],
  });
}

export function pipelineDepth(span: Span, most: number) {
  return error("E0304", `\`fixpoint\` stands inside itself more than ${most} times`, { span });
}

export const E0305: Entry = {
  title: "a pass broke the IR",
  explanation: `The verifier runs after every pass and names the one whose result is not well formed. The notes say what it found. For a
pass of the compiler this is a bug; the reproducer that is written beside it runs again with \`tirc compile\`.`,
  wrong: 'definePass({ name: "drop-all", summary: "", options: {}, run: (fn) => ({ ...fn, ops: [] }) })',
  fix: "Make functions with `rewriteFn` or a `Builder`: operands before users, every result defined.",
};

export function brokeIr(pass: string, fn: string, found: readonly Diagnostic[]) {
  return error("E0305", `the pass \`${pass}\` broke the function \`${fn}\``, {
    span: found[0]?.span,
    notes: found.map((problem) => `${problem.code}: ${problem.message}`),
    help: mistakeInPass,
  });
}

export const E0306: Entry = {
  title: "a pass failed",
  explanation: "The pass threw an error that is no diagnostic. For a pass of the compiler this is a bug.",
  wrong: 'definePass({ name: "fails", summary: "", options: {}, run: () => { throw new Error("not done yet"); } })',
  fix: "Return the function as it is where there is nothing to do, and leave a remark that says why.",
};

export function passThrew(pass: string, fn: string, span: Span, message: string) {
  return error("E0306", `the pass \`${pass}\` failed on the function \`${fn}\`: ${message}`, {
    span,
    help: mistakeInPass,
  });
}

export const E0307: Entry = {
  title: "no function has this name",
  explanation: "`--fn`, or the option `fn` of the library, names one function of the file.",
  wrong: "tirc compile examples/bert-output.tir --fn bert",
  fix: "tirc compile examples/bert-output.tir --fn bert_output",
};

export function unknownFunction(name: string, known: readonly string[], span?: Span) {
  return error("E0307", `there is no function \`${name}\``, { span, help: suggest(name, known, "there are", span) });
}

export const E0308: Entry = {
  title: "what a pass says of its values cannot be so",
  explanation: `With the function a pass may return what stands in it for each value of the function that it was given, and facts
about values. The pass manager checks that every value which is gone has an entry, that what stands for a value is in
the function made and has its type, and that results and parameters stand for themselves. For a pass of the compiler a
failure is a bug.`,
  wrong: `definePass({ name: "forgetful", summary: "", options: {}, run: (fn) => ({ ...withoutUnused(fn), provenance: new Map() }) })`,
  fix: "Return what `rewrite` returns; or the function alone, which says nothing of values that are gone.",
};

export function wrongClaims(
  pass: string,
  fn: { readonly name: string; readonly span: Span },
  wrong: readonly string[],
) {
  return error("E0308", `what the pass \`${pass}\` says of the values of \`${fn.name}\` cannot be so`, {
    span: fn.span,
    notes: shortened(wrong),
    help: mistakeInPass,
  });
}

export const E0309: Entry = {
  title: "a pass made another function",
  explanation: `After the pass, the function does not compute what it did before, in exact arithmetic: a term, an index or a sign is
wrong, and no rounding explains it. The check runs after each pass that is not the compiler's own, and with
\`--verify-each exact\` after all. It compares values over finite fields at random points, so a difference that it finds is
one; docs/proof.md says what it cannot see. A pass whose rewrite is meant to be approximate says so with
\`context.assume\`.`,
  wrong: `definePass({
  name: "swapped", summary: "", options: {},
  run: (fn) => rewriteFn(fn, (op, b) => (op.name === "sub" ? b.emit("sub", [op.operand(1), op.operand(0)]) : undefined)),
})`,
  fix: "Write what is equal among real numbers; declare what is not with `context.assume({ value, is, because })`.",
};

export function notTheSame(pass: string, fn: string, span: Span, { result, index, dims, firstNew }: DifferenceFound) {
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
}

export const E0310: Entry = {
  title: "two functions cannot be compared",
  explanation: `\`tirc verify\` compares functions of one name, with the same parameters and the same results: names, element types
and shapes.`,
  wrong: "tirc verify examples/softmax.tir examples/bert-output.tir",
  fix: "tirc verify examples/softmax.tir examples/softmax.tir",
};

export function otherSignature(name: string, span: Span, found: readonly Diagnostic[]) {
  return error("E0310", `the two functions \`${name}\` cannot be compared: their parameters or results are others`, {
    span,
    notes: found.map(({ message }) => message),
  });
}

export const R0301: Entry = {
  title: "a fixpoint was not reached",
  explanation: `\`fixpoint(...)\` runs its passes until none of them changes the program. After many rounds it stops: two of the passes
undo each other's work. The program is correct all the same.`,
  wrong: "fixpoint(to-softsign,expand-softsign)",
  fix: "to-softsign",
};

export function noFixpoint(pipeline: string, rounds: number) {
  return warning(
    "R0301",
    `\`fixpoint(${pipeline})\` still changed the program after ${rounds} rounds, and was stopped`,
    { help: ["allow more rounds, `fixpoint{limit=N}(...)`, or leave one of the passes out"] },
  );
}

export const R0302: Entry = {
  title: "what a pass made is not compared",
  explanation: `After each pass the function is compared with what it was, in exact arithmetic. This one has too many elements for
that. Smaller extents show the same mistakes.`,
  wrong: "tirc compile model.tir --verify-each exact --dim rows=1000000",
  fix: "tirc compile model.tir --verify-each exact",
};

export function tooLargeToCompare(pass: string, fn: string, span: Span, elements: number) {
  const what = `what \`${pass}\` made of \`${fn}\` is not compared: it computes ${elements} elements`;
  return warning("R0302", what, { span, help: ["compare it with smaller extents: `--dim NAME=EXTENT`"] });
}

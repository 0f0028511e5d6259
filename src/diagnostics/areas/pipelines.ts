/** Pipelines and the passes that they run: E03xx, R0301, R0302. */

import { type Diagnostic, error, type Span, warning } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import { didYouMean, didYouMeanOr } from "../suggest.ts";
import { code, extentsText, suggest } from "../wording.ts";

const mistakeInPass = [
  "this is a mistake in the pass, not in the program; `--disable-pass` runs the pipeline without it",
];

/** The number of notes that an error lists. */
const mostNotes = 8;

const shortened = (notes: readonly string[]) =>
  notes.length > mostNotes ? [...notes.slice(0, mostNotes), `and ${notes.length - mostNotes} more`] : notes;

/** The position at which two functions differ, and the op that caused it, if known. */
interface DifferenceFound {
  readonly result: string;
  readonly index: readonly number[];
  readonly dims: Readonly<Record<string, number>>;
  readonly firstNew: { readonly name: string; readonly span: Span } | undefined;
}

export const E0301: Entry = {
  title: "a pass that does not exist",
  explanation: `A pipeline lists passes by the names that \`tirc passes\` prints, or a named pipeline: \`default\`,
\`O0\`, \`O1\`. A custom pass is known only to the pass manager that it is given to.`,
  wrong: "tirc compile bert.tir --passes 'canonicalise,fuse-elementwise'",
  fix: "tirc compile bert.tir --passes 'canonicalize,fuse-elementwise'",
};

export function unknownPass(span: Span | undefined, name: string, known: readonly string[]) {
  return error("E0301", `there is no pass \`${name}\``, {
    span,
    help: [
      ...(known.length === 0
        ? ["a pass manager is given the compiler's passes: `new PassManager(passes, { builtins })`"]
        : suggest(name, known, undefined, span)),
      ...(didYouMean(name, known).length > 0
        ? []
        : ["a custom pass comes from a plugin: `--plugin FILE`, or `plugins` in code"]),
    ],
  });
}

export const E0302: Entry = {
  title: "an option that the pass does not have",
  explanation: "`tirc passes` lists the options of every pass.",
  wrong: "tirc compile bert.tir --passes 'eliminate-centering{kind=exact},fuse-elementwise'",
  fix: "tirc compile bert.tir --passes 'eliminate-centering{mode=exact},fuse-elementwise'",
};

export function unknownOption(span: Span, pass: string, name: string, known: readonly string[]) {
  const help = known.length === 0 ? [`\`${pass}\` has no options`] : suggest(name, known, `\`${pass}\``, span);
  return error("E0302", `\`${pass}\` has no option \`${name}\``, { span, help });
}

export const E0303: Entry = {
  title: "an invalid value for an option",
  explanation: "An option is one of several words, `true` or `false`, or a whole number. It can be given once.",
  wrong: "tirc compile bert.tir --passes 'eliminate-centering{mode=fast},fuse-elementwise'",
  fix: "tirc compile bert.tir --passes 'eliminate-centering{mode=lossy},fuse-elementwise'",
};

export function badOption(span: Span, option: string, got: string, expected: string, choices: readonly string[]) {
  return error("E0303", `${option} must be ${expected}, not \`${got}\``, {
    span,
    help: didYouMeanOr("`tirc passes` shows the options of every pass", got, choices, span),
  });
}

export function optionTwice(span: Span, pass: string, name: string, first: Span) {
  const labels = [{ span: first, message: "first given here" }];
  return error("E0303", `\`${name}\` of \`${pass}\` is given twice`, { span, labels, help: ["leave one of them out"] });
}

export const E0304: Entry = {
  title: "a malformed pipeline",
  explanation: `A pipeline is a comma-separated list of passes. Options are written in braces,
\`name{option=value,option=value}\`, and \`fixpoint(a,b)\` repeats its passes until none of them changes anything.`,
  wrong: "tirc compile bert.tir --passes 'canonicalize,,fixpoint(cse,dce'",
  fix: "tirc compile bert.tir --passes 'canonicalize,fixpoint(cse,dce),fuse-elementwise'",
};

export function pipelineSyntax(span: Span, expected: string, got: string) {
  return error("E0304", `expected ${expected} here, but found ${got}`, {
    span,
    help: ["a pipeline reads `canonicalize,eliminate-centering{mode=exact},fixpoint(cse,dce)`"],
  });
}

export function pipelineDepth(span: Span, most: number) {
  return error("E0304", `\`fixpoint\` is nested more than ${most} times`, {
    span,
    help: ["a `fixpoint` inside another one changes nothing: leave the inner ones out"],
  });
}

export const E0305: Entry = {
  title: "a pass that broke the IR",
  explanation: `The verifier runs after every pass, and names the pass whose result is not well formed. The notes say
what it found. For a built-in pass this is a bug; the reproducer written along with the error can be run again with
\`tirc compile\`.`,
  wrong: 'definePass({ name: "drop-all", summary: "", options: {}, run: (fn) => ({ ...fn, ops: [] }) })',
  fix: "Build functions with `rewriteFn` or a `Builder`: operands before users, every result defined.",
};

export function brokeIr(pass: string, fn: string, found: readonly Diagnostic[]) {
  return error("E0305", `the pass \`${pass}\` broke the function \`${fn}\``, {
    span: found[0]?.span,
    notes: found.map((problem) => `${problem.code}: ${problem.message}`),
    help: mistakeInPass,
  });
}

export const E0306: Entry = {
  title: "a pass that failed",
  explanation: "The pass threw an error that is not a diagnostic. For a built-in pass this is a bug.",
  wrong: 'definePass({ name: "fails", summary: "", options: {}, run: () => { throw new Error("not done yet"); } })',
  fix: "Return the function unchanged if there is nothing to do, and leave a remark that says why.",
};

export function passThrew(pass: string, fn: string, span: Span, message: string) {
  return error("E0306", `the pass \`${pass}\` failed on the function \`${fn}\`: ${message}`, {
    span,
    help: mistakeInPass,
  });
}

export const E0307: Entry = {
  title: "a function that does not exist",
  explanation: "`--fn`, or the option `fn` of the library, names one function of the file.",
  wrong: "tirc compile examples/bert-output.tir --fn bert",
  fix: "tirc compile examples/bert-output.tir --fn bert_output",
};

export function unknownFunction(name: string, known: readonly string[], span?: Span) {
  return error("E0307", `there is no function \`${name}\``, { span, help: suggest(name, known, undefined, span) });
}

export function unpairedFunction(name: string, without: "first" | "second", span: Span | undefined) {
  return error("E0307", `the ${without} program has no function \`${name}\` to compare with this one`, {
    span,
    help: ["give both functions the same name, or choose another function by `--fn` (`fn` in the library)"],
  });
}

export const E0308: Entry = {
  title: "invalid provenance or facts",
  explanation: `Along with the function, a pass may return which values replace those of the function it was given,
and facts about values. The pass manager checks that every removed value has an entry, that each replacement belongs
to the new function and has the right type, and that results and parameters stand for themselves. For a built-in pass
a failure is a bug.`,
  wrong: `definePass({ name: "forgetful", summary: "", options: {}, run: (fn) => ({ ...withoutUnused(fn), provenance: new Map() }) })`,
  fix: "Return what `rewrite` returns, or the function alone, without provenance.",
};

export function wrongClaims(
  pass: string,
  fn: { readonly name: string; readonly span: Span },
  wrong: readonly string[],
) {
  return error("E0308", `the pass \`${pass}\` returned invalid provenance or facts for \`${fn.name}\``, {
    span: fn.span,
    notes: shortened(wrong),
    help: mistakeInPass,
  });
}

export const E0309: Entry = {
  title: "a pass that changed what the function computes",
  explanation: `In exact arithmetic, the function no longer computes what it did before the pass: a term, an index or
a sign is wrong, which no rounding explains. This is checked after every custom pass, and after every pass with
\`--verify-each exact\`. Values are compared over finite fields at random points, so a difference that is found is
real; docs/proof.md describes what the check cannot detect. A pass that is meant to be approximate declares so with
\`context.assume\`.`,
  wrong: `definePass({
  name: "swapped", summary: "", options: {},
  run: (fn) => rewriteFn(fn, (op, b) => (op.name === "sub" ? b.emit("sub", [op.operand(1), op.operand(0)]) : undefined)),
})`,
  fix: "Write what is equal for real numbers; declare what is not with `context.assume({ value, is, because })`.",
};

export function notTheSame(pass: string, fn: string, span: Span, { result, index, dims, firstNew }: DifferenceFound) {
  const extents = extentsText(dims);
  const at = index.length === 0 ? code(result) : `\`${result}\` at [${index.join(", ")}]`;
  const where = extents.length === 0 ? at : `${at}, with ${extents.join(", ")}`;
  return error("E0309", `the pass \`${pass}\` changed what \`${fn}\` computes`, {
    span: firstNew?.span ?? span,
    notes: [
      `in exact arithmetic the results differ in ${where}`,
      ...(firstNew === undefined ? [] : [`the first new value is that of \`${firstNew.name}\``]),
    ],
    help: mistakeInPass,
  });
}

export const E0310: Entry = {
  title: "functions that cannot be compared",
  explanation: `\`tirc verify\` compares functions with the same name, parameters and results; names, element types
and shapes must agree.`,
  wrong: "tirc verify examples/softmax.tir examples/bert-output.tir",
  fix: "tirc verify examples/softmax.tir examples/softmax.tir",
};

export function otherSignature(name: string, span: Span, found: readonly Diagnostic[]) {
  return error("E0310", `the two functions \`${name}\` cannot be compared: their parameters or results differ`, {
    span,
    notes: found.map(({ message }) => message),
    help: ["give both the same parameters and results, or one of the functions another name"],
  });
}

export const R0301: Entry = {
  title: "a fixpoint that was not reached",
  explanation: `\`fixpoint(...)\` repeats its passes until none of them changes the program. It stops after many
rounds, which usually means that two of the passes undo each other's work. The program is correct nevertheless.`,
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
  title: "a result that was not checked",
  explanation: `After each pass the function is compared, in exact arithmetic, with what it was before. This function
has too many elements for that. Smaller extents reveal the same mistakes.`,
  wrong: "tirc compile model.tir --verify-each exact --dim rows=1000000",
  fix: "tirc compile model.tir --verify-each exact",
};

export function tooLargeToCompare(pass: string, fn: string, span: Span, elements: number) {
  const what = `the result of \`${pass}\` on \`${fn}\` was not compared: it computes ${elements} elements`;
  return warning("R0302", what, { span, help: ["compare it with smaller extents: `--dim NAME=EXTENT`"] });
}

/** The pages of pipelines and of the pass manager: E0301 to E0310, R0301, R0302. */

import type { Page } from "./page.ts";

export const pipelinePages = {
  E0301: {
    title: "no pass has this name",
    explanation: `A pipeline names passes by the names that \`tirc passes\` lists, or a named pipeline: \`default\`, \`O0\`, \`O1\`. A pass of
your own is known to the pass manager that it is given to.`,
    wrong: "tirc compile bert.tir --passes 'canonicalise,fuse-elementwise'",
    fix: "tirc compile bert.tir --passes 'canonicalize,fuse-elementwise'",
  },
  E0302: {
    title: "the pass has no such option",
    explanation: "`tirc passes` lists the options of every pass.",
    wrong: "tirc compile bert.tir --passes 'eliminate-centering{kind=exact},fuse-elementwise'",
    fix: "tirc compile bert.tir --passes 'eliminate-centering{mode=exact},fuse-elementwise'",
  },
  E0303: {
    title: "the option cannot have this value",
    explanation: "An option is a choice among words, `true` or `false`, or a whole number. It is given once.",
    wrong: "tirc compile bert.tir --passes 'eliminate-centering{mode=fast},fuse-elementwise'",
    fix: "tirc compile bert.tir --passes 'eliminate-centering{mode=lossy},fuse-elementwise'",
  },
  E0304: {
    title: "the pipeline cannot be read",
    explanation: `A pipeline is a list of passes with commas between them. Options stand in braces, \`name{option=value,option=value}\`, and
\`fixpoint(a,b)\` runs its passes until none of them changes anything.`,
    wrong: "tirc compile bert.tir --passes 'canonicalize,,fixpoint(cse,dce'",
    fix: "tirc compile bert.tir --passes 'canonicalize,fixpoint(cse,dce),fuse-elementwise'",
  },
  E0305: {
    title: "a pass broke the IR",
    explanation: `The verifier runs after every pass and names the one whose result is not well formed. The notes say what it found. For a
pass of the compiler this is a bug; the reproducer that is written beside it runs again with \`tirc compile\`.`,
    wrong: 'definePass({ name: "drop-all", summary: "", options: {}, run: (fn) => ({ ...fn, ops: [] }) })',
    fix: "Make functions with `rewriteFn` or a `Builder`: operands before users, every result defined.",
  },
  E0306: {
    title: "a pass failed",
    explanation: "The pass threw an error that is no diagnostic. For a pass of the compiler this is a bug.",
    wrong: 'definePass({ name: "fails", summary: "", options: {}, run: () => { throw new Error("not done yet"); } })',
    fix: "Return the function as it is where there is nothing to do, and leave a remark that says why.",
  },
  E0307: {
    title: "no function has this name",
    explanation: "`--fn`, or the option `fn` of the library, names one function of the file.",
    wrong: "tirc compile examples/bert-output.tir --fn bert",
    fix: "tirc compile examples/bert-output.tir --fn bert_output",
  },
  E0308: {
    title: "what a pass says of its values cannot be so",
    explanation: `With the function a pass may return what stands in it for each value of the function that it was given, and facts
about values. The pass manager checks that every value which is gone has an entry, that what stands for a value is in
the function made and has its type, and that results and parameters stand for themselves. For a pass of the compiler a
failure is a bug.`,
    wrong: `definePass({ name: "forgetful", summary: "", options: {}, run: (fn) => ({ ...withoutUnused(fn), provenance: new Map() }) })`,
    fix: "Return what `rewrite` returns; or the function alone, which says nothing of values that are gone.",
  },
  E0309: {
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
  },
  E0310: {
    title: "two functions cannot be compared",
    explanation: `\`tirc verify\` compares functions of one name, with the same parameters and the same results: names, element types
and shapes.`,
    wrong: "tirc verify examples/softmax.tir examples/bert-output.tir",
    fix: "tirc verify examples/softmax.tir examples/softmax.tir",
  },
  R0301: {
    title: "a fixpoint was not reached",
    explanation: `\`fixpoint(...)\` runs its passes until none of them changes the program. After many rounds it stops: two of the passes
undo each other's work. The program is correct all the same.`,
    wrong: "fixpoint(to-softsign,expand-softsign)",
    fix: "to-softsign",
  },
  R0302: {
    title: "what a pass made is not compared",
    explanation: `After each pass the function is compared with what it was, in exact arithmetic. This one has too many elements for
that. Smaller extents show the same mistakes.`,
    wrong: "tirc compile model.tir --verify-each exact --dim rows=1000000",
    fix: "tirc compile model.tir --verify-each exact",
  },
} as const satisfies Record<string, Page>;

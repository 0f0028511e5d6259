/** Statements and expressions: E0124 to E0141. */

import { error, type Help, insertedBefore, type Label, proposal, replaced, type Span, writing } from "../diagnostic.ts";
import type { Entry } from "../page.ts";
import type { Found } from "../wording.ts";

export const E0124: Entry = {
  title: "a let without a value",
  explanation: "`let` binds a name to the value after `=`. There are no variables that are assigned later.",
  wrong: { body: ["let y", "return x"] },
  fix: { body: ["let y = x * 2", "return y"] },
};

export function letWithoutValue(found: Found, name: string) {
  return error("E0124", `\`${name}\` gets no value: expected \`=\`, found ${found.what}`, {
    span: found.span,
    help: [`write \`let ${name} = ...\``],
  });
}

export const E0125: Entry = {
  title: "== in place of =",
  explanation: `\`=\` binds a name to a value. \`==\` compares two values elementwise, and its result is a \`bool\`
tensor.`,
  wrong: { body: ["let y == x * 2", "return y"] },
  fix: { body: ["let y = x * 2", "return y"] },
};

export function comparesInLet(span: Span, name: string) {
  return error("E0125", "`==` compares; a name is given its value with `=`", {
    span,
    help: [proposal(`write \`let ${name} = ...\``, replaced(span, "="))],
  });
}

export const E0126: Entry = {
  title: "= inside an expression",
  explanation: `\`=\` binds a name in a \`let\`, and gives an argument by name in a call. It cannot be used inside an
expression. To compare, write \`==\`.`,
  wrong: { body: ["return where(x + 1 = 0, 1, x)"] },
  fix: { body: ["return where(x + 1 == 0, 1, x)"] },
};

export function assignsInExpression(span: Span, where: "call" | "results" | undefined) {
  const notes =
    where === "call" ? ["in a call, `=` follows the name of an attribute or operand, and nothing else"] : [];
  const named = "results are named in the header, `-> (y: f32[n], z: f32[n])`, and `return a, b` gives their values";
  return error("E0126", "`=` cannot be used inside an expression", {
    span,
    notes,
    help: [where === "results" ? named : proposal("`==` compares", replaced(span, "=="))],
  });
}

export const E0127: Entry = {
  title: "chained comparisons",
  explanation: `\`a < b < c\` would compare the boolean \`a < b\` with \`c\`, which is hardly ever what was meant.
Join two comparisons with \`&&\`.`,
  wrong: { body: ["return where(0 < x < 1, x, 0)"] },
  fix: { body: ["return where(0 < x && x < 1, x, 0)"] },
};

/** `whole` is the span that the example can replace, if it is complete. */
export function chainedComparison(span: Span, first: Span, example: string, whole?: Span) {
  return error("E0127", "comparisons do not chain", {
    span,
    labels: [{ span: first, message: "the first comparison" }],
    help: [writing(example, whole)],
  });
}

export const E0128: Entry = {
  title: "a function without return",
  explanation: `The last statement of a function must be \`return\`. The value of the last \`let\` is not returned
implicitly.`,
  wrong: { body: ["let y = x * 2"] },
  fix: { body: ["let y = x * 2", "return y"] },
};

export function missingReturn(span: Span, name: string, header: Span) {
  return error("E0128", `\`${name}\` ends without a \`return\``, {
    span,
    labels: [{ span: header, message: "this function" }],
    help: ["add `return ...` as its last statement"],
  });
}

export const E0129: Entry = {
  title: "a statement after return",
  explanation: `A function has one \`return\`, as its last statement. It may return several values if the header
declares several results: \`return y, scale\`.`,
  wrong: { body: ["return x", "let y = x * 2"] },
  fix: { body: ["let y = x * 2", "return y"] },
};

export function afterReturn(span: Span, what: string, first: Span) {
  return error("E0129", `${what} after \`return\` is never reached`, {
    span,
    labels: [{ span: first, message: "the function ends here" }],
    notes: ["a function has one `return`, its last statement; it may return several values: `return a, b`"],
    help: ["move it before the `return`"],
  });
}

export const E0132: Entry = {
  title: "a keyword that does not exist",
  explanation: "The keywords are `fn`, `const`, `let`, `return` and `kernel`. Every statement begins with one.",
  wrong: { body: ["var y = x * 2", "return y"] },
  fix: { body: ["let y = x * 2", "return y"] },
};

export function misspelled(span: Span, word: string, meant: string) {
  return error("E0132", `there is no keyword \`${word}\``, {
    span,
    help: [proposal(`did you mean \`${meant}\`?`, replaced(span, meant))],
  });
}

export const E0133: Entry = {
  title: "not a statement",
  explanation: `A function is a list of \`let\`s followed by one \`return\`. An expression on its own would have no
effect. There is no control flow: ops work on whole tensors, \`where(condition, a, b)\` chooses element by element,
and reductions run over axes.`,
  wrong: { body: ["gelu(x)"] },
  fix: { body: ["return gelu(x)"] },
};

export function notAStatement(span: Span, what: string, help: readonly Help[] = []) {
  return error("E0133", `${what} is not a statement`, {
    span,
    notes: ["a statement begins with `let`, `return` or `kernel`"],
    help,
  });
}

export function noControlFlow(span: Span, word: string) {
  const help =
    word === "for" || word === "while"
      ? "there are no loops: ops work on whole tensors; reduce with `sum`, `mean`, `max`"
      : "choose with `where(condition, a, b)`";
  return error("E0133", `there is no \`${word}\` in the language`, { span, help: [help] });
}

export const E0134: Entry = {
  title: "a missing let",
  explanation: "A value is given a name by `let name = ...`.",
  wrong: { body: ["y = x * 2", "return y"] },
  fix: { body: ["let y = x * 2", "return y"] },
};

export function missingLet(span: Span, name: string) {
  const help = [proposal(`write \`let ${name} = ...\``, insertedBefore(span, "let "))];
  return error("E0134", `\`${name} = ...\` needs a \`let\``, { span, help });
}

export const E0135: Entry = {
  title: "a value that is reassigned",
  explanation: `A name keeps the value it was first given. Give the new value a new name; this costs nothing, because
the compiler keeps only what is used.`,
  wrong: { body: ["x = x * 2", "return x"] },
  fix: { body: ["let x2 = x * 2", "return x2"] },
};

export function reassigned(span: Span, name: string, first: Span) {
  return error("E0135", `\`${name}\` already has a value, and values cannot be changed`, {
    span,
    labels: [{ span: first, message: "defined here" }],
    help: [`give the new value a name of its own: \`let ${name}2 = ...\``],
  });
}

export const E0137: Entry = {
  title: "an expression that is nested too deeply",
  explanation: `Parentheses, calls, lists and signs can be nested up to 200 deep. The limit protects the stack of
every part of the compiler. Long chains such as \`a + b + c + ...\` are not nested, and their length is not limited.`,
  wrong: { body: ["return gelu(gelu(gelu(x))) // and so on, 201 deep"] },
  fix: { body: ["let y = gelu(gelu(x))", "return gelu(y)"] },
};

export function tooDeep(span: Span, limit: number) {
  return error("E0137", `this is nested more than ${limit} deep`, {
    span,
    help: ["give the inner expression a name with `let`"],
  });
}

export const E0138: Entry = {
  title: "a statement that is too long",
  explanation: `A statement is matched as a whole, in memory that grows with its length, so it is limited to 32768
tokens. The number of statements in a function is not limited.`,
  wrong: { body: ["return x + x + x // and so on, 32769 tokens"] },
  fix: { body: ["let a = x + x", "let b = a + a", "return b"] },
};

export function tooLong(span: Span, limit: number) {
  return error("E0138", `this statement has more than ${limit} tokens`, {
    span,
    help: ["split it into several statements with `let`"],
  });
}

export const E0140: Entry = {
  title: "an unexpected opening brace",
  explanation: `\`{\` follows the header of a function or the word \`kernel\`. There are no other blocks, and no sets
or records.`,
  wrong: { body: ["let y = x * 2", "{", "}", "return y"] },
  fix: { body: ["let y = x * 2", "return y"] },
};

export function block(span: Span, labels: readonly Label[] = []) {
  return error("E0140", "`{` can only follow the header of a function or the word `kernel`", {
    span,
    labels,
    help: ["leave the braces out: there are no blocks, and lists are written in `[` and `]`"],
  });
}

export const E0141: Entry = {
  title: "not allowed in a kernel block",
  explanation: `A \`kernel\` block holds the \`let\`s that become one kernel; the printer writes it after
\`fuse-elementwise\`. Names bound in a block remain visible after it, so \`return\` comes after the block.`,
  wrong: { body: ["kernel {", "  let y = x * 2", "  return y", "}"] },
  fix: { body: ["kernel {", "  let y = x * 2", "}", "return y"] },
};

export function inKernel(span: Span, what: string, open: Span) {
  return error("E0141", `${what} is not allowed in a \`kernel\` block`, {
    span,
    labels: [{ span: open, message: "the block begins here" }],
    help: ["close the block with `}` before it: names that it binds stay visible"],
  });
}

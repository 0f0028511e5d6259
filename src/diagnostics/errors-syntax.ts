/** Every message about how a file is put together: E0110 to E0149. */

import {
  type Diagnostic,
  error,
  type Help,
  insertedAfter,
  insertedBefore,
  type Label,
  proposal,
  removed,
  replaced,
  type Span,
  writing,
} from "./diagnostic.ts";
import { foreignElements } from "./idioms.ts";
import { didYouMean } from "./suggest.ts";

const code = (text: string) => `\`${text}\``;

/** How messages call what was found: a token as written, or the end of something. */
export interface Found {
  readonly span: Span;
  /** "`)`", "the end of the file". */
  readonly what: string;
}

/** The line of help that says to add `text` there. */
const adding = (text: string, after: Span, blank = ""): Help =>
  proposal(`add \`${text}\``, insertedAfter(after, blank + text));

export const syntaxErrors = {
  expected(found: Found, wanted: string, help: readonly Help[] = []): Diagnostic {
    return error("E0110", `expected ${wanted}, found ${found.what}`, { span: found.span, help });
  },
  missingExpression(found: Found, after: string, help: readonly Help[] = []): Diagnostic {
    return error("E0111", `expected a value after ${after}, found ${found.what}`, { span: found.span, help });
  },
  /** `last` is what the comma stands behind. */
  missingComma(span: Span, before: string, last: Span, help: readonly Help[] = []): Diagnostic {
    return error("E0112", `expected \`,\` before ${before}`, { span, help: [...help, adding(",", last)] });
  },
  trailingComma(span: Span, before: string): Diagnostic {
    return error("E0113", `a list does not end with a comma: \`${before}\` follows`, {
      span,
      help: [proposal("remove the comma", removed(span))],
    });
  },
  /** `last` is what stands before `found`. */
  unclosed(span: Span, open: string, close: string, found: Found, last: Span): Diagnostic {
    const labels = [{ span: found.span, message: `expected \`${close}\` before this` }];
    return error("E0114", `this \`${open}\` is not closed`, { span, labels, help: [adding(close, last)] });
  },
  unopened(span: Span, close: string): Diagnostic {
    const help = [proposal("remove it, or open it before", removed(span))];
    return error("E0115", `this \`${close}\` closes nothing`, { span, help });
  },
  wrongClose(span: Span, close: string, wanted: string, open: Span): Diagnostic {
    const labels = [{ span: open, message: "opened here" }];
    const fixes = [
      { title: `write \`${wanted}\``, edits: [replaced(span, wanted)] },
      { title: `add \`${wanted}\``, edits: [insertedBefore(span, wanted)] },
    ];
    const help = [{ line: `write \`${wanted}\` instead of it, or before it`, fixes }];
    return error("E0115", `expected \`${wanted}\`, found \`${close}\``, { span, labels, help });
  },
  /** `span` is where the next thing begins, or the end of the file. */
  missingCloseBrace(span: Span, what: string, open: Span): Diagnostic {
    const labels = [{ span: open, message: `the body of ${what} begins here` }];
    const isEnd = span.start === span.end;
    const added = isEnd ? insertedAfter(span, "\n}") : insertedBefore(span, "}\n\n");
    return error("E0116", `${what} is not closed`, { span, labels, help: [proposal("add `}`", added)] });
  },
  missingOpenBrace(found: Found, what: string, last: Span): Diagnostic {
    return error("E0117", `expected \`{\` after ${what}, found ${found.what}`, {
      span: found.span,
      help: [adding("{", last, " ")],
    });
  },
  missingArrow(found: Found): Diagnostic {
    return error("E0118", `expected \`->\` and the types of the results, found ${found.what}`, {
      span: found.span,
      help: ["write `fn name(x: f32[rows, 768]) -> f32[rows, 768] {`"],
    });
  },
  noResults(span: Span): Diagnostic {
    return error("E0118", "a function returns at least one value", {
      span,
      help: ["write the type of the result: `-> f32[rows, 768]`"],
    });
  },
  parameterWithoutType(found: Found, name: string, isType: boolean): Diagnostic {
    if (isType || foreignElements.has(name)) {
      return error("E0119", `the parameter of type \`${name}\` has no name`, {
        span: found.span,
        help: ["the name stands before the type: `x: f32[rows, 768]`"],
      });
    }
    return error("E0119", `the parameter \`${name}\` has no type`, {
      span: found.span,
      help: [`write \`${name}: f32[rows, 768]\`, or \`${name}: f32\` for a number`],
    });
  },
  unknownElement(span: Span, name: string, known: readonly string[]): Diagnostic {
    const near = foreignElements.get(name);
    const nearest = (meant: string) => proposal(`did you mean \`${meant}\`?`, replaced(span, meant));
    const help = near === undefined ? didYouMean(name, known, span) : [nearest(near)];
    const notes = [`the element types are ${known.map(code).join(", ")}`];
    if (/8$/.test(name)) notes.push("of 8 bits there are `i8` and `u8`, which are stored and converted, and no float");
    return error("E0120", `there is no element type \`${name}\``, { span, notes, help });
  },
  badDimension(span: Span, reason: string, help: readonly Help[] = []): Diagnostic {
    return error("E0121", "a dimension is a whole number or a name", { span, notes: [reason], help });
  },
  reservedName(span: Span, word: string, what: string): Diagnostic {
    return error("E0122", `\`${word}\` is a word of the language and cannot be ${what}`, {
      span,
      help: [proposal(`choose another name, such as \`${word}_\``, replaced(span, `${word}_`))],
    });
  },
  reservedValue(span: Span, word: string, after: string): Diagnostic {
    return error("E0122", `\`${word}\` is a word of the language and no value; expected a value after ${after}`, {
      span,
    });
  },
  missingName(found: Found, what: string): Diagnostic {
    return error("E0123", `expected the name of ${what}, found ${found.what}`, {
      span: found.span,
      notes: ["a name begins with a letter or `_`"],
    });
  },
  letWithoutValue(found: Found, name: string): Diagnostic {
    return error("E0124", `\`${name}\` gets no value: expected \`=\`, found ${found.what}`, {
      span: found.span,
      help: [`write \`let ${name} = ...\``],
    });
  },
  comparesInLet(span: Span, name: string): Diagnostic {
    return error("E0125", "`==` compares; a name is given its value with `=`", {
      span,
      help: [proposal(`write \`let ${name} = ...\``, replaced(span, "="))],
    });
  },
  assignsInExpression(span: Span, where: "call" | "results" | undefined): Diagnostic {
    const notes =
      where === "call" ? ["in a call, `=` follows the name of an attribute or operand, and nothing else"] : [];
    const named =
      "results have their names in the header, `-> (y: f32[n], z: f32[n])`, and `return a, b` gives their values";
    return error("E0126", "`=` cannot stand inside an expression", {
      span,
      notes,
      help: [where === "results" ? named : proposal("`==` compares", replaced(span, "=="))],
    });
  },
  /** `whole` is what the example stands for, where it is more than an example. */
  chainedComparison(span: Span, first: Span, example: string, whole?: Span): Diagnostic {
    return error("E0127", "comparisons do not chain", {
      span,
      labels: [{ span: first, message: "the first comparison" }],
      help: [writing(example, whole)],
    });
  },
  missingReturn(span: Span, name: string, header: Span): Diagnostic {
    return error("E0128", `\`${name}\` ends without a \`return\``, {
      span,
      labels: [{ span: header, message: "this function" }],
      help: ["add `return ...` as its last statement"],
    });
  },
  afterReturn(span: Span, what: string, first: Span): Diagnostic {
    return error("E0129", `${what} after \`return\` is never reached`, {
      span,
      labels: [{ span: first, message: "the function ends here" }],
      notes: ["a function has one `return`, its last statement; it may return several values: `return a, b`"],
    });
  },
  returnsNothing(found: Found): Diagnostic {
    return error("E0111", `expected a value after \`return\`, found ${found.what}`, { span: found.span });
  },
  outsideFunction(span: Span, what: string): Diagnostic {
    return error("E0130", `${what} stands outside a function`, {
      span,
      notes: ["a file holds functions: `fn name(x: f32[rows]) -> f32[rows] { ... }`"],
      help: what === "`let`" ? ["a constant of the file is `const name: f32 = 2`"] : [],
    });
  },
  unopenedBrace(span: Span): Diagnostic {
    return error("E0131", "this `}` closes nothing", {
      span,
      help: [proposal("remove it, or open the body with `{`", removed(span))],
    });
  },
  misspelled(span: Span, word: string, meant: string): Diagnostic {
    return error("E0132", `there is no keyword \`${word}\``, {
      span,
      help: [proposal(`did you mean \`${meant}\`?`, replaced(span, meant))],
    });
  },
  notAStatement(span: Span, what: string, help: readonly Help[] = []): Diagnostic {
    return error("E0133", `${what} is not a statement`, {
      span,
      notes: ["a statement begins with `let`, `return` or `kernel`"],
      help,
    });
  },
  noControlFlow(span: Span, word: string): Diagnostic {
    const help =
      word === "for" || word === "while"
        ? "there are no loops: ops work on whole tensors; reduce with `sum`, `mean`, `max`"
        : "choose with `where(condition, a, b)`";
    return error("E0133", `there is no \`${word}\` in the language`, { span, help: [help] });
  },
  missingLet(span: Span, name: string): Diagnostic {
    const help = [proposal(`write \`let ${name} = ...\``, insertedBefore(span, "let "))];
    return error("E0134", `\`${name} = ...\` needs a \`let\``, { span, help });
  },
  reassigned(span: Span, name: string, first: Span): Diagnostic {
    return error("E0135", `\`${name}\` has a value already, and values are never changed`, {
      span,
      labels: [{ span: first, message: "defined here" }],
      help: [`give the new value a name of its own: \`let ${name}2 = ...\``],
    });
  },
  constant(span: Span): Diagnostic {
    return error("E0136", "a `const` stands outside of functions", {
      span,
      help: ["move it before the function; inside, a name is bound with `let`"],
    });
  },
  constType(span: Span, name: string): Diagnostic {
    return error("E0142", `the const \`${name}\` needs a type`, {
      span,
      help: [`write \`const ${name}: f32 = ...\`, with the shape of what it holds`],
    });
  },
  tooDeep(span: Span, limit: number): Diagnostic {
    return error("E0137", `this is nested more than ${limit} deep`, {
      span,
      help: ["give the inner expression a name with `let`"],
    });
  },
  tooLong(span: Span, limit: number): Diagnostic {
    return error("E0138", `this statement has more than ${limit} tokens`, {
      span,
      help: ["cut it into several with `let`"],
    });
  },
  noFunction(span: Span): Diagnostic {
    return error("E0139", "the file has no function", {
      span,
      help: ["write `fn name(x: f32[rows, 768]) -> f32[rows, 768] { return gelu(x) }`"],
    });
  },
  block(span: Span, labels: readonly Label[] = []): Diagnostic {
    return error("E0140", "a `{` follows only the header of a function or the word `kernel`", { span, labels });
  },
  inKernel(span: Span, what: string, open: Span): Diagnostic {
    return error("E0141", `${what} cannot stand in a \`kernel\` block`, {
      span,
      labels: [{ span: open, message: "the block begins here" }],
      help: ["close the block with `}` before it: names that it binds stay visible"],
    });
  },
};

/** The structure of a file: E0110 to E0123, E0130, E0131, E0136, E0139, E0142. */

import {
  error,
  type Help,
  insertedAfter,
  insertedBefore,
  proposal,
  removed,
  replaced,
  type Span,
} from "../diagnostic.ts";
import { foreignElements } from "../idioms.ts";
import type { Entry } from "../page.ts";
import { didYouMean } from "../suggest.ts";
import { code, type Found } from "../wording.ts";

/** The help line that proposes to insert `text` after a span. */
const adding = (text: string, after: Span, blank = ""): Help =>
  proposal(`add \`${text}\``, insertedAfter(after, blank + text));

export const E0110: Entry = {
  title: "something else was expected",
  explanation: `The program cannot continue with what was found here. The message says what is expected.
The cause is sometimes just before it: a missing operator between two values, or an extra name.`,
  wrong: { body: ["return x 2"] },
  fix: { body: ["return x * 2"] },
};

export function expected(found: Found, wanted: string, help: readonly Help[] = []) {
  return error("E0110", `expected ${wanted}, found ${found.what}`, { span: found.span, help });
}

export const E0111: Entry = {
  title: "a value was expected",
  explanation: `An operator, a comma, an opening bracket, \`=\` and \`return\` must be followed by a value: a number,
a name, a call, or an expression in parentheses. There is no unary \`+\`, and parentheses cannot be empty.`,
  wrong: { body: ["return x +"] },
  fix: { body: ["return x + 1"] },
};

export function missingExpression(found: Found, after: string, help: readonly Help[] = []) {
  return error("E0111", `expected a value after ${after}, found ${found.what}`, {
    span: found.span,
    help: help.length > 0 ? help : ["put a value there: a name, a number, a call"],
  });
}

export function returnsNothing(found: Found) {
  return error("E0111", `expected a value after \`return\`, found ${found.what}`, {
    span: found.span,
    help: ["write the values of the results after it, separated by commas"],
  });
}

export const E0112: Entry = {
  title: "a missing comma",
  explanation: "Operands, attributes, parameters, results, dimensions and list items are separated by commas.",
  wrong: { body: ["return clamp(x 0, 1)"] },
  fix: { body: ["return clamp(x, 0, 1)"] },
};

/** `last` is the item that the comma follows. */
export function missingComma(span: Span, before: string, last: Span, help: readonly Help[] = []) {
  return error("E0112", `expected \`,\` before ${before}`, { span, help: [...help, adding(",", last)] });
}

export const E0113: Entry = {
  title: "a trailing comma",
  explanation: "Commas separate the items of a list; the last item is not followed by one.",
  wrong: { body: ["return clamp(x, 0, 1,)"] },
  fix: { body: ["return clamp(x, 0, 1)"] },
};

export function trailingComma(span: Span, before: string) {
  return error("E0113", `a list cannot end with a comma: \`${before}\` follows`, {
    span,
    help: [proposal("remove the comma", removed(span))],
  });
}

export const E0114: Entry = {
  title: "a bracket that is not closed",
  explanation: `Every \`(\` and \`[\` must be closed within its statement. A statement ends where the next keyword
begins, so the closing bracket must come before that keyword.`,
  wrong: { body: ["let y = gelu(x", "return y"] },
  fix: { body: ["let y = gelu(x)", "return y"] },
};

/** `last` is the token before `found`. */
export function unclosed(span: Span, open: string, close: string, found: Found, last: Span) {
  const labels = [{ span: found.span, message: `expected \`${close}\` before this` }];
  return error("E0114", `this \`${open}\` is not closed`, { span, labels, help: [adding(close, last)] });
}

export const E0115: Entry = {
  title: "a mismatched closing bracket",
  explanation: "`(` is closed by `)` and `[` by `]`, innermost first.",
  wrong: { body: ["return sum(x, axes = [-1), keepdims = true) * x"] },
  fix: { body: ["return sum(x, axes = [-1], keepdims = true) * x"] },
};

export function unopened(span: Span, close: string) {
  const help = [proposal("remove it, or open it before", removed(span))];
  return error("E0115", `this \`${close}\` closes nothing`, { span, help });
}

export function wrongClose(span: Span, close: string, wanted: string, open: Span) {
  const labels = [{ span: open, message: "opened here" }];
  const fixes = [
    { title: `write \`${wanted}\``, edits: [replaced(span, wanted)] },
    { title: `add \`${wanted}\``, edits: [insertedBefore(span, wanted)] },
  ];
  const help = [{ line: `write \`${wanted}\` instead of it, or before it`, fixes }];
  return error("E0115", `expected \`${wanted}\`, found \`${close}\``, { span, labels, help });
}

export const E0116: Entry = {
  title: "a body that is not closed",
  explanation: `The body of a function and a \`kernel\` block end with \`}\`. Here the next function, or the end of
the file, comes first. Functions cannot be nested.`,
  wrong: `fn f(x: f32[rows]) -> f32[rows] {
  return x`,
  fix: `fn f(x: f32[rows]) -> f32[rows] {
  return x
}`,
};

/** `span` is where the next declaration begins, or the end of the file. */
export function missingCloseBrace(span: Span, what: string, open: Span) {
  const labels = [{ span: open, message: `the body of ${what} begins here` }];
  const isEnd = span.start === span.end;
  const added = isEnd ? insertedAfter(span, "\n}") : insertedBefore(span, "}\n\n");
  return error("E0116", `${what} is not closed`, { span, labels, help: [proposal("add `}`", added)] });
}

export const E0117: Entry = {
  title: "a body that is not opened",
  explanation: "`{` must follow the header of a function, or the word `kernel`, before the statements.",
  wrong: `fn f(x: f32[rows]) -> f32[rows]
  return x
}`,
  fix: `fn f(x: f32[rows]) -> f32[rows] {
  return x
}`,
};

export function missingOpenBrace(found: Found, what: string, last: Span) {
  return error("E0117", `expected \`{\` after ${what}, found ${found.what}`, {
    span: found.span,
    help: [adding("{", last, " ")],
  });
}

export const E0118: Entry = {
  title: "results without types",
  explanation: `A function declares its results after \`->\`: one type, or a list in parentheses, with or without
names: \`-> f32[rows]\`, \`-> (y: f32[rows, 768], scale: f32[rows])\`. It must return at least one value. Results
without names are called \`out0\`, \`out1\` and so on.`,
  wrong: `fn f(x: f32[rows]) {
  return x
}`,
  fix: `fn f(x: f32[rows]) -> f32[rows] {
  return x
}`,
};

/** `isType`: whether the types of the results begin here. */
export function missingArrow(found: Found, isType = false) {
  const help: Help = isType
    ? proposal("add `->`", insertedBefore(found.span, "-> "))
    : found.what === "`:`"
      ? proposal("write `->` instead of it", replaced(found.span, " ->"))
      : "write `fn name(x: f32[rows, 768]) -> f32[rows, 768] {`";
  return error("E0118", `expected \`->\` and the types of the results, found ${found.what}`, {
    span: found.span,
    help: [help],
  });
}

export function noResults(span: Span) {
  return error("E0118", "a function returns at least one value", {
    span,
    help: ["write the type of the result: `-> f32[rows, 768]`"],
  });
}

export const E0119: Entry = {
  title: "a parameter without a type",
  explanation: "Every parameter is written `name: type`. Types of parameters are not inferred.",
  wrong: `fn f(x) -> f32[rows] {
  return x
}`,
  fix: `fn f(x: f32[rows]) -> f32[rows] {
  return x
}`,
};

export function parameterWithoutType(found: Found, name: string, isType: boolean) {
  if (isType || foreignElements.has(name)) {
    return error("E0119", `the parameter of type \`${name}\` has no name`, {
      span: found.span,
      help: ["the name comes before the type: `x: f32[rows, 768]`"],
    });
  }
  return error("E0119", `the parameter \`${name}\` has no type`, {
    span: found.span,
    help: [`write \`${name}: f32[rows, 768]\`, or \`${name}: f32\` for a number`],
  });
}

export const E0120: Entry = {
  title: "an element type that does not exist",
  explanation: `The element types are \`f32\`, \`i32\`, \`u32\` and \`bool\`, which WGSL has, and \`f16\`, \`bf16\`,
\`f8e4m3\`, \`f8e5m2\`, \`i8\` and \`u8\`, which kernels unpack from 32-bit words where WGSL lacks them. A type is an
element type alone, for a single number, or an element type with a shape: \`f32[rows, 768]\`.`,
  wrong: `fn f(x: float[rows]) -> float[rows] {
  return x
}`,
  fix: `fn f(x: f32[rows]) -> f32[rows] {
  return x
}`,
};

export function unknownElement(span: Span, name: string, known: readonly string[]) {
  const near = foreignElements.get(name);
  const nearest = (meant: string) => proposal(`did you mean \`${meant}\`?`, replaced(span, meant));
  const suggested = near === undefined ? didYouMean(name, known, span) : [nearest(near)];
  const help = suggested.length > 0 ? suggested : ["write one of these, with a shape: `f32[rows, 768]`"];
  const notes = [`the element types are ${known.map(code).join(", ")}`];
  if (/8$/.test(name))
    notes.push("the 8-bit types are `f8e4m3`, `f8e5m2`, `i8` and `u8`, which can be stored and converted");
  return error("E0120", `there is no element type \`${name}\``, { span, notes, help });
}

export const E0121: Entry = {
  title: "not a valid dimension",
  explanation: `A dimension is a whole number or a name. A name has one extent throughout the function, which is taken
from the inputs or given by the caller. Dimensions cannot be computed: give the result a name of its own, or use
\`reshape\`. A scalar has no brackets.`,
  wrong: `fn f(x: f32[-1, 768]) -> f32[-1, 768] {
  return x
}`,
  fix: `fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x
}`,
};

export function badDimension(span: Span, reason: string, help: readonly Help[] = []) {
  return error("E0121", "a dimension is a whole number or a name", { span, notes: [reason], help });
}

export const E0122: Entry = {
  title: "a reserved word used as a name",
  explanation: "`fn let return const kernel inf nan true false` cannot be names of functions, values or dimensions.",
  wrong: `fn kernel(x: f32[rows]) -> f32[rows] {
  return x
}`,
  fix: `fn identity(x: f32[rows]) -> f32[rows] {
  return x
}`,
};

export function reservedName(span: Span, word: string, what: string) {
  return error("E0122", `\`${word}\` is a reserved word and cannot be ${what}`, {
    span,
    help: [proposal(`choose another name, such as \`${word}_\``, replaced(span, `${word}_`))],
  });
}

export function reservedValue(span: Span, word: string, after: string) {
  return error("E0122", `\`${word}\` is a reserved word, not a value; expected a value after ${after}`, {
    span,
  });
}

export const E0123: Entry = {
  title: "a missing name",
  explanation: "Functions, parameters and values need a name. A name begins with a letter or `_`.",
  wrong: `fn (x: f32[rows]) -> f32[rows] {
  return x
}`,
  fix: `fn identity(x: f32[rows]) -> f32[rows] {
  return x
}`,
};

export function missingName(found: Found, what: string) {
  return error("E0123", `expected the name of ${what}, found ${found.what}`, {
    span: found.span,
    notes: ["a name begins with a letter or `_`"],
    help: ["give it a name, such as `x`"],
  });
}

export const E0130: Entry = {
  title: "a statement outside a function",
  explanation: `A file holds functions, constants and comments. Statements go inside a function. Files cannot import
one another.`,
  wrong: `let scale = 2
fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x * 2
}`,
  fix: { body: ["let scale = 2", "return x * scale"] },
};

export function outsideFunction(span: Span, what: string) {
  return error("E0130", `${what} is outside a function`, {
    span,
    notes: ["a file holds functions: `fn name(x: f32[rows]) -> f32[rows] { ... }`"],
    help: [
      what === "`let`"
        ? "a constant is written `const name: f32 = 2`"
        : "move it into the body of a function, or remove it",
    ],
  });
}

export const E0131: Entry = {
  title: "an extra closing brace",
  explanation: "This `}` comes after the body it could have closed has already ended.",
  wrong: `fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x
}
}`,
  fix: { body: ["return x"] },
};

export function unopenedBrace(span: Span) {
  return error("E0131", "this `}` closes nothing", {
    span,
    help: [proposal("remove it, or open the body with `{`", removed(span))],
  });
}

export const E0136: Entry = {
  title: "a const inside a function",
  explanation: `A \`const\` is a tensor that is known when the program is compiled, and belongs to the file. Inside a
function, bind names with \`let\`.`,
  wrong: { body: ["const scale: f32 = 2", "return x * scale"] },
  fix: `const scale: f32 = 2

fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x * scale
}`,
};

export function constant(span: Span) {
  return error("E0136", "a `const` must be outside a function", {
    span,
    help: ["move it before the function; inside, a name is bound with `let`"],
  });
}

export const E0139: Entry = {
  title: "a file without a function",
  explanation: "A file needs at least one function. This one is empty, or has only comments.",
  wrong: "// to be written",
  fix: { body: ["return gelu(x)"] },
};

export function noFunction(span: Span) {
  return error("E0139", "the file has no function", {
    span,
    help: ["write `fn name(x: f32[rows, 768]) -> f32[rows, 768] { return gelu(x) }`"],
  });
}

export const E0142: Entry = {
  title: "a const without a type",
  explanation: `The contents of a \`const\` are checked against its type, and its numbers take their element type from
it.`,
  wrong: `const scale = 2
fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x * scale
}`,
  fix: `const scale: f32 = 2
fn f(x: f32[rows, 768]) -> f32[rows, 768] {
  return x * scale
}`,
};

export function constType(span: Span, name: string) {
  return error("E0142", `the const \`${name}\` needs a type`, {
    span,
    help: [`write \`const ${name}: f32 = ...\`, with the shape of what it holds`],
  });
}

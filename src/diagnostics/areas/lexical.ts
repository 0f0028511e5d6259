/** Characters, numbers, strings and comments: E0101 to E0107. */

import { error, insertedAfter, proposal, removed, replaced, type Span, writing } from "../diagnostic.ts";
import type { Entry } from "../page.ts";

const codePoint = (char: string) => `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/** Operators of other languages, and how to write them here. */
const instead: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "**": "a power is `pow(a, b)`",
    "^": "a power is `pow(a, b)`",
    "&": "the logical `and` is `&&`",
    "|": "the logical `or` is `||`",
    "~": "the logical `not` is `!`",
    "?": "to choose, write `where(condition, a, b)`; a variable dimension has a name: `f32[rows, 64]`",
    "@": "a matrix product is `matmul(a, b)`; after a type, `@centered(-1)` declares that rows have mean zero, and `@trained` marks a weight",
    "=>": "results are declared after `->`",
    "++": "values cannot be changed: `let next = x + 1`",
    "<<": "integers are shifted by multiplying or dividing",
    ">>": "integers are shifted by multiplying or dividing",
    "\\": "no line continuation is needed: an expression ends where the next statement begins",
  }),
);

/** Signs of other languages, and the signs with the same meaning here. */
const sameSign: ReadonlyMap<string, string> = new Map([
  ["&", "&&"],
  ["|", "||"],
  ["~", "!"],
  ["=>", "->"],
]);

/** All places in the file of a problem that is reported once: complete when the file has been read. */
export type Everywhere = readonly [Span, ...Span[]];

export const E0101: Entry = {
  title: "a character that is not part of the language",
  explanation: `Programs are written in ASCII; names consist of a-z, A-Z, 0-9 and \`_\`. Comments and strings may hold
any character. Text copied from a word processor or a paper often contains signs that only look like operators (\`−\`,
\`×\`, \`≤\`) and characters that only look like spaces: replace them.`,
  wrong: { body: ["return x × 2"] },
  fix: { body: ["return x * 2"] },
};

export function strayCharacter(span: Span, char: string) {
  const shown = /[\p{C}\p{Z}]/u.test(char) ? codePoint(char) : `\`${char}\` (${codePoint(char)})`;
  return error("E0101", `the character ${shown} means nothing here`, {
    span,
    help: [proposal("remove it; any character is allowed in comments and strings", removed(span))],
  });
}

export function strayBlank(all: Everywhere, char: string) {
  return error("E0101", `the character ${codePoint(char)} looks like a space, but is not one`, {
    span: all[0],
    help: () => [
      proposal("replace it, and others like it in the file, with a space", ...all.map((span) => replaced(span, " "))),
    ],
  });
}

export function lookAlike(span: Span, char: string, meant: string) {
  return error("E0101", `the character \`${char}\` (${codePoint(char)}) means nothing here`, {
    span,
    help: [writing(meant, span)],
  });
}

export function foreignLetters(span: Span, name: string) {
  return error("E0101", `the name \`${name}\` contains letters that are not allowed in names`, {
    span,
    notes: ["names are made of a-z, A-Z, 0-9 and `_`"],
  });
}

export function strayCommentEnd(span: Span) {
  return error("E0101", "`*/` ends a comment, and none is open", {
    span,
    notes: ["comments do not nest: the first `*/` ends a `/*`"],
  });
}

export const E0102: Entry = {
  title: "a comment that does not end",
  explanation: `\`/*\` begins a comment that extends to the next \`*/\`, over any number of lines. Comments do not
nest. The rest of the file has not been read, so closing the comment may reveal further errors.`,
  wrong: { body: ["/* scale", "return x * 2"] },
  fix: { body: ["/* scale */", "return x * 2"] },
};

export function unterminatedComment(span: Span) {
  const line = /^.*/.exec(span.source.text.slice(span.start))?.[0].trimEnd() ?? "";
  const ended = insertedAfter({ ...span, end: span.start + line.length }, " */");
  return error("E0102", "this comment does not end", { span, help: [proposal("end it with `*/`", ended)] });
}

export const E0103: Entry = {
  title: "a malformed string",
  explanation: `A string is written between double quotes, on one line. There are no escapes: strings are only values
of attributes, and no attribute needs one.`,
  wrong: { body: ["return gelu(x, approximate = 'tanh')"] },
  fix: { body: ['return gelu(x, approximate = "tanh")'] },
};

export function unterminatedString(span: Span) {
  // Closing brackets of a call are seldom a part of the string.
  const rest = /[\])},\s]*$/.exec(span.source.text.slice(span.start + 1, span.end))?.[0].length ?? 0;
  const ended = insertedAfter({ ...span, end: span.end - rest }, '"');
  return error("E0103", "this string does not end on its line", { span, help: [proposal('end it with `"`', ended)] });
}

export function quotes(span: Span, quote: string) {
  const text = span.source.text.slice(span.start + 1, span.end - 1).replaceAll('"', "");
  const isWhole = span.end - span.start > 1;
  return error("E0103", `a string is written between double quotes, not ${quote}`, {
    span,
    help: [isWhole ? proposal('write `"..."`', replaced(span, `"${text}"`)) : 'write `"..."`'],
  });
}

export const E0104: Entry = {
  title: "a malformed number",
  explanation: `A number consists of digits, optionally a point and more digits, and optionally \`e\`, a sign and
digits: \`3\`, \`0.5\`, \`1e-5\`, \`2.5E+3\`. A point needs a digit on both sides. There are no suffixes, because a
number takes the element type of the tensor it is combined with, and no bases other than ten. Infinity and NaN are
written \`inf\` and \`nan\`.`,
  wrong: { body: ["return x * .5"] },
  fix: { body: ["return x * 0.5"] },
};

/** `instead` is the replacement, if it is known. */
export function badNumber(span: Span, text: string, reason: string, instead?: string) {
  // `0..4` is a range in loops of Rust and Futhark.
  if (/^\d+\.\.+[<=]?\w*$/.test(text)) {
    return error("E0104", `there are no ranges: \`${text}\` is not a number`, {
      span,
      help: ["there are no loops: ops work on whole tensors; reduce with `sum`, `mean`, `max`"],
    });
  }
  const help = instead === undefined ? reason : proposal(reason, replaced(span, instead));
  return error("E0104", `\`${text}\` is not a number`, { span, help: [help] });
}

export function numberTooLarge(span: Span, text: string) {
  return error("E0104", `\`${text}\` is larger than any float64`, {
    span,
    help: [proposal("infinity is written `inf`", replaced(span, "inf"))],
  });
}

export const E0105: Entry = {
  title: "a separator between statements",
  explanation: `Statements have no separator: each begins with its keyword, which ends the one before. A line break
means the same as a space.`,
  wrong: { body: ["let y = x * 2;", "return y;"] },
  fix: { body: ["let y = x * 2", "return y"] },
};

export function separator(all: Everywhere) {
  return error("E0105", "statements need no `;`", {
    span: all[0],
    help: () => [proposal("remove it: a statement ends where the next one begins", ...all.map(removed))],
  });
}

export const E0106: Entry = {
  title: "a comment that begins with #",
  explanation: "Comments are written `// to the end of the line` or `/* up to the closing sign */`.",
  wrong: { body: ["# the identity", "return x"] },
  fix: { body: ["// the identity", "return x"] },
};

export function hashComment(all: Everywhere) {
  return error("E0106", "a comment does not begin with `#`", {
    span: all[0],
    help: () => [proposal("write `// ...` or `/* ... */`", ...all.map((span) => replaced(span, "//")))],
  });
}

export const E0107: Entry = {
  title: "an operator that does not exist",
  explanation: `The operators are \`+ - * / %\`, the comparisons \`== != < <= > >=\`, and \`&& || !\` for booleans.
Everything else is a call: \`pow(a, b)\`, \`where(condition, a, b)\`. Values have no methods or fields, and cannot be
indexed.`,
  wrong: { body: ["return x ** 2"] },
  fix: { body: ["return pow(x, 2)"] },
};

export function foreignOperator(span: Span, text: string) {
  const [line, same] = [instead.get(text), sameSign.get(text)];
  const help = line !== undefined && same !== undefined ? proposal(line, replaced(span, same)) : line;
  return error("E0107", `there is no operator \`${text}\``, { span, help: help === undefined ? [] : [help] });
}

export function method(span: Span) {
  return error("E0107", "a `.` can only be part of a number", {
    span,
    help: [
      "values have no methods, and ops have no prefix: write `mean(x, axes = [-1])`, not `x.mean(-1)` or `torch.mean(x)`",
    ],
  });
}

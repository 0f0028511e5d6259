/** Every message about characters, numbers, strings and comments: E0101 to E0109. */

import {
  type Diagnostic,
  error,
  insertedAfter,
  proposal,
  removed,
  replaced,
  type Span,
  writing,
} from "./diagnostic.ts";

const codePoint = (char: string) => `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/** Operators of other languages, and what one writes here. */
const instead: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "**": "a power is `pow(a, b)`",
    "^": "a power is `pow(a, b)`",
    "&": "`and` of truth values is `&&`",
    "|": "`or` of truth values is `||`",
    "~": "`not` of truth values is `!`",
    "?": "a choice is `where(condition, a, b)`; a dimension that varies has a name: `f32[rows, 64]`",
    "@": "a product of matrices is `matmul(a, b)`; behind a type, `@centered(-1)` promises something of rows, and `@trained` marks a weight",
    "=>": "results stand after `->`",
    "++": "a value is never changed: `let next = x + 1`",
    "<<": "integers are shifted by multiplying or dividing",
    ">>": "integers are shifted by multiplying or dividing",
    "\\": "a line needs no mark to go on: an expression ends where the next statement begins",
  }),
);

/** Signs of other languages that have one here which means the same. */
const sameSign: ReadonlyMap<string, string> = new Map([
  ["&", "&&"],
  ["|", "||"],
  ["~", "!"],
  ["=>", "->"],
]);

/** What is reported once, and where it stands all over the file: known in full once the file has been read. */
export type Everywhere = readonly [Span, ...Span[]];

export const lexicalErrors = {
  strayCharacter(span: Span, char: string): Diagnostic {
    const shown = /[\p{C}\p{Z}]/u.test(char) ? codePoint(char) : `\`${char}\` (${codePoint(char)})`;
    return error("E0101", `the character ${shown} means nothing here`, {
      span,
      help: [proposal("remove it; in comments and strings every character may stand", removed(span))],
    });
  },
  strayBlank(all: Everywhere, char: string): Diagnostic {
    return error("E0101", `the character ${codePoint(char)} looks like a space, and is none`, {
      span: all[0],
      help: () => [
        proposal("replace it, and others like it in the file, by a space", ...all.map((span) => replaced(span, " "))),
      ],
    });
  },
  lookAlike(span: Span, char: string, meant: string): Diagnostic {
    return error("E0101", `the character \`${char}\` (${codePoint(char)}) means nothing here`, {
      span,
      help: [writing(meant, span)],
    });
  },
  foreignLetters(span: Span, name: string): Diagnostic {
    return error("E0101", `the name \`${name}\` has letters that a name cannot have`, {
      span,
      notes: ["names are made of a-z, A-Z, 0-9 and `_`"],
    });
  },
  strayCommentEnd(span: Span): Diagnostic {
    return error("E0101", "`*/` ends a comment, and none is open", {
      span,
      notes: ["comments do not nest: the first `*/` ends a `/*`"],
    });
  },
  unterminatedComment(span: Span): Diagnostic {
    const line = /^.*/.exec(span.source.text.slice(span.start))?.[0].trimEnd() ?? "";
    const ended = insertedAfter({ ...span, end: span.start + line.length }, " */");
    return error("E0102", "this comment does not end", { span, help: [proposal("end it with `*/`", ended)] });
  },
  unterminatedString(span: Span): Diagnostic {
    // What closes a call is seldom a part of the string.
    const rest = /[\])},\s]*$/.exec(span.source.text.slice(span.start + 1, span.end))?.[0].length ?? 0;
    const ended = insertedAfter({ ...span, end: span.end - rest }, '"');
    return error("E0103", "this string does not end on its line", { span, help: [proposal('end it with `"`', ended)] });
  },
  quotes(span: Span, quote: string): Diagnostic {
    const text = span.source.text.slice(span.start + 1, span.end - 1).replaceAll('"', "");
    const isWhole = span.end - span.start > 1;
    return error("E0103", `a string stands between double quotes, not ${quote}`, {
      span,
      help: [isWhole ? proposal('write `"..."`', replaced(span, `"${text}"`)) : 'write `"..."`'],
    });
  },
  /** `instead` is what to write, where that is known. */
  badNumber(span: Span, text: string, reason: string, instead?: string): Diagnostic {
    // `0..4` stands in a loop of Rust or Futhark.
    if (/^\d+\.\.+[<=]?\w*$/.test(text)) {
      return error("E0104", `there are no ranges: \`${text}\` is not a number`, {
        span,
        help: ["there are no loops: ops work on whole tensors; reduce with `sum`, `mean`, `max`"],
      });
    }
    const help = instead === undefined ? reason : proposal(reason, replaced(span, instead));
    return error("E0104", `\`${text}\` is not a number`, { span, help: [help] });
  },
  numberTooLarge(span: Span, text: string): Diagnostic {
    return error("E0104", `\`${text}\` is larger than any float64`, {
      span,
      help: [proposal("infinity is written `inf`", replaced(span, "inf"))],
    });
  },
  separator(all: Everywhere): Diagnostic {
    return error("E0105", "statements need no `;`", {
      span: all[0],
      help: () => [proposal("remove it: a statement ends where the next one begins", ...all.map(removed))],
    });
  },
  hashComment(all: Everywhere): Diagnostic {
    return error("E0106", "a comment does not begin with `#`", {
      span: all[0],
      help: () => [proposal("write `// ...` or `/* ... */`", ...all.map((span) => replaced(span, "//")))],
    });
  },
  foreignOperator(span: Span, text: string): Diagnostic {
    const [line, same] = [instead.get(text), sameSign.get(text)];
    const help = line !== undefined && same !== undefined ? proposal(line, replaced(span, same)) : line;
    return error("E0107", `there is no operator \`${text}\``, { span, help: help === undefined ? [] : [help] });
  },
  method(span: Span): Diagnostic {
    return error("E0107", "a `.` stands only inside a number", {
      span,
      help: [
        "values have no methods, and ops no prefix: write `mean(x, axes = [-1])`, not `x.mean(-1)` or `torch.mean(x)`",
      ],
    });
  },
};

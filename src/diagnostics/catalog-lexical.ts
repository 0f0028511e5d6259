/** The pages of errors in characters, numbers, strings and comments: E0101 to E0107. */

import { body } from "./example.ts";
import type { Page } from "./page.ts";

export const lexicalPages = {
  E0101: {
    title: "a character that means nothing",
    explanation: `Programs are written in ASCII: names are made of a-z, A-Z, 0-9 and \`_\`.
Comments and strings may hold any character. Text that comes out of a word processor or a paper often has signs that
only look like operators (\`−\`, \`×\`, \`≤\`) and spaces that are none; they must be replaced.`,
    wrong: body("return x × 2"),
    fix: body("return x * 2"),
  },
  E0102: {
    title: "a comment that does not end",
    explanation: `\`/*\` begins a comment that goes on to the next \`*/\`, over any number of lines. Comments do not nest. What follows
in the file has not been read, so other errors may show once the comment ends.`,
    wrong: body("/* scale", "return x * 2"),
    fix: body("/* scale */", "return x * 2"),
  },
  E0103: {
    title: "a string that is not written as one",
    explanation: `A string stands between double quotes on one line. There are no escapes: a string is the value of an attribute,
and no attribute needs one.`,
    wrong: body("return gelu(x, approximate = 'tanh')"),
    fix: body('return gelu(x, approximate = "tanh")'),
  },
  E0104: {
    title: "a number that is not written as one",
    explanation: `A number is digits, then perhaps a point and digits, then perhaps \`e\`, a sign and digits: \`3\`, \`0.5\`, \`1e-5\`,
\`2.5E+3\`. A digit stands on both sides of the point. There are no suffixes: a number takes the element type of the
tensor that it meets. There are no other bases than ten. Infinity and NaN are written \`inf\` and \`nan\`.`,
    wrong: body("return x * .5"),
    fix: body("return x * 0.5"),
  },
  E0105: {
    title: "a separator between statements",
    explanation: `Statements are not separated by anything: each begins with its keyword, and that ends the one before. A line
break means no more than a space.`,
    wrong: body("let y = x * 2;", "return y;"),
    fix: body("let y = x * 2", "return y"),
  },
  E0106: {
    title: "a comment that begins with #",
    explanation: "Comments are `// to the end of the line` and `/* up to the closing sign */`.",
    wrong: body("# the identity", "return x"),
    fix: body("// the identity", "return x"),
  },
  E0107: {
    title: "an operator of another language",
    explanation: `The operators are \`+ - * / %\`, the comparisons \`== != < <= > >=\`, and \`&& || !\` for truth values. Everything
else is a call: \`pow(a, b)\`, \`where(condition, a, b)\`. Values have no methods, fields or elements to take out.`,
    wrong: body("return x ** 2"),
    fix: body("return pow(x, 2)"),
  },
} satisfies Record<string, Page>;

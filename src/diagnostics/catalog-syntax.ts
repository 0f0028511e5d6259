/** The pages of errors in how a file is put together: E0110 to E0141. */

import { body, program } from "./example.ts";
import type { Page } from "./page.ts";

export const syntaxPages = {
  E0110: {
    title: "something else was expected",
    explanation: `At the place shown, the program cannot go on with what is there. The message says what could stand there. The cause
is sometimes just before: an operator that is missing between two values, or a name too many.`,
    wrong: body("return x 2"),
    fix: body("return x * 2"),
  },
  E0111: {
    title: "a value was expected",
    explanation: `An operator, a comma, an opening bracket, \`=\` and \`return\` are followed by a value: a number, a name, a call, or an
expression in parentheses. There is no sign \`+\`, and no empty pair of parentheses.`,
    wrong: body("return x +"),
    fix: body("return x + 1"),
  },
  E0112: {
    title: "a comma is missing",
    explanation:
      "Operands, attributes, parameters, results, dimensions and the items of a list are separated by commas.",
    wrong: body("return clamp(x 0, 1)"),
    fix: body("return clamp(x, 0, 1)"),
  },
  E0113: {
    title: "a comma too many",
    explanation: "Commas stand between the items of a list, and not after the last one.",
    wrong: body("return clamp(x, 0, 1,)"),
    fix: body("return clamp(x, 0, 1)"),
  },
  E0114: {
    title: "a bracket is not closed",
    explanation: `Every \`(\` and \`[\` is closed in the same statement. A statement ends where the next keyword begins, so the closing
bracket must come before it.`,
    wrong: body("let y = gelu(x", "return y"),
    fix: body("let y = gelu(x)", "return y"),
  },
  E0115: {
    title: "a bracket closes nothing, or another kind",
    explanation: "`(` is closed by `)` and `[` by `]`, the inner before the outer.",
    wrong: body("return sum(x, axes = [-1), keepdims = true) * x"),
    fix: body("return sum(x, axes = [-1], keepdims = true) * x"),
  },
  E0116: {
    title: "a body is not closed",
    explanation: `The body of a function and a \`kernel\` block end with \`}\`. Here the next function or the end of the file comes
first. Functions do not stand inside each other.`,
    wrong: program("fn f(x: f32[rows]) -> f32[rows] {", "  return x"),
    fix: program("fn f(x: f32[rows]) -> f32[rows] {", "  return x", "}"),
  },
  E0117: {
    title: "a body is not opened",
    explanation:
      "`{` stands between the header of a function, or the word `kernel`, and the statements that belong to it.",
    wrong: program("fn f(x: f32[rows]) -> f32[rows]", "  return x", "}"),
    fix: program("fn f(x: f32[rows]) -> f32[rows] {", "  return x", "}"),
  },
  E0118: {
    title: "the results have no types",
    explanation: `A function says after \`->\` what it returns: one type, or a list in parentheses, with names or without:
\`-> f32[rows]\`, \`-> (y: f32[rows, 768], scale: f32[rows])\`. It returns at least one value. Results without a name are
called \`out0\`, \`out1\` and so on.`,
    wrong: program("fn f(x: f32[rows]) {", "  return x", "}"),
    fix: program("fn f(x: f32[rows]) -> f32[rows] {", "  return x", "}"),
  },
  E0119: {
    title: "a parameter has no type",
    explanation: "Every parameter is written `name: type`. Types are not inferred across functions.",
    wrong: program("fn f(x) -> f32[rows] {", "  return x", "}"),
    fix: program("fn f(x: f32[rows]) -> f32[rows] {", "  return x", "}"),
  },
  E0120: {
    title: "an element type that does not exist",
    explanation: `The element types are \`f32\`, \`i32\`, \`u32\` and \`bool\`, which WGSL has, and \`f16\`, \`bf16\`, \`i8\` and \`u8\`,
which kernels unpack from words where WGSL lacks them. A type is an element type, for
a single number, or an element type and a shape: \`f32[rows, 768]\`.`,
    wrong: program("fn f(x: float[rows]) -> float[rows] {", "  return x", "}"),
    fix: program("fn f(x: f32[rows]) -> f32[rows] {", "  return x", "}"),
  },
  E0121: {
    title: "a dimension that is none",
    explanation: `A dimension is a whole number or a name. One name is one extent in the whole function; what it is follows from the
inputs or is given by the caller. Dimensions are not computed: name the result, or use \`reshape\`. A scalar has no
brackets.`,
    wrong: program("fn f(x: f32[-1, 768]) -> f32[-1, 768] {", "  return x", "}"),
    fix: program("fn f(x: f32[rows, 768]) -> f32[rows, 768] {", "  return x", "}"),
  },
  E0122: {
    title: "a word of the language as a name",
    explanation: "`fn let return const kernel inf nan true false` cannot be names of functions, values or dimensions.",
    wrong: program("fn kernel(x: f32[rows]) -> f32[rows] {", "  return x", "}"),
    fix: program("fn identity(x: f32[rows]) -> f32[rows] {", "  return x", "}"),
  },
  E0123: {
    title: "a name is missing",
    explanation: "Functions, parameters and values have names. A name begins with a letter or `_`.",
    wrong: program("fn (x: f32[rows]) -> f32[rows] {", "  return x", "}"),
    fix: program("fn identity(x: f32[rows]) -> f32[rows] {", "  return x", "}"),
  },
  E0124: {
    title: "a value is named, and none given",
    explanation: "`let` names a value, which stands after `=`. There are no variables that get their value later.",
    wrong: body("let y", "return x"),
    fix: body("let y = x * 2", "return y"),
  },
  E0125: {
    title: "== where = is meant",
    explanation: "`=` gives a name its value. `==` compares two values, elementwise, and makes a `bool` tensor.",
    wrong: body("let y == x * 2", "return y"),
    fix: body("let y = x * 2", "return y"),
  },
  E0126: {
    title: "= inside an expression",
    explanation: `\`=\` gives a name its value in a \`let\`, and names an attribute or an operand in a call. It is no part of an
expression. To compare, write \`==\`.`,
    wrong: body("return where(x + 1 = 0, 1, x)"),
    fix: body("return where(x + 1 == 0, 1, x)"),
  },
  E0127: {
    title: "a chain of comparisons",
    explanation: `\`a < b < c\` would compare the truth value of \`a < b\` with \`c\`, which nobody means. Join two comparisons with
\`&&\`.`,
    wrong: body("return where(0 < x < 1, x, 0)"),
    fix: body("return where(0 < x && x < 1, x, 0)"),
  },
  E0128: {
    title: "a function without return",
    explanation:
      "The last statement of a function is its `return`. The value of the last `let` is not returned by itself.",
    wrong: body("let y = x * 2"),
    fix: body("let y = x * 2", "return y"),
  },
  E0129: {
    title: "a statement after return",
    explanation: `A function has one \`return\`, at its end. It may return several values, if the header declares several results:
\`return y, scale\`.`,
    wrong: body("return x", "let y = x * 2"),
    fix: body("let y = x * 2", "return y"),
  },
  E0130: {
    title: "something that stands outside a function",
    explanation: `A file holds functions, and comments between them. Statements stand inside functions. Files do not import each
other.`,
    wrong: program("let scale = 2", body("return x * 2")),
    fix: body("let scale = 2", "return x * scale"),
  },
  E0131: {
    title: "a closing brace too many",
    explanation: "This `}` comes after the body that it might close has been closed.",
    wrong: program(body("return x"), "}"),
    fix: body("return x"),
  },
  E0132: {
    title: "a keyword that does not exist",
    explanation: "The keywords are `fn`, `let`, `return` and `kernel`. A statement begins with one.",
    wrong: body("var y = x * 2", "return y"),
    fix: body("let y = x * 2", "return y"),
  },
  E0133: {
    title: "something that is not a statement",
    explanation: `A function is a list of \`let\`s and one \`return\`. An expression alone would have no effect. There is no control flow:
ops work on whole tensors, \`where(condition, a, b)\` chooses element by element, and reductions run over an axis.`,
    wrong: body("gelu(x)"),
    fix: body("return gelu(x)"),
  },
  E0134: {
    title: "a let is missing",
    explanation: "A name is given to a value with `let name = ...`.",
    wrong: body("y = x * 2", "return y"),
    fix: body("let y = x * 2", "return y"),
  },
  E0135: {
    title: "a value is changed",
    explanation: `A name keeps the value that it was given. A new value takes a new name; this costs nothing, for the compiler keeps
only what is used.`,
    wrong: body("x = x * 2", "return x"),
    fix: body("let x2 = x * 2", "return x2"),
  },
  E0136: {
    title: "a const inside a function",
    explanation: `A \`const\` is a tensor that is known when the program is compiled, and belongs to the whole file. In a function names
are bound with \`let\`.`,
    wrong: body("const scale: f32 = 2", "return x * scale"),
    fix: program("const scale: f32 = 2", "", body("return x * scale")),
  },
  E0137: {
    title: "an expression that is nested too deep",
    explanation: `Parentheses, calls, lists and signs may stand inside each other up to 200 deep. The limit keeps every part of the
compiler within the stack. Long chains such as \`a + b + c + ...\` are not nested and may be of any length.`,
    wrong: body("return gelu(gelu(gelu(x))) // and so on, 201 deep"),
    fix: body("let y = gelu(gelu(x))", "return gelu(y)"),
  },
  E0138: {
    title: "a statement that is too long",
    explanation: `A single statement is matched at once, in memory that grows with its length, so it may have 32768 tokens. A function
may have any number of statements.`,
    wrong: body("return x + x + x // and so on, 32769 tokens"),
    fix: body("let a = x + x", "let b = a + a", "return b"),
  },
  E0139: {
    title: "a file without a function",
    explanation: "A file holds at least one function. This one is empty, or has only comments.",
    wrong: "// to be written",
    fix: body("return gelu(x)"),
  },
  E0140: {
    title: "a brace that opens nothing",
    explanation:
      "`{` follows the header of a function and the word `kernel`. There are no other blocks, and no sets or records.",
    wrong: body("let y = x * 2", "{", "}", "return y"),
    fix: body("let y = x * 2", "return y"),
  },
  E0142: {
    title: "a const without a type",
    explanation: "What a `const` holds is checked against its type, and its numbers take their element type from it.",
    wrong: program("const scale = 2", body("return x * scale")),
    fix: program("const scale: f32 = 2", body("return x * scale")),
  },
  E0141: {
    title: "something that cannot stand in a kernel block",
    explanation: `A \`kernel\` block holds \`let\`s that go into one kernel. The printer writes it after \`fuse-elementwise\`. Names bound in
it are visible after it, so the \`return\` follows the block.`,
    wrong: body("kernel {", "  let y = x * 2", "  return y", "}"),
    fix: body("kernel {", "  let y = x * 2", "}", "return y"),
  },
} satisfies Record<string, Page>;

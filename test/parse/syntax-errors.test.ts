/** Wrong programs: the errors of each and their places, as line:column counted from 1. */

import { describe, expect, test } from "vitest";
import { limited } from "../../src/diagnostics/limit.ts";
import { renderShort } from "../../src/diagnostics/short.ts";
import { parseSyntax } from "../../src/parse/parse-syntax.ts";

/** The errors of a text as `line:column code message`. */
function errorsOf(text: string): string[] {
  const { diagnostics } = parseSyntax({ name: "t", text });
  return diagnostics.map((diagnostic) => renderShort(diagnostic).replace(/^t:(\S+): error\[(\w+)\]:/, "$1 $2"));
}

const header = "fn f(x: f32[rows, 768]) -> f32[rows, 768] {";

/** A function of `x`; the lines of its body begin on line 2, in column 1. */
function fn(...lines: readonly string[]): string {
  return [header, ...lines, "}"].join("\n");
}

type Case = readonly [what: string, text: string, ...errors: readonly string[]];

const characters: readonly Case[] = [
  [
    "a character without meaning",
    fn("let y = x ☃ 2", "return y"),
    "2:11 E0101 the character `☃` (U+2603) means nothing here",
  ],
  ["a control character", fn("return x \u0007 + 1"), "2:10 E0101 the character U+0007 means nothing here"],
  ["a minus of a word processor", fn("return x − 1"), "2:10 E0101 the character `−` (U+2212) means nothing here"],
  ["a space that is none", fn("return\u00A0x"), "2:7 E0101 the character U+00A0 looks like a space, but is not one"],
  [
    "a Greek name, once",
    fn("let γ = x", "return γ"),
    "2:5 E0101 the name `γ` contains letters that are not allowed in names",
  ],
  ["an end of a comment", fn("/* a /* b */ c */", "return x"), "2:16 E0101 `*/` ends a comment, and none is open"],
  ["an open comment hides the rest", fn("return x /* a", "b"), "2:10 E0102 this comment does not end"],
  ["an open string", fn('return gelu(x, approximate = "tanh)'), "2:30 E0103 this string does not end on its line"],
  [
    "other quotes",
    fn("return gelu(x, approximate = 'tanh')"),
    "2:30 E0103 a string is written between double quotes, not '",
  ],
  ["a semicolon after each line, once", fn("let y = x;", "return y;"), "2:10 E0105 statements need no `;`"],
  ["comments with #, once", fn("# a", "# b", "return x"), "2:1 E0106 a comment does not begin with `#`"],
  ["a power", fn("return x ** 2"), "2:10 E0107 there is no operator `**`"],
  ["a bitwise and", fn("return where(x < 1 & x > 0, x, 0)"), "2:20 E0107 there is no operator `&`"],
  ["a method", fn("return x.mean()"), "2:9 E0107 a `.` can only be part of a number"],
  ["a fat arrow", "fn f(x: f32) => f32 { return x }", "1:14 E0107 there is no operator `=>`"],
];

const numbers: readonly Case[] = ["1.", ".5", "1e", "1e+", "1.2.3", "1_000", "0x1F", "1.0f", "2.5f32", "3x"].map(
  (text) => {
    return [`the number ${text}`, fn(`return x * ${text}`), `2:12 E0104 \`${text}\` is not a number`];
  },
);

const expressions: readonly Case[] = [
  ["a number without end", fn("return x * 1e999"), "2:12 E0104 `1e999` is larger than any float64"],
  ["two values", fn("return 2 x"), "2:10 E0110 expected an operator or the next statement, found `x`"],
  ["an index", fn("return x[0]"), "2:9 E0110 expected an operator or the next statement, found `[`"],
  ["a word for an operator", fn("return x and x"), "2:10 E0110 expected an operator, found `and`"],
  ["a tuple", fn("let y = (x, x)", "return y"), "2:11 E0110 expected `)`, found `,`"],
  ["nothing after an operator", fn("let y = x +", "return y"), "3:1 E0111 expected a value after `+`, found `return`"],
  ["two operators", fn("return x * / x"), "2:12 E0111 expected a value after `*`, found `/`"],
  ["a sign +", fn("return +x"), "2:8 E0111 expected a value after `return`, found `+`"],
  ["empty parentheses", fn("return ()"), "2:9 E0111 expected a value after `(`, found `)`"],
  ["nothing after a comma", fn("return x,"), "3:1 E0111 expected a value after `,`, found `}`"],
  ["nothing after return", fn("return"), "3:1 E0111 expected a value after `return`, found `}`"],
  ["nothing after an attribute's =", fn("return sum(x, axes = )"), "2:22 E0111 expected a value after `=`, found `)`"],
  ["===", fn("return where(x === x, 1, 0)"), "2:18 E0111 expected a value after `==`, found `=`"],
  ["a comma that is missing in a call", fn("return clamp(x 0, 1)"), "2:16 E0112 expected `,` before `0`"],
  ["a comma that is missing in a list", fn("return sum(x, axes = [0 1])"), "2:25 E0112 expected `,` before `1`"],
  [
    "a comma at the end of a call",
    fn("return clamp(x, 0, 1,)"),
    "2:21 E0113 a list cannot end with a comma: `)` follows",
  ],
  [
    "a comma at the end of a list",
    fn("return sum(x, axes = [0,])"),
    "2:24 E0113 a list cannot end with a comma: `]` follows",
  ],
  ["an open (", fn("let y = gelu(x", "return y"), "2:13 E0114 this `(` is not closed"],
  ["an open [", fn("return sum(x, axes = [0"), "2:22 E0114 this `[` is not closed"],
  ["a ) too many", fn("return gelu(x))"), "2:15 E0115 this `)` closes nothing"],
  ["brackets that cross", fn("return sum(x, axes = [0)]"), "2:24 E0115 expected `]`, found `)`"],
  [
    "= for == in an expression",
    fn("return where(x + 1 = 0, 1, 0)"),
    "2:20 E0126 `=` cannot be used inside an expression",
  ],
  ["a second =", fn("let a = b = x", "return a"), "2:11 E0126 `=` cannot be used inside an expression"],
  ["a chain of comparisons", fn("return where(0 < x < 1, 1, 0)"), "2:20 E0127 comparisons do not chain"],
  [
    "a keyword for a value",
    fn("return x + fn"),
    "2:12 E0122 `fn` is a reserved word, not a value; expected a value after `+`",
  ],
];

const statements: readonly Case[] = [
  ["== for = in a let", fn("let y == x", "return y"), "2:7 E0125 `==` compares; a name is given its value with `=`"],
  ["no value", fn("let y", "return x"), "3:1 E0124 `y` gets no value: expected `=`, found `return`"],
  ["no value after =", fn("let y =", "return x"), "3:1 E0111 expected a value after `=`, found `return`"],
  ["no name", fn("let = x", "return x"), "2:5 E0123 expected the name of a value, found `=`"],
  ["a number for a name", fn("let 2 = x", "return x"), "2:5 E0123 expected the name of a value, found `2`"],
  [
    "a keyword for a name",
    fn("let return = x", "return x"),
    "2:5 E0122 `return` is a reserved word and cannot be the name of a value",
  ],
  [
    "a literal for a name",
    fn("let inf = x", "return x"),
    "2:5 E0122 `inf` is a reserved word and cannot be the name of a value",
  ],
  ["names without parentheses", fn("let a, b = x", "return x"), "2:6 E0110 expected `=`, found `,`"],
  ["names with an open (", fn("let (a, b = x", "return x"), "2:5 E0114 this `(` is not closed"],
  ["an element type that is none", fn("let y: f23[rows] = x", "return x"), "2:8 E0120 there is no element type `f23`"],
  ["a missing let", fn("y = x", "return y"), "2:1 E0134 `y = ...` needs a `let`"],
  [
    "a parameter that is changed",
    fn("x = x + 1", "return x"),
    "2:1 E0135 `x` already has a value, and values cannot be changed",
  ],
  [
    "a value that is added to",
    fn("let y = x", "y += 1", "return y"),
    "3:1 E0135 `y` already has a value, and values cannot be changed",
  ],
  ["a misspelled let", fn("lte y = x", "return y"), "2:1 E0132 there is no keyword `lte`"],
  ["a misspelled return", fn("retrun x"), "2:1 E0132 there is no keyword `retrun`"],
  [
    "a misspelled let with another error",
    fn("lte y = x +", "return y"),
    "2:1 E0132 there is no keyword `lte`",
    "3:1 E0111 expected a value after `+`, found `return`",
  ],
  ["var", fn("var y = x", "return y"), "2:1 E0132 there is no keyword `var`"],
  ["an expression for the return", fn("let y = x", "gelu(y)"), "3:1 E0133 `gelu(y)` is not a statement"],
  ["if", fn("if x {", "let y = x", "}", "return x"), "2:1 E0133 there is no `if` in the language"],
  ["for", fn("for i in x {", "let y = x", "}", "return x"), "2:1 E0133 there is no `for` in the language"],
  ["no return", fn("let y = x"), "3:1 E0128 `f` ends without a `return`"],
  ["a let after return", fn("return x", "let y = x", "let z = x"), "3:1 E0129 `let` after `return` is never reached"],
  ["a second return", fn("return x", "return x"), "3:1 E0129 `return` after `return` is never reached"],
  [
    "a block",
    fn("{", "let y = x", "}", "return x"),
    "2:1 E0140 `{` can only follow the header of a function or the word `kernel`",
  ],
  [
    "a return in a kernel block",
    fn("kernel {", "let y = x", "return y", "}"),
    "4:1 E0141 `return` is not allowed in a `kernel` block",
  ],
  [
    "a kernel block in another",
    fn("kernel {", "kernel {", "}", "}", "return x"),
    "3:1 E0141 another `kernel` is not allowed in a `kernel` block",
  ],
  [
    "a kernel block without {",
    fn("kernel", "let y = x", "}", "return x"),
    "3:1 E0117 expected `{` after `kernel`, found `let`",
  ],
  ["a const in a function", fn("const c = 1", "return x * c"), "2:1 E0136 a `const` must be outside a function"],
];

const headers: readonly Case[] = [
  ["no name", "fn (x: f32) -> f32 { return x }", "1:4 E0123 expected the name of a function, found `(`"],
  [
    "a keyword for a name",
    "fn kernel(x: f32) -> f32 { return x }",
    "1:4 E0122 `kernel` is a reserved word and cannot be the name of a function",
  ],
  [
    "a keyword for a parameter",
    "fn f(let: f32) -> f32 { return 1 }",
    "1:6 E0122 `let` is a reserved word and cannot be the name of a parameter",
  ],
  ["no parentheses", "fn f x: f32 -> f32 { return x }", "1:6 E0110 expected `(` and the parameters, found `x`"],
  ["parentheses that stay open", "fn f(x: f32[4] -> f32[4] { return x }", "1:5 E0114 this `(` is not closed"],
  ["a shape that stays open", "fn f(x: f32[4) -> f32[4] { return x }", "1:14 E0115 expected `]`, found `)`"],
  ["no type", "fn f(x, y: f32) -> f32 { return x }", "1:7 E0119 the parameter `x` has no type"],
  ["no type after :", "fn f(x:) -> f32 { return x }", "1:8 E0110 expected the type of a parameter, found `)`"],
  ["no comma", "fn f(x: f32 y: f32) -> f32 { return x }", "1:13 E0112 expected `,` before `y`"],
  ["a comma too many", "fn f(x: f32,) -> f32 { return x }", "1:12 E0113 a list cannot end with a comma: `)` follows"],
  ["no arrow", "fn f(x: f32) f32 { return x }", "1:14 E0118 expected `->` and the types of the results, found `f32`"],
  [
    "a colon for the arrow",
    "fn f(x: f32): f32 { return x }",
    "1:13 E0118 expected `->` and the types of the results, found `:`",
  ],
  ["no results", "fn f(x: f32) { return x }", "1:14 E0118 expected `->` and the types of the results, found `{`"],
  ["an empty list of results", "fn f(x: f32) -> () { return x }", "1:18 E0118 a function returns at least one value"],
  ["no {", "fn f(x: f32) -> f32 return x }", "1:21 E0117 expected `{` after the header of a function, found `return`"],
  [
    "an element type of another language",
    "fn f(x: float) -> f32 { return x }",
    "1:9 E0120 there is no element type `float`",
  ],
  [
    "a negative dimension",
    "fn f(x: f32[-1]) -> f32 { return x }",
    "1:13 E0121 a dimension is a whole number or a name",
  ],
  [
    "a fraction for a dimension",
    "fn f(x: f32[1.5]) -> f32 { return x }",
    "1:13 E0121 a dimension is a whole number or a name",
  ],
  [
    "a computed dimension",
    "fn f(x: f32[2 * n]) -> f32 { return x }",
    "1:15 E0121 a dimension is a whole number or a name",
  ],
  ["an empty shape", "fn f(x: f32[]) -> f32 { return x }", "1:13 E0121 a dimension is a whole number or a name"],
  [
    "a keyword for a dimension",
    "fn f(x: f32[fn]) -> f32 { return x }",
    "1:13 E0122 `fn` is a reserved word and cannot be the name of a dimension",
  ],
];

const files: readonly Case[] = [
  ["nothing", "", "1:1 E0139 the file has no function"],
  ["comments alone", "// one\n/* two */\n", "1:1 E0139 the file has no function"],
  ["no } at the end of the file", `${header}\nreturn x`, "2:9 E0116 `f` is not closed"],
  [
    "no } before the next function",
    `${header}\nreturn x\nfn g(x: f32) -> f32 { return x }`,
    "3:1 E0116 `f` is not closed",
  ],
  ["no } of a kernel block", `${header}\nkernel { let y = x\n`, "2:19 E0116 the `kernel` block is not closed"],
  ["a } too many", `${fn("return x")}\n}`, "4:1 E0131 this `}` closes nothing"],
  ["statements outside, once", `let a = 1\nreturn a\n${fn("return x")}`, "1:1 E0130 `let` is outside a function"],
  ["another language", "hello world", "1:1 E0130 `hello` is outside a function"],
  ["def", "def f(x: f32) -> f32 { return x }", "1:1 E0132 there is no keyword `def`"],
  [
    "a contract without axes",
    "fn f(x: f32[n] @centered) -> f32[n] {\n return x\n}",
    "1:25 E0110 expected the axes in parentheses, found `)`",
  ],
  [
    "a contract with none",
    "fn f(x: f32[n] @centered()) -> f32[n] {\n return x\n}",
    "1:26 E0110 expected the axes in parentheses, found `)`",
  ],
  [
    "a contract that does not exist",
    "fn f(x: f32[n] @centred(-1)) -> f32[n] {\n return x\n}",
    "1:16 E0107 there is no operator `@`",
  ],
  ["a header without fn", "f(x: f32) -> f32 { let y = x\n return y }", "1:1 E0130 `f` is outside a function"],
  ["a const", `const c = 1\n${fn("return x")}`, "1:9 E0142 the const `c` needs a type"],
];

describe.each([
  ["characters", characters],
  ["numbers", numbers],
  ["expressions", expressions],
  ["statements", statements],
  ["headers", headers],
  ["files", files],
])("%s", (_, cases) => {
  test.each(cases)("%s", (_what, text, ...errors) => {
    expect(errorsOf(text)).toEqual(errors);
  });
});

test("every statement with an error is reported, and the others are read", () => {
  const text = fn("let a = x +", "let b = gelu(x", "let c: f33 = x", "let d = x", "return a b");
  expect(errorsOf(text)).toEqual([
    "3:1 E0111 expected a value after `+`, found `let`",
    "3:13 E0114 this `(` is not closed",
    "4:8 E0120 there is no element type `f33`",
    "6:10 E0110 expected an operator or the next statement, found `b`",
  ]);
  const [read] = parseSyntax({ name: "t", text }).file.fns;
  const lets = read?.body.filter((statement) => statement.kind === "let") ?? [];
  expect(lets.map(({ names, value }) => [names[0]?.name, value.kind])).toEqual([
    ["a", "error"],
    ["b", "error"],
    ["c", "name"],
    ["d", "name"],
  ]);
});

test("an error in one function leaves the others whole", () => {
  const text = `fn f(x: f33) -> f32 { return x }\n${fn("return x")}\nfn g(x) -> f32 { return x + }\n`;
  expect(errorsOf(text)).toEqual([
    "1:9 E0120 there is no element type `f33`",
    "5:7 E0119 the parameter `x` has no type",
    "5:29 E0111 expected a value after `+`, found `}`",
  ]);
  expect(parseSyntax({ name: "t", text }).file.fns.map(({ name }) => name)).toEqual(["f"]);
});

test("line breaks of Windows count as one, and a byte order mark as none", () => {
  expect(errorsOf(fn("return x +").replaceAll("\n", "\r\n"))).toEqual([
    "3:1 E0111 expected a value after `+`, found `}`",
  ]);
  expect(errorsOf("\uFEFFfn f(x) -> f32 { return x }")).toEqual(["1:7 E0119 the parameter `x` has no type"]);
});

test("columns count code points", () => {
  expect(errorsOf("/* 😀日本 */ fn f(x) -> f32 { return x }")).toEqual(["1:17 E0119 the parameter `x` has no type"]);
});

test("of very many errors the first hundred are shown, and the last says how many there are more", () => {
  const text = fn(...Array.from({ length: 150 }, () => "let a = )"), "return x");
  const diagnostics = limited(parseSyntax({ name: "t", text }).diagnostics);
  expect(diagnostics).toHaveLength(100);
  expect(diagnostics.at(-1)?.notes).toContain("at least 50 more errors in this file are not shown");
});

test("what a name was probably meant to be is said", () => {
  const helpOf = (text: string) => parseSyntax({ name: "t", text }).diagnostics.map(({ help }) => help[0]);
  expect(helpOf("fn f(x: F32) -> float16 { return x }")).toEqual(["did you mean `f32`?", "did you mean `f16`?"]);
  expect(helpOf(fn("lte y = x", "retrun y"))).toEqual(["did you mean `let`?", "did you mean `return`?"]);
  expect(helpOf(fn("gelu(x)"))).toEqual(["write `return gelu(x)`"]);
  expect(helpOf(fn("return where(0 < x < 1, 1, 0)"))).toEqual(["write `0 < x && x < 1`"]);
  expect(helpOf(fn("return 1. + .5 - 1e + 0x10 * 1_0"))).toEqual([
    "a digit goes after the point: `1.0`",
    "a digit goes before the point: `0.5`",
    "the exponent has no digits: `1e0`",
    "numbers are written in base ten",
    "write it without `_`: `10`",
  ]);
});

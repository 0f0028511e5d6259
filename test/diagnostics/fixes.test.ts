/** Changes that diagnostics propose: each removes the error, and every exact proposal has one. */

import { describe, expect, test } from "vitest";
import { catalog } from "../../src/diagnostics/catalog.ts";
import type { Diagnostic, Fix, Span } from "../../src/diagnostics/diagnostic.ts";
import { foreignOpNames, idiomOf } from "../../src/diagnostics/idioms.ts";
import { applyEdits } from "../../src/language/index.ts";
import { refused } from "../support/diagnostics.ts";

const applied = (text: string, { edits }: Fix) =>
  applyEdits(
    text,
    edits.map(({ span: { start, end }, text: newText }) => ({ start, end, newText })),
  );

const inBody = (...lines: string[]) =>
  `fn f(x: f32[rows, 768], h: f16[rows, 768], g: f32[768], i: i32[rows], t: f32[rows]) -> (y: f32[rows, 768]) {
${lines.map((line) => `  ${line}\n`).join("")}}
`;

/** The text after the fix of this title; by default the only one. */
function fixed(text: string, title?: string): string {
  const fixes = refused(text).flatMap((one) => one.fixes);
  const chosen = title === undefined ? fixes : fixes.filter((one) => one.title === title);
  expect(
    chosen.map((one) => one.title),
    JSON.stringify(refused(text).map(({ code, help }) => [code, help])),
  ).toHaveLength(1);
  return applied(text, chosen[0] as Fix);
}

describe("a change is what its line says", () => {
  test.each<[string, string, string?]>([
    ["return x * 2;", "return x * 2"],
    ["let a = x;\n  let b = a;\n  return b;", "let a = x\n  let b = a\n  return b"],
    ["# a\n  return x # b", "// a\n  return x // b"],
    ["return x × 2", "return x * 2"],
    ["return x * 1_000", "return x * 1000"],
    ["return x * .5", "return x * 0.5"],
    ["return x * 2x", "return x * 2 * x"],
    ["return x * 1.5f", "return x * 1.5"],
    ["return where(x > 0 & x < 1, x, 0)", "return where(x > 0 && x < 1, x, 0)"],
    ["return where(0 < x < 1, x, 0)", "return where(0 < x && x < 1, x, 0)"],
    ["return where(x > 0 and x < 1, x, 0)", "return where(x > 0 && x < 1, x, 0)"],
    ["return where(not x, x, 0)", "return where(!x, x, 0)"],
    ["a = exp(x)\n  return a", "let a = exp(x)\n  return a"],
    ["let a == exp(x)\n  return a", "let a = exp(x)\n  return a"],
    ["retrun exp(x)", "return exp(x)"],
    ["exp(x)", "return exp(x)"],
    ["return exp(x", "return exp(x)"],
    ["return exp(x]", "return exp(x)", "write `)`"],
    ["return mean(x, axes = [-1) * x", "return mean(x, axes = [-1]) * x", "add `]`"],
    ["return mean(x, axes = [-1), keepdims = true)", "return mean(x, axes = [-1], keepdims = true)", "write `]`"],
    ["return x 2", "return x * 2"],
    ["return exp x", "return exp(x)"],
    ["return layernorm(x g, axes = [-1])", "return layernorm(x, g, axes = [-1])"],
    ["return layernorm(x, g, axes = [-1],)", "return layernorm(x, g, axes = [-1])"],
    ["return x(1 - x)", "return x * (1 - x)"],
    ["return swish(x)", "return silu(x)"],
    ["return 2 * squared_relu(x)", "return 2 * (relu(x) * relu(x))"],
    ["return squared_relu(x)", "return relu(x) * relu(x)"],
    ["return erff(x)", "return erf(x)"],
    ["return maximum(h, x)", "return maximum(cast(h, to = f32), x)"],
    ["return x * max(x, 0)", "return x * maximum(x, 0)", "write `maximum(x, 0)`"],
    ["return sum(x, g) * 2", "return (x + g) * 2"],
    ["return softmax(x)", "return softmax(x, axes = [-1])"],
    ["return softmax(x, dim = -1)", "return softmax(x, axes = [-1])"],
    ["return softmax(x, axes = -1)", "return softmax(x, axes = [-1])"],
    ["return softmax(x, axes = [768])", "return softmax(x, axes = [-1])"],
    ["return softmax(x, axes = [])", "return softmax(x, axes = [-1])"],
    ["return softmax(x, axis = [-1])", "return softmax(x, axes = [-1])"],
    ["return softmax(x, [-1])", "return softmax(x, axes = [-1])"],
    ["return rmsnorm(x, 1e-6, axes = [-1])", "return rmsnorm(x, eps = 1e-6, axes = [-1])"],
    ["return x / max(x, axes = [-1])", "return x / max(x, axes = [-1], keepdims = true)"],
    ["return x * t", "return x * reshape(t, shape = [rows, 1])"],
    ['return gelu(x, approximate = "tahn")', 'return gelu(x, approximate = "tanh")'],
    ["return gelu(x, approximate = 'tanh')", 'return gelu(x, approximate = "tanh")'],
    ["return cast(x, to = float)", "return cast(x, to = f32)"],
    ["return where(x, x, 0)", "return where(x != 0, x, 0)"],
    ["return x * True", "return x * true"],
    [
      "return cast(h + 1, to = f16)",
      "return cast(cast(h + 1, to = f16), to = f32)",
      "write `cast(cast(h + 1, to = f16), to = f32)`",
    ],
    ["return where(i = 3, x, 0)", "return where(i == 3, x, 0)"],
  ])("%s", (...[before, after, title]: readonly [string, string, string?]) => {
    expect(fixed(inBody(before), title)).toBe(inBody(after));
  });

  test.each<readonly [string, string]>([
    ["fn f(x: f32[n]) -> f32[n] {\n  return x\n", "fn f(x: f32[n]) -> f32[n] {\n  return x\n}\n"],
    ["fn f(x: f32[n]) -> f32[n]\n  return x\n}\n", "fn f(x: f32[n]) -> f32[n] {\n  return x\n}\n"],
    ["fn f(x: f32[]) -> f32 {\n  return x\n}\n", "fn f(x: f32) -> f32 {\n  return x\n}\n"],
    ["fn f(x: float32[n]) -> f32[n] {\n  return x\n}\n", "fn f(x: f32[n]) -> f32[n] {\n  return x\n}\n"],
    ["fn f(x: f32[n]) => f32[n] {\n  return x\n}\n", "fn f(x: f32[n]) -> f32[n] {\n  return x\n}\n"],
    [
      "fn f(x: f32[n] @centered) -> f32[n] {\n  return x\n}\n",
      "fn f(x: f32[n] @centered(-1)) -> f32[n] {\n  return x\n}\n",
    ],
    [
      "fn f(x: f32[n]) -> (a: f32[n], b: f32[n]) {\n  return (x, x)\n}\n",
      "fn f(x: f32[n]) -> (a: f32[n], b: f32[n]) {\n  return x, x\n}\n",
    ],
    ["fn f(x: f32[n]) -> f32[n] {\n  return x\n}\n}\n", "fn f(x: f32[n]) -> f32[n] {\n  return x\n}\n\n"],
  ])("%j", (before, after) => {
    expect(fixed(before)).toBe(after);
  });
});

/** Programs with mistakes of all kinds. */
const programs = [
  ...[...catalog].filter(([code]) => /^E0[12]/.test(code)).map(([, page]) => page.wrong),
  ...foreignOpNames.map((name) => inBody(`return 2 * ${name}(${idiomOf(name)?.operands.map(() => "x") ?? ""})`)),
  ...foreignOpNames.map((name) => inBody(`return ${name}(x, 1)`)),
];

const sameFault = (a: Diagnostic) => (b: Diagnostic) => a.code === b.code && a.message === b.message;
const read = new Map<string, readonly Diagnostic[]>();
/** The diagnostics of a text, which is parsed once. */
const faultsOf = (text: string): readonly Diagnostic[] => {
  const found = read.get(text) ?? refused(text);
  read.set(text, found);
  return found;
};
const count = (text: string, fault: Diagnostic) => faultsOf(text).filter(sameFault(fault)).length;

test("after a change the fault is gone for which it is proposed", () => {
  let tried = 0;
  for (const text of programs) {
    for (const fault of faultsOf(text)) {
      for (const fix of fault.fixes) {
        const after = applied(text, fix);
        expect(count(after, fault), `${fix.title}\n${text}\n${after}`).toBeLessThan(count(text, fault));
        tried++;
      }
    }
  }
  expect(tried).toBeGreaterThan(150);
});

/** Lines that tell what to write, and which changes would be more than a place and a text. */
const notOneChange: readonly (readonly [RegExp, why: string])[] = [
  [/\.\.\./, "something is left out, which is for the author to say"],
  [/, then `/, "a `let` goes before the statement"],
  [
    /\[rows, 768\]|\[rows, 12, 64\]|\[rows, 8, 8\]|: f32\[2\]|shape = |perm = |slice\(/,
    "the numbers are those of an example",
  ],
  [/^write `fn name|^write the number:|^write `\[\[1, 2\]/, "it is how such a thing looks"],
];

/** Whether a call of another framework's op has fewer operands than its replacement. */
function lacksOperands(text: string, span: Span | undefined): boolean {
  const idiom = span && idiomOf(text.slice(span.start, span.end));
  return idiom !== undefined && idiom.operands.length > text.slice(span?.end).split(")", 1).join().split(",").length;
}

test("what says exactly what to write has a change that writes it", () => {
  const proposing = /^(?:write|add|remove|replace|end it with|did you mean|convert it first|if a `\*`)\b/;
  const without = programs.flatMap((text) =>
    faultsOf(text)
      .filter(({ fixes, help }) => fixes.length === 0 && help.some((line) => proposing.test(line)))
      .filter(({ code, span }) => code !== "E0206" && !(code === "E0202" && lacksOperands(text, span)))
      .flatMap(({ code, help }) => help.filter((line) => proposing.test(line)).map((line) => `${code} ${line}`)),
  );
  const left = without.filter((line) => !notOneChange.some(([pattern]) => pattern.test(line.slice("E0000 ".length))));
  expect([...new Set(left)]).toEqual([]);
});

test("the files of the editors' tests are read as they are", () => {
  // Edits are in positions of the original text, also with a byte order mark and CRLF.
  const text = `\uFEFF${inBody("return x * 2;").replaceAll("\n", "\r\n")}`;
  expect(fixed(text)).toBe(text.replace(";", ""));
});

/** Hover text for the symbol under the caret. */

import { describe, expect, test } from "vitest";
import { hover } from "../../src/language/index.ts";
import { caret } from "../support/marked.ts";

const at = (marked: string) => {
  const { text, offset } = caret(marked);
  const found = hover(text, offset);
  return found && { at: text.slice(found.range.start, found.range.end), code: found.code, prose: found.prose };
};

const fn = (body: string) => `fn f(x: f32[n, 8], g: f32[8] @centered(-1)) -> (y: f32[n, 8]) {\n${body}\n}\n`;

describe("names", () => {
  test("a value has the type that was inferred", () => {
    expect(at(fn("let m = mean(x, axes = [-1], keepdims = true)\nreturn x - |m"))).toEqual({
      at: "m",
      code: "let m: f32[n, 1]",
      prose: "",
    });
  });

  test("a value has its type though another statement is wrong", () => {
    expect(at(fn("let bad = nothing(x)\nlet |h = x * bad\nlet e = exp(x)\nreturn e"))).toEqual({
      at: "h",
      code: "let h",
      prose: "Its type is not known: its expression has an error.",
    });
    expect(at(fn("let bad = nothing(x)\nlet h = x * bad\nlet e| = exp(x)\nreturn e"))?.code).toBe("let e: f32[n, 8]");
  });

  test("a number has none yet", () => {
    expect(at(fn("let eps| = 1e-5\nreturn x + eps"))).toEqual({
      at: "eps",
      code: "let eps",
      prose: "A number: it takes the element type of the operand that it is combined with.",
    });
  });

  test("parameters, results, dimensions, functions, consts", () => {
    expect(at(fn("return x * |g"))).toEqual({
      at: "g",
      code: "g: f32[8]",
      prose: "A parameter of `f`. Its mean over the axes -1 is promised to be zero.",
    });
    expect(at(fn("return x * |g").replace("(-1)", "(-1) @trained"))?.prose).toBe(
      "A parameter of `f`. Its mean over the axes -1 is promised to be zero. It is trained, so its centering stays in the graph.",
    );
    expect(at(fn("return x").replace("y:", "|y:"))).toMatchObject({ code: "y: f32[n, 8]", prose: "A result of `f`." });
    expect(at(fn("return x").replace("[n", "[|n"))).toMatchObject({ code: "n" });
    expect(at(fn("return x").replace("f(", "|f("))).toEqual({
      at: "f",
      code: "fn f(x: f32[n, 8], g: f32[8] @centered(-1)) -> (y: f32[n, 8])",
      prose: "",
    });
    expect(at(`const w|: f32[2] = [1, 2]\n${fn("return x")}`)).toEqual({
      at: "w",
      code: "const w: f32[2]",
      prose: "A constant of the file.",
    });
  });
});

describe("ops", () => {
  test("an op says how it is called, and what it gives here", () => {
    const found = at(fn("return x - me|an(x, axes = [-1], keepdims = true)"));
    expect(found).toMatchObject({ at: "mean", code: "mean(x, axes = ..., keepdims = false)" });
    expect(found?.prose.split("\n")[0]).toBe("Here it gives `f32[n, 1]`.");
    expect(found?.prose).toContain("Arithmetic mean.");
    expect(found?.prose).toContain("- `axes`: ");
  });

  test("an op of which the operands are wrong is still explained", () => {
    expect(at(fn("return |mean(nothing, axes = [-1])"))?.prose).toMatch(/^Arithmetic mean\./);
  });

  test("an operator is its op", () => {
    expect(at(fn("return x |* g"))).toMatchObject({ at: "*", code: "mul(a, b), or a * b" });
    expect(at(fn("return x * g |+ x"))?.prose).toMatch(/^Here it gives `f32\[n, 8\]`\./);
    expect(at(fn("return |-x"))).toMatchObject({ at: "-", code: "neg(x), or -x" });
  });

  test("an attribute says what it takes", () => {
    expect(at(fn("return layernorm(x, axes = [-1], |eps = 1e-6)"))).toEqual({
      at: "eps",
      code: "eps = 0.00001",
      prose: "Added inside the square root.\n\nTakes 0 or a positive number that f32 can hold; `0.00001` if not given.",
    });
    expect(at(fn("return layernorm(x, |beta = g, axes = [-1])"))).toEqual({
      at: "beta",
      code: "beta",
      prose: "An operand of `layernorm`, which may be left out.",
    });
  });
});

test("words of the language", () => {
  expect(at("fn f(x: |f16[n]) -> f16[n] { return x }\n")?.at).toBe("f16");
  expect(at("fn f(x: f32[n]) -> f32[n] {\n  |kernel {\n    let a = x\n  }\n  return a\n}\n")?.prose).toBe(
    "Statements computed by one kernel. Their names stay visible after the block.",
  );
});

test("nothing is said of nothing", () => {
  for (const marked of ["|", "  |  ", "// x|\n", "constructor|", fn("return x + |8"), fn("return toString|(x)")]) {
    expect(at(marked)).toBeUndefined();
  }
});

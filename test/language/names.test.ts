/** Where names are defined and used, and what becomes of them when they are changed. */

import { describe, expect, test } from "vitest";
import { applyEdits, definition, references, rename, renameTarget } from "../../src/language/index.ts";
import { caret, mark } from "../support/marked.ts";

const found = (marked: string) => {
  const { text, offset } = caret(marked);
  return mark(text, references(text, offset));
};
const defined = (marked: string) => {
  const { text, offset } = caret(marked);
  const range = definition(text, offset);
  return mark(text, range === undefined ? [] : [range]);
};
const renamed = (marked: string, name: string) => {
  const { text, offset } = caret(marked);
  const result = rename(text, offset, name);
  return result.ok ? applyEdits(text, result.edits) : result.message;
};

describe("references", () => {
  test("of a parameter, from any of its places", () => {
    const marked = "fn f(«x»: f32[n], y: f32[n]) -> f32[n] {\n  let a = «x» * y\n  return a + «x»\n}\n";
    for (const at of ["fn f(|x", "let a = |x", "a + x|"]) {
      expect(found(marked.replace(/[«»]/g, "").replace(at.replace("|", ""), at))).toBe(marked);
    }
  });

  test("of a value in a kernel block, which stays visible after it", () => {
    expect(found("fn f(x: f32[n]) -> f32[n] {\n  kernel {\n    let |a = x * x\n  }\n  return a\n}\n")).toBe(
      "fn f(x: f32[n]) -> f32[n] {\n  kernel {\n    let «a» = x * x\n  }\n  return «a»\n}\n",
    );
  });

  test("of one of several names of a let", () => {
    expect(found("fn f(x: f32[n, 8]) -> f32[n] {\n  let (m, v) = moments(x, axes = [-1])\n  return |v\n}\n")).toBe(
      "fn f(x: f32[n, 8]) -> f32[n] {\n  let (m, «v») = moments(x, axes = [-1])\n  return «v»\n}\n",
    );
  });

  test("of a const, in other consts and in all functions", () => {
    expect(
      found(
        "fn f(x: f32[2]) -> f32[2] { return x * w }\nconst w|: f32[2] = [1, 2]\nconst v: f32[2] = center(w, axes = [-1])\nfn g(x: f32[2]) -> f32[2] { return x + w }\n",
      ),
    ).toBe(
      "fn f(x: f32[2]) -> f32[2] { return x * «w» }\nconst «w»: f32[2] = [1, 2]\nconst v: f32[2] = center(«w», axes = [-1])\nfn g(x: f32[2]) -> f32[2] { return x + «w» }\n",
    );
  });

  test("of a dimension, in types and in shapes, and in its own function alone", () => {
    expect(
      found(
        "fn f(x: f32[|n, 8]) -> f32[n, 2, 4] {\n  let y: f32[n, 2, 4] = reshape(x, shape = [n, 2, 4])\n  return y\n}\nfn g(x: f32[n]) -> f32[n] { return x }\n",
      ),
    ).toBe(
      "fn f(x: f32[«n», 8]) -> f32[«n», 2, 4] {\n  let y: f32[«n», 2, 4] = reshape(x, shape = [«n», 2, 4])\n  return y\n}\nfn g(x: f32[n]) -> f32[n] { return x }\n",
    );
  });

  test("a result is not the value of the same name", () => {
    const text = "fn f(x: f32[n]) -> (y: f32[n]) {\n  let y = -x\n  return |y\n}\n";
    expect(found(text)).toBe("fn f(x: f32[n]) -> (y: f32[n]) {\n  let «y» = -x\n  return «y»\n}\n");
  });

  test("an attribute is not the value of the same name", () => {
    expect(found("fn f(axes: f32[n, 8]) -> f32[n] {\n  return sum(|axes, axes = [-1])\n}\n")).toBe(
      "fn f(«axes»: f32[n, 8]) -> f32[n] {\n  return sum(«axes», axes = [-1])\n}\n",
    );
  });

  test("in a statement that does not parse", () => {
    expect(found("fn f(|x: f32[n]) -> f32[n] {\n  let a = exp(x, + x\n  return a\n}\n")).toBe(
      "fn f(«x»: f32[n]) -> f32[n] {\n  let a = exp(«x», + «x»\n  return a\n}\n",
    );
  });

  test("a name that a broken statement binds is no use of the first of that name", () => {
    expect(found("fn f(|x: f32[n, 8]) -> f32[n, 8] {\n  let (x, v) = moments(x, \n  return x\n}\n")).toBe(
      "fn f(«x»: f32[n, 8]) -> f32[n, 8] {\n  let (x, v) = moments(«x», \n  return «x»\n}\n",
    );
  });

  test("of nothing", () => {
    for (const marked of ["|", "fn f(x: f32[n]) -> f32[n] { return |exp(x) }\n", "// |x\n"]) {
      expect(found(marked)).toBe(marked.replace("|", ""));
    }
  });
});

describe("definition", () => {
  test("of a value is its let", () => {
    expect(defined("fn f(x: f32[n]) -> f32[n] {\n  let a = x\n  return exp(|a)\n}\n")).toBe(
      "fn f(x: f32[n]) -> f32[n] {\n  let «a» = x\n  return exp(a)\n}\n",
    );
  });

  test("of a dimension is the first parameter that has it", () => {
    expect(defined("fn f(x: f32[8], y: f32[n, 8]) -> f32[|n, 8] { return x + y }\n")).toBe(
      "fn f(x: f32[8], y: f32[«n», 8]) -> f32[n, 8] { return x + y }\n",
    );
  });

  test("what stands before the let of that name is not the name", () => {
    const text = "fn f(x: f32[n]) -> f32[n] {\n  let b = |a\n  let a = x\n  return b\n}\n";
    expect(defined(text)).toBe(text.replace("|", ""));
  });
});

describe("rename", () => {
  test("a value, and nothing else of that name", () => {
    expect(
      renamed(
        "fn f(x: f32[n]) -> (a: f32[n]) {\n  let |a = x // a\n  return a + a\n}\nfn a(x: f32[n]) -> f32[n] { return x }\n",
        "sum",
      ),
    ).toBe(
      "fn f(x: f32[n]) -> (a: f32[n]) {\n  let sum = x // a\n  return sum + sum\n}\nfn a(x: f32[n]) -> f32[n] { return x }\n",
    );
  });

  test("functions and results", () => {
    const text = "fn f(x: f32[n]) -> (y: f32[n]) { return x }\n";
    expect(renamed(text.replace("f(", "|f("), "g")).toBe(text.replace("f(", "g("));
    expect(renamed(text.replace("y", "y|"), "z")).toBe(text.replace("y", "z"));
  });

  test("the second of two names that are the same, which is a mistake that it mends", () => {
    expect(renamed("fn f(x: f32[n]) -> f32[n] {\n  let |x = exp(x)\n  return x\n}\n", "e")).toBe(
      "fn f(x: f32[n]) -> f32[n] {\n  let e = exp(x)\n  return x\n}\n",
    );
  });

  const text = "const w: f32[2] = [1, 2]\nfn f(x: f32[2], n: f32[2]) -> f32[2] {\n  let |a = x * n\n  return a\n}\n";

  test.each([
    ["1a", "`1a` is not a valid name: a name consists of letters, digits and `_`, and does not start with a digit"],
    ["é", "`é` is not a valid name: a name consists of letters, digits and `_`, and does not start with a digit"],
    ["", "`` is not a valid name: a name consists of letters, digits and `_`, and does not start with a digit"],
    ["let", "`let` is a reserved word"],
    ["x", "`x` is already the name of a parameter (line 2)"],
    ["w", "`w` is already the name of a const (line 1)"],
  ])("to %j is refused", (name, message) => {
    expect(renamed(text, name)).toBe(message);
  });

  test("a const is not given a name that a function uses", () => {
    expect(renamed("const |w: f32[2] = [1, 2]\nfn f(x: f32[2]) -> f32[2] {\n  return x * w\n}\n", "x")).toBe(
      "`x` is already the name of a parameter (line 2)",
    );
  });

  test("to a name that would turn an element type into a value is refused", () => {
    expect(renamed("fn f(x: i32[n]) -> f32[n] {\n  let |a = x\n  return cast(a, to = f32)\n}\n", "f32")).toBe(
      "the name `f32` would change the meaning of the program",
    );
  });

  test("while a use stands where nothing could be read is refused", () => {
    expect(renamed("fn f(|x: f32[n]) -> f32[n] {\n  return x\n  let b = x\n}\n", "y")).toBe(
      "`x` on line 3 is in a statement that does not parse: fix that first",
    );
  });

  test("words of the language and nothing have no other name", () => {
    const at = (marked: string) => {
      const { text: plain, offset } = caret(marked);
      return renameTarget(plain, offset);
    };
    expect(at("fn f(x: f32[n]) -> f32[n] { return |exp(x) }\n")).toEqual({
      ok: false,
      message: "`exp` is built in and cannot be renamed",
    });
    expect(at("fn f(x: f32[n]) -> f32[n] { | return exp(x) }\n")).toEqual({
      ok: false,
      message: "there is no name to change here",
    });
    expect(at("fn f(x: f32[n]) -> f32[n] { return exp(|x) }\n")).toEqual({
      ok: true,
      range: { start: 39, end: 40 },
      name: "x",
    });
  });
});

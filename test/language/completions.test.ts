/** What may be written at a caret. */

import { describe, expect, test } from "vitest";
import { type Completion, completions } from "../../src/language/index.ts";
import { caret } from "../support/marked.ts";

const at = (marked: string): readonly Completion[] => {
  const { text, offset } = caret(marked);
  return completions(text, offset).items;
};
const labels = (marked: string, ...kinds: readonly Completion["kind"][]) =>
  at(marked)
    .filter(({ kind }) => kinds.length === 0 || kinds.includes(kind))
    .map(({ label }) => label)
    .sort();

const header = 'const w: f32[8] = load("w.npy")\nfn f(x: f32[n, 8], g: f32[8]) -> f32[n, 8] {\n';

test("the word that has begun is replaced", () => {
  const { text, offset } = caret("fn f(x: f32[n]) -> f32[n] { return ex|p }\n");
  expect(completions(text, offset).range).toEqual({ start: 35, end: 38 });
});

describe("values", () => {
  test("parameters, consts and the lets before, with their types", () => {
    const items = at(`${header}  let a = x * g\n  let b = |\n  let c = a\n  return c\n}\n`);
    const named = items.filter(({ kind }) => ["value", "parameter", "const"].includes(kind));
    expect(named.map(({ label, detail }) => `${label}: ${detail}`).sort()).toEqual([
      "a: f32[n, 8]",
      "g: f32[8]",
      "w: f32[8]",
      "x: f32[n, 8]",
    ]);
  });

  test("not those of another function", () => {
    expect(labels(`${header}  return x\n}\nfn h(z: f32[n]) -> f32[n] {\n  return |z\n}\n`, "parameter")).toEqual(["z"]);
  });

  test("in a function that has no end yet", () => {
    expect(labels(`${header}  let a = x * g\n  let b = a + |`, "value", "parameter")).toEqual(["a", "g", "x"]);
    expect(labels(`${header}  let a = x * g\n  return |`, "value", "parameter")).toEqual(["a", "g", "x"]);
  });
});

test("behind the type of a parameter, what is promised and what is marked", () => {
  expect(labels("fn f(x: f32[n, 8] @|) -> f32[n, 8] { return x }\n")).toEqual(["centered", "trained"]);
});

test("ops come with how they are called and what they do", () => {
  const op = at(`${header}  return la|\n}\n`).find(({ label }) => label === "layernorm");
  expect(op).toMatchObject({ kind: "op", insert: "layernorm" });
  expect(op?.detail).toMatch(/^layernorm\(x, gamma\?, beta\?, axes/);
  expect(op?.prose).not.toBe("");
  expect(labels(`${header}  return |\n}\n`, "op")).not.toContain("constant");
});

describe("inside a call", () => {
  test("the attributes that it does not have yet", () => {
    const marked = `${header}  return layernorm(x, axes = [-1], |)\n}\n`;
    expect(labels(marked, "attribute")).toEqual(["eps"]);
    expect(labels(marked, "operand")).toEqual(["beta", "gamma"]);
    expect(at(marked).find(({ label }) => label === "eps")).toMatchObject({
      insert: "eps = ",
      detail: "eps = 0.00001",
    });
  });

  test("the innermost call counts", () => {
    expect(labels(`${header}  return layernorm(cast(x, |), axes = [-1])\n}\n`, "attribute")).toEqual(["to"]);
    expect(labels(`${header}  return exp(x) + mean(x, a|\n}\n`, "attribute")).toEqual(["axes", "keepdims"]);
  });

  test("attributes are not offered inside an expression", () => {
    expect(labels(`${header}  return layernorm(x + |, axes = [-1])\n}\n`, "attribute")).toEqual([]);
  });

  test("what an attribute takes", () => {
    expect(labels(`${header}  return cast(x, to = |)\n}\n`)).toEqual([
      "bf16",
      "bool",
      "f16",
      "f32",
      "f8e4m3",
      "f8e5m2",
      "i32",
      "i8",
      "u32",
      "u8",
    ]);
    expect(labels(`${header}  return sum(x, axes = [-1], keepdims = |\n}\n`)).toEqual(["false", "true"]);
    expect(labels(`${header}  return reshape(x, shape = [|])\n}\n`)).toEqual(["n"]);
    expect(labels(`${header}  return sum(x, axes = [|])\n}\n`)).toEqual([]);
    expect(labels(`${header}  return layernorm(x, gamma = |)\n}\n`, "parameter")).toEqual(["g", "x"]);
  });
});

describe("types", () => {
  const elements = ["bf16", "bool", "f16", "f32", "f8e4m3", "f8e5m2", "i32", "i8", "u32", "u8"];
  test("element types after a colon and an arrow", () => {
    expect(labels("fn f(x: |")).toEqual(elements);
    expect(labels("fn f(x: f3|2[n]) -> f32[n] { return x }\n")).toEqual(elements);
    expect(labels("fn f(x: f32[n]) -> |")).toEqual(elements);
    expect(labels(`${header}  let a: |`)).toEqual(elements);
    expect(labels("const w: |")).toEqual(elements);
  });

  test("dimensions between the brackets of a type", () => {
    expect(labels(`${header}  let a: f32[|`)).toEqual(["n"]);
    expect(labels("fn f(x: f32[n], y: f32[|m]) -> f32[n] { return x }\n")).toEqual(["n"]);
  });
});

describe("keywords", () => {
  test("where a statement begins", () => {
    for (const marked of [`${header}  |\n`, `${header}  le|\n`, `${header}  let a = x\n  |\n  return a\n}\n`]) {
      expect(labels(marked)).toEqual(["kernel", "let", "return"]);
    }
  });

  test("where an item begins", () => {
    for (const marked of ["|", "f|", `${header}  return x\n}\n|`, "// comment\n|"]) {
      expect(labels(marked)).toEqual(["const", "fn"]);
    }
  });
});

test("nothing where a new name, a number or a comment stands", () => {
  const marked = ["let |", "let a|", "let a = x // e|", "let a = 12|", "let a = 1.|", "let (a, b|"];
  for (const one of marked) expect(labels(`${header}  ${one}`), one).toEqual([]);
  for (const one of ["fn |", "fn f(|", "/* |", "const |", "fn f(x: f32[n], |"]) expect(labels(one), one).toEqual([]);
});

test("nothing after a value", () => {
  expect(labels(`${header}  let a = x |`)).toEqual([]);
  expect(labels(`${header}  return exp(x |)\n}\n`)).toEqual([]);
});

/** grammar/tir.ohm is the only definition of the syntax. */

import { readFileSync } from "node:fs";
import { type Grammar, type Node, grammar as ohmGrammar } from "ohm-js";
import { describe, expect, test } from "vitest";
import { frameGrammar, grammar } from "../../grammar/tir.ts";
import { type CstNode, treeOf } from "../../src/parse/cst.ts";
import type { Grammars } from "../../src/parse/match-file.ts";
import { parseSyntax } from "../../src/parse/parse-syntax.ts";
import { everything, programs, wrongPrograms } from "./corpus.ts";
import { expectAgreement } from "./expect-agreement.ts";
import { mutated, randomNumbers } from "./mutate.ts";

describe("the grammar and the parser agree", () => {
  test("on the programs of this project", () => {
    const texts = programs();
    expect(texts.length).toBeGreaterThan(30);
    expect(texts.filter((text) => !expectAgreement(text))).toEqual([]);
  });

  test("on the programs that the catalog of errors shows", () => {
    const texts = wrongPrograms();
    const accepted = texts.filter(expectAgreement);
    // Some are wrong in their types alone.
    expect(accepted.length).toBeGreaterThan(20);
    expect(texts.length - accepted.length).toBeGreaterThan(20);
  });

  test.each([
    ["nothing", ""],
    ["constants alone", "const a: f32 = 1"],
    ["a byte order mark", "\uFEFFfn f() -> f32 { return 1 }"],
    ["two of them", "\uFEFF\uFEFFfn f() -> f32 { return 1 }"],
    ["a comment right after a *", "fn f(x: f32) -> f32 { return x */* two */2 *// three\n3 }"],
    [
      "words of the language in comments and strings",
      'fn f(x: f32) -> f32 { return g(x, a = "let }") /* } fn */ // {\n}',
    ],
    ["a keyword that touches a number", "fn f(x: f32) -> f32 { let y = 1return y }"],
    ["a keyword that touches a bracket", "fn f(x:f32)->f32{let y=(x)return(y)}"],
    ["an empty kernel", "fn f(x: f32) -> f32 { kernel {} return x }"],
    ["a call over lines", "fn f(x: f32) -> f32 {\n let y = g\n (x)\n return y }"],
    ["a text after the end", "fn f(x: f32) -> f32 { return x } x"],
    ["a text before the beginning", "x fn f(x: f32) -> f32 { return x }"],
    ["signs that no file has", "fn f(x: f32) -> f32 { return x ☃ }"],
  ])("on %s", (_, text) => {
    expectAgreement(text);
  });

  // More of them are in grammar.slow.test.ts.
  test("on 100 mutants", () => {
    const random = randomNumbers(5);
    const small = programs().filter((text) => text.length < 1200);
    let accepted = 0;
    for (let i = 0; i < 100; i++) {
      accepted += Number(expectAgreement(mutated(small[i % small.length] as string, random)));
    }
    expect(accepted).toBeGreaterThan(5);
    expect(accepted).toBeLessThan(80);
  });
});

const frameText = readFileSync(new URL("../../grammar/tir.ohm", import.meta.url), "utf8").replace(
  /^[\s\S]*(?=Frame <: Tir)/,
  "",
);

/** The grammars with another body for one rule. */
function changed(rule: string, body: string): Grammars {
  const crippled: Grammar = ohmGrammar(`Crippled <: Tir { ${rule} := ${body} }`, { Tir: grammar });
  return { grammar: crippled, frameGrammar: ohmGrammar(frameText, { Tir: crippled }) };
}

/** What the parser makes of a text, or that it refuses it. */
function outcome(text: string, grammars: Grammars): string {
  const { file, diagnostics } = parseSyntax({ name: "t", text }, grammars);
  if (diagnostics.length > 0) return "refused";
  return JSON.stringify(file, (key, value) => (key === "source" ? undefined : value));
}

describe("every rule is needed to read a program", () => {
  const texts = programs();
  const wanted = texts.map((text) => outcome(text, { grammar, frameGrammar }));
  const isNoticed = (grammars: Grammars) => texts.some((text, i) => outcome(text, grammars) !== wanted[i]);

  test("whole, the grammar reads all of them", () => {
    expect(wanted).not.toContain("refused");
    expect(isNoticed(changed("Item", "Fn | Const"))).toBe(false);
  });

  const rules = Object.keys(grammar.rules).filter((rule) => Object.hasOwn(grammar.rules, rule));
  // ohm relies on `spaces` always matching, even if empty.
  const ofTexts = rules.filter((rule) => rule !== "spaces");

  test("there are as many as the file has", () => {
    expect(rules.length).toBeGreaterThan(45);
  });

  test.each(ofTexts)("%s, if it never matches", (rule) => {
    const arity = grammar.rules[rule]?.body.getArity() ?? 0;
    expect(isNoticed(changed(rule, arity === 0 ? "~any ~end" : `~any ${"any ".repeat(arity)}`))).toBe(true);
  });

  test.each([
    ["spaces", `(" " | comment)*`],
    ["spaces", String.raw`(" " | "\n")*`],
    ["comment", String.raw`"//" (~"\n" any)* &("\n" | end)`],
    ["name", `~reserved ("a".."z") ("a".."z")*`],
    ["number", "digit+ (~any any any)? (~any any any any)?"],
    ["string", String.raw`"\"" (~any any)* "\""`],
    ["Sum", `Product (("+" | "+") Product)*`],
    ["Comparison", `Sum (("==" | "!=") Sum)?`],
    ["Unary", `("-" | "-")* Primary`],
    ["Primary_call", `name "(" NonemptyListOf<Argument, ","> ")"`],
    ["Statement", "Let"],
    ["Fn", "FnHeader (~any Statement)* Return Close"],
    ["File", "(~any Const)* Fn Item* end"],
  ])("%s, if it matches less: %s", (rule, body) => {
    expect(isNoticed(changed(rule, body))).toBe(true);
  });

  test.each([
    ["File", "(Const | Fn)* (~end Fn)* Item* end", "const a: f32 = 1"],
    ["Comparison", `Sum (("==" | "!=" | "<=" | ">=" | "<" | ">") Sum)*`, "fn f(x: f32) -> bool { return 0 < x < 1 }"],
    ["Kernel", "KernelHeader (Let | Return)* Close", "fn f(x: f32) -> f32 { kernel { return x } return x }"],
  ])("%s, if it matches more: %s", (rule, body, text) => {
    expect(outcome(text, { grammar, frameGrammar })).toBe("refused");
    expect(outcome(text, changed(rule, body))).not.toBe("refused");
  });
});

test("what the tree of a match says of rules and places is what ohm says", () => {
  const match = grammar.match(everything, "File");
  const semantics = grammar.createSemantics();
  semantics.addOperation<Node>("self", {
    _nonterminal() {
      return this;
    },
  });
  const walk = (mine: CstNode, theirs: Node): number => {
    expect([mine.rule, mine.size]).toEqual([theirs.ctorName, theirs.numChildren]);
    // For an empty repetition ohm has no meaningful place.
    if (mine.end > mine.start) {
      expect([mine.start, mine.end]).toEqual([theirs.source.startIdx, theirs.source.endIdx]);
    }
    return mine.children.reduce((count, child, i) => count + walk(child, theirs.children[i] as Node), 1);
  };
  expect(walk(treeOf(match), semantics(match).self())).toBeGreaterThan(1000);
});

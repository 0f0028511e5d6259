/** Large or deeply nested programs lead to a result or a diagnostic in a short time. */

import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { limited } from "../../src/diagnostics/limit.ts";
import { parseSyntax } from "../../src/parse/parse-syntax.ts";
import type { ExpressionNode, FileNode } from "../../src/parse/syntax.ts";
import { workOf } from "../support/counted-work.ts";

const header = "fn f(x: f32[rows, 768]) -> f32[rows, 768] {\n";

function read(body: string): { file: FileNode; diagnostics: Diagnostic[] } {
  const { file, diagnostics } = parseSyntax({ name: "t", text: `${header}${body}\n}\n` });
  return { file, diagnostics: limited(diagnostics) };
}

function codes(body: string): string[] {
  return read(body).diagnostics.map(({ code }) => code);
}

function returned(body: string): ExpressionNode {
  const { file, diagnostics } = read(body);
  expect(diagnostics).toEqual([]);
  const last = file.fns[0]?.body.at(-1);
  if (last?.kind !== "return") throw new Error("no return");
  return last.values[0] as ExpressionNode;
}

/** How many calls, signs and lists stand inside each other. */
function depthOf(node: ExpressionNode): number {
  const inner = {
    unary: (n: ExpressionNode) => (n.kind === "unary" ? [n.operand] : []),
    call: (n: ExpressionNode) => (n.kind === "call" ? n.args.map(({ value }) => value) : []),
    list: (n: ExpressionNode) => (n.kind === "list" ? n.items : []),
    chain: (n: ExpressionNode) => (n.kind === "chain" ? [n.first, ...n.rest.map(({ operand }) => operand)] : []),
  } as const;
  const children = inner[node.kind as keyof typeof inner]?.(node) ?? [];
  const own = node.kind === "chain" || children.length === 0 ? 0 : 1;
  return own + Math.max(0, ...children.map(depthOf));
}

describe("depth", () => {
  const nest = (open: string, close: string, depth: number) => `return ${open.repeat(depth)}x${close.repeat(depth)}`;

  test.each([
    ["parentheses", "(", ")", 0],
    ["calls", "gelu(", ")", 200],
    ["minus signs", "-", "", 200],
    ["nots", "!", "", 200],
    ["lists", "[", "]", 200],
    ["operands on the right of operators", "x - (", ")", 0],
  ])("200 %s are read, one inside the other", (_, open, close, depth) => {
    expect(depthOf(returned(nest(open, close, 200)))).toBe(depth);
  });

  test.each([
    ["parentheses", "(", ")"],
    ["calls", "gelu(", ")"],
    ["arguments by name", "f(a = ", ")"],
    ["minus signs", "-", ""],
    ["lists", "[", "]"],
    ["calls and signs, 100 of each", "f(-", ")"],
  ])("201 and 10,000 %s are one error", (_, open, close) => {
    for (const depth of [201, 10_000]) expect(codes(nest(open, close, depth))).toEqual(["E0137"]);
  });

  test("what is deep keeps its meaning and its places", () => {
    const text = `${"gelu(".repeat(40)}x + y${")".repeat(40)}`;
    let node = returned(`return ${text}`);
    for (let depth = 0; depth < 40; depth++) {
      expect(node.kind).toBe("call");
      const { start, end, source } = node.span;
      expect(source.text.slice(start, end)).toBe(text.slice(5 * depth, text.length - depth));
      if (node.kind === "call") node = node.args[0]?.value as ExpressionNode;
    }
    expect(node).toMatchObject({ kind: "chain", first: { name: "x" }, rest: [{ operand: { name: "y" } }] });
  });

  test("an error inside of what is deep is found where it is", () => {
    const body = `return ${"gelu(".repeat(90)}x y${")".repeat(90)}`;
    const [found, ...others] = read(body).diagnostics;
    expect(others).toEqual([]);
    expect(found).toMatchObject({ code: "E0112", span: { start: header.length + 7 + 5 * 90 + 2 } });
  });

  test("brackets that are deep and do not match are one error", () => {
    expect(codes(`return ${"(".repeat(150)}x${")".repeat(149)}`)).toEqual(["E0114"]);
    expect(codes(`return ${"(".repeat(150)}x${")".repeat(151)}`)).toEqual(["E0115"]);
    expect(codes(`return ${"(".repeat(150)}x]${")".repeat(149)}`)).toEqual(["E0115"]);
    expect(codes(`return ${"(".repeat(10_000)}x`)).toEqual(["E0137"]);
  });

  test("10,000 braces are few errors", () => {
    expect(codes("{".repeat(10_000)).length).toBeLessThan(5);
    expect(codes("}".repeat(10_000)).length).toBeLessThanOrEqual(100);
  });
});

describe("length", () => {
  test("5,000 statements are read", () => {
    const lets = Array.from({ length: 5_000 }, (_, i) => `  let v${i} = ${i === 0 ? "x" : `v${i - 1}`} * 1.5 + x\n`);
    const text = `${header}${lets.join("")}  return v4999\n}\n`;
    const { file, diagnostics } = parseSyntax({ name: "t", text });
    expect(diagnostics).toEqual([]);
    expect(file.fns[0]?.body).toHaveLength(5_001);
  });

  test("an expression of 10,000 terms is one chain", () => {
    const node = returned(`return x${" + x".repeat(9_999)}`);
    expect(node.kind === "chain" && node.rest.length).toBe(9_999);
  });

  test("a statement of more than 32,768 tokens is one error", () => {
    expect(codes(`return x${" + x".repeat(16_384)}`)).toEqual(["E0138"]);
  });

  test("comments and blanks take at most three blocks for each character", () => {
    const blocksOf = (text: string) => workOf(() => parseSyntax({ name: "t", text: `${header}return x ${text} }` }));
    const few = blocksOf(" ");
    for (const text of [`/*${" *".repeat(20_000)}*/ + ${" ".repeat(40_000)}1`, "//\n".repeat(20_000)]) {
      expect(blocksOf(text) - few).toBeLessThan(3 * text.length);
    }
  });
});

/** Minified WGSL has the same tokens, as another WGSL reader sees them, and each still leads to its place. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { WgslScanner } from "wgsl_reflect/wgsl_reflect.module.js";
import { minifyKernel } from "../../codegen/minify.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { targetByName } from "../../src/target/target.ts";
import { compileText } from "../support/compile.ts";
import { shapePrograms } from "../support/shape-programs.ts";
import { validateWgsl } from "../support/tint.ts";

const examples = readdirSync("examples")
  .filter((name) => name.endsWith(".tir"))
  .map((name) => [name, readFileSync(`examples/${name}`, "utf8")] as const);

/** Without any directive and with all. */
const targets = ["portable", "gpu-f16-subgroup-32"].map((name) => targetByName(name));

/** Each token with the part of the program that its line leads to. */
function tokensOf({ wgsl, sourceMap }: Pick<Kernel, "wgsl" | "sourceMap">): string[] {
  // The scanner splits `>>` only if the parser reports a template, so it splits both texts alike.
  return new WgslScanner(wgsl).scanTokens().map(({ lexeme, line }) => {
    const range = sourceMap?.lines[line - 1];
    return `${lexeme} ${range ? range.join("-") : ""}`;
  });
}

describe.each([...examples, ...Object.entries(shapePrograms)])("%s", (_, text) => {
  test("has the same tokens at the same places, in fewer characters", async () => {
    for (const target of targets) {
      const { kernel } = compileText(text, target);
      const small = minifyKernel(kernel);
      expect(tokensOf(small)).toEqual(tokensOf(kernel));
      expect(small.wgsl.length).toBeLessThan(0.9 * kernel.wgsl.length);
      expect(small.wgsl).not.toMatch(/\/\/|\/\*| {2}|^ | $|\n\n/m);
      expect(small.sourceMap?.lines).toHaveLength(small.wgsl.split("\n").length);
    }
  });
});

const made = (wgsl: string) =>
  minifyKernel({ ...compileText("fn f(x: f32[4]) -> f32[4] { return x * 2 }").kernel, wgsl });

test.each([
  // The space stays between two operators that would otherwise form another operator or a comment.
  ["a - -b", "a- -b"],
  ["a + +b", "a+ +b"],
  ["a & &b", "a& &b"],
  ["a / *b", "a/ *b"],
  ["a < -b", "a<-b"],
  ["x = -y;", "x=-y;"],
  ["x = &y;", "x=&y;"],
  ["a > = b", "a> =b"],
  ["fn f() -> u32 { return 1u; }", "fn f()->u32{return 1u;}"],
  ["let a = 1.0 ;  // one", "let a=1.0;"],
])("%s", (wgsl, expected) => expect(made(wgsl).wgsl).toBe(expected));

test("without a source map it is one line", () => {
  const { sourceMap: _, ...bare } = compileText("fn f(x: f32[4]) -> f32[4] { return x * 2 }").kernel;
  expect(minifyKernel(bare).wgsl).not.toContain("\n");
});

test("Tint takes it", async () => {
  for (const [, text] of examples) {
    const { wgsl, manifest } = minifyKernel(compileText(text, targets[1]).kernel);
    const constants = Object.fromEntries(manifest.overrides.map(({ constant }) => [constant, 24]));
    expect(await validateWgsl(wgsl, constants)).toEqual([]);
  }
});

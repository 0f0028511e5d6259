/** How often a kernel reads its rows where lanes can cache them in registers. */

import { expect, test } from "vitest";
import { compile } from "../../src/driver/compile.ts";
import { parse } from "../../src/parse/parse.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { targetByName } from "../../src/target/target.ts";
import { withoutSample } from "../support/sample.ts";

/** The units of `x` that one lane of a kernel reads, without the sample from which a shift is chosen. */
function unitsRead(text: string): string[] {
  const [kernel] = compile(parse(text), { target: targetByName("gpu-subgroup-64") }).kernels;
  const wgsl = withoutSample((kernel as Kernel).wgsl);
  const reads = [...wgsl.matchAll(/let unit = ([^;]+);\s+let \w+ = in_x\[start \+ unit\];/g)];
  expect(wgsl.match(/\bin_x\[/g)).toHaveLength(reads.length);
  return reads.map(([, unit]) => unit as string);
}

// What a lane keeps of 16384 columns is 64 elements, as many as registers hold: a second array would not fit.
test.each([
  ["softmax", "softmax(x, axes = [-1])"],
  ["LayerNorm", "layernorm(x, axes = [-1])"],
  [
    "the maximum of an RMSNorm",
    "rmsnorm(x, axes = [-1]) * max(abs(rmsnorm(x, axes = [-1])), axes = [-1], keepdims = true)",
  ],
])("%s of 16384 columns reads each row once", (_, body) => {
  const units = Array.from({ length: 16 }, (_, i) => (i === 0 ? "lane" : `lane + ${i * 256}u`));
  expect(unitsRead(`fn f(x: f32[rows, 16384]) -> f32[rows, 16384] { return ${body} }`)).toEqual(units);
});

test.each([768, 1024, 4096])("llvmpipe's lanes cache a sum of three tensors in rows of %i", (columns) => {
  const rows = `f32[rows, ${columns}]`;
  const text = `fn f(x: ${rows}, r: ${rows}, b: f32[${columns}]) -> ${rows} { return layernorm(x + r + b, axes = [-1]) }`;
  const [kernel] = compile(parse(text), { target: targetByName("lavapipe") }).kernels;
  const { wgsl } = kernel as Kernel;
  const lastLoop = wgsl.slice(wgsl.lastIndexOf("for ("));
  expect(lastLoop).toContain("add_row");
  expect(lastLoop).not.toMatch(/\bin_(x|r|b)\[/);
});

test("llvmpipe's lanes keep one array at most in short loops, over which its compiler comes to an end", () => {
  const expressions = [
    "exp(x + r) / max(exp(x + r), axes = [-1], keepdims = true)",
    "softmax(exp(x) * r, axes = [-1])",
  ];
  for (const expression of expressions) {
    for (const shape of ["16, 128", "rows, 128", "rows, 768", "rows, 1024", "4, 512"]) {
      const text = `fn f(x: f32[${shape}], r: f32[${shape}]) -> f32[${shape}] { return ${expression} }`;
      const [kernel] = compile(parse(text), { target: targetByName("lavapipe") }).kernels;
      expect(kernel?.wgsl.match(/var \w+: array</g)?.length ?? 0, text).toBeLessThanOrEqual(1);
    }
  }
});

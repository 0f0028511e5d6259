/** The work of the passes and of code generation grows with the number of reductions, and not with its square. */

import { test } from "vitest";
import { generateKernel } from "../../codegen/generate.ts";
import { builtins } from "../../passes/index.ts";
import { optimize } from "../../src/driver/compile.ts";
import type { Fn, Module } from "../../src/ir/ir.ts";
import { parse } from "../../src/parse/parse.ts";
import { PassManager } from "../../src/pass-manager/pass-manager.ts";
import { portableTarget } from "../../src/target/target.ts";
import { expectLinear } from "../support/counted-work.ts";

function chain(count: number, step: (v: string) => string): Module {
  const lines = Array.from({ length: count }, (_, i) => `  let v${i + 1} = ${step(`v${i}`)}`);
  return parse(`fn f(x: f32[rows, 512], y: f32[rows, 512]) -> (z: f32[rows, 512]) {
  let v0 = x
${lines.join("\n")}
  return v${count}
}`);
}

const norm = (v: string) => `layernorm(${v}, axes = [-1]) + y`;
const optimized = (count: number): Fn => optimize(chain(count, norm)).module.fns[0] as Fn;

// With a look at all nodes for each node, eight times as many norms took twenty times as long.
test("kernels of many norms take linear work", () => {
  expectLinear(50, optimized, (fn) => generateKernel(fn, portableTarget));
});

// With a look at all ops for each sum, they took thirty times as long.
test("the passes take linear work for many sums", () => {
  const sum = (v: string) => `${v} + y * sum(${v}, axes = [-1], keepdims = true)`;
  expectLinear(50, (count) => chain(count, sum), optimize);
});

const heads = (lines: readonly string[], results: readonly string[], types: string) =>
  parse(`fn f(x: f32[rows, 8, 64]) -> (${results.map((name) => `${name}_: ${types}`).join(", ")}) {
  let v0 = softmax(x, axes = [-1])
${lines.map((line) => `  let ${line}`).join("\n")}
  return ${results.join(", ")}
}`);
const counted = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

/** Reductions of two axes, each of a value with a longer history than the one before. */
const historiesOf: Readonly<Record<string, (count: number) => Module>> = {
  "of one stream": (count) =>
    heads(
      counted(count, (i) => `v${i + 1} = v${i} + sum(v${i}, axes = [-2, -1], keepdims = true)`),
      [`v${count}`],
      "f32[rows, 8, 64]",
    ),
  "of two streams in turn": (count) =>
    heads(
      [
        "u0 = exp(v0)",
        ...counted(count, (i) =>
          ["u", "v"].map((s) => `${s}${i + 1} = ${s}${i} + sum(${s}${i}, axes = [-2, -1], keepdims = true)`),
        ).flat(),
      ],
      [`u${count}`, `v${count}`],
      "f32[rows, 8, 64]",
    ),
  // As in a backward pass: the gradient of each weight sums a product with the gradient of the stream.
  "of products with a stream": (count) =>
    heads(
      counted(count, (i) => [`v${i + 1} = tanh(v${i})`, `s${i} = sum(v${i + 1} * x, axes = [-3, -1])`]).flat(),
      counted(count, (i) => `s${i}`).slice(0, 200),
      "f32[8]",
    ),
};

// With a look at its whole history for each reduction, eight times as many took forty times as long and more.
test.each(Object.entries(historiesOf))("nested reductions %s take linear work", (_, make) => {
  const manager = new PassManager("nest-reductions", { builtins, verify: false });
  expectLinear(100, make, (module) => manager.run(module));
});

// With an order of all kernels for each pair that may become one, and a look at all kernels for each, they took thirty times as long.
test("kernels of many reductions and results take linear work", () => {
  const nested = (count: number) => {
    const names = counted(count, (i) => `s${i}`);
    const lines = counted(count, (i) => [`v${i + 1} = tanh(v${i})`, `s${i} = sum(v${i + 1} * x, axes = [-3, -1])`]);
    const manager = new PassManager("nest-reductions", { builtins, verify: false });
    return manager.run(heads(lines.flat(), names, "f32[8]")).module;
  };
  const manager = new PassManager("fuse-elementwise", { builtins, verify: false });
  expectLinear(50, nested, (module) => manager.run(module));
});

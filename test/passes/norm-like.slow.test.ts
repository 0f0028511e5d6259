/**
 * Programs that look like norms and may be none: whatever the passes make of them, they compute the same. All extents
 * are equal, so that a statistic which meets the wrong row still type-checks.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { builtinPasses } from "../../passes/index.ts";
import { TircError } from "../../src/diagnostics/diagnostic.ts";
import { interpret } from "../../src/ir/interpret.ts";
import type { Fn, Module } from "../../src/ir/ir.ts";
import { verifyFn } from "../../src/ir/verify.ts";
import { parse } from "../../src/parse/parse.ts";
import { randomInputs } from "../../src/testing/random-inputs.ts";
import { isDeep } from "../support/deep.ts";
import { expectSameNumbers } from "../support/expect-numbers.ts";
import { runPasses } from "../support/run-passes.ts";

/** The first, which is how a norm is written, half of the time; else any. */
const pick = (...texts: string[]) => fc.oneof(fc.constant(texts[0] as string), fc.constantFrom(...texts));
const axes = pick("[-1]", "[-1]", "[-1]", "[-2]", "[-2, -1]");
const keep = pick(", keepdims = true", ", keepdims = true", "");

/** A text with `$` for its operand. */
const into = (operand: string, text: string) => text.replaceAll("$", operand);

const fold = fc
  .tuple(
    pick("mean($A)", "mean($A)", "sum($A) / 4", "sum($A) * (1 / 4)", "sum($A) / 3", "sum($A)", "max($A)"),
    axes,
    keep,
  )
  .map(([text, list, keepdims]) => text.replace("$A", `$, axes = ${list}${keepdims}`));

const variance = fc
  .tuple(pick("0", "0", "1"), axes, keep)
  .map(([correction, list, keepdims]) => `var(x, axes = ${list}, correction = ${correction}${keepdims})`);

const reread = pick(
  "$",
  "$",
  "$",
  "reshape($, shape = [4, 1])",
  "reshape($, shape = [1, 4])",
  "reshape($, shape = [4])",
  "broadcast($, shape = [4, 4])",
);

const softmax = (x: string, axes: string) => {
  const e = `exp(${x} - max(${x}, axes = ${axes}, keepdims = true))`;
  return `${e} / sum(${e}, axes = [-1], keepdims = true)`;
};

const program = fc
  .record({
    mean: fold,
    meanRead: reread,
    d: pick("x - m", "x - m", "x + -m", "m - x", "x", "center(x, axes = [-1])", "center(x, axes = [-2])"),
    square: pick("d * d", "d * d", "pow(d, 2)", "x * x", "pow(d, 3)", "abs(d)", "d * x"),
    spread: fc.oneof(fold, fold, fold, variance, fc.constant("mean($, axes = [-1], keepdims = true) - m * m")),
    spreadRead: reread,
    root: pick(
      "rsqrt(v + 0.1)",
      "rsqrt(v + 0.1)",
      "1 / sqrt(0.1 + v)",
      "reciprocal(sqrt(v) + 0.1)",
      "pow(v + 0.1, -0.5)",
      "rsqrt(maximum(v, 0) + 0.1)",
      "1 / (v + 0.1)",
      "1 / v",
    ),
    rootRead: reread,
    y: pick(
      "d * s",
      "d * s",
      "s * d",
      "d * (s * g)",
      "g * d * s",
      "x * s",
      "exp(d) / sum(exp(d), axes = [-1], keepdims = true)",
      softmax("d", "[-1]"),
      softmax("x", "[-1]"),
      softmax("x", "[-2]"),
      "exp(x) / sum(exp(x), axes = [-1])",
      "x * s - m * s",
      "x * s + (b - m * s)",
      "d - log(sum(exp(d), axes = [-1]))",
    ),
    affine: pick(
      "y",
      "y * g",
      "y * g + b",
      "b + g * y",
      "y * reshape(g, shape = [4, 1])",
      "y * w + b",
      "y * g * y",
      "2 * y",
    ),
    last: pick(
      "z",
      "z",
      "center(z, axes = [-1])",
      "center(z * s, axes = [-1])",
      "center(-z / (m + 9), axes = [-2])",
      "center(z + d, axes = [-2, -1])",
      "center(transpose(z, perm = [1, 0]), axes = [-1])",
    ),
    both: fc.boolean(),
  })
  .map((p) => {
    const lets = [
      `let m = ${into(into("x", p.mean), p.meanRead)}`,
      `let d = ${p.d}`,
      `let q = ${p.square}`,
      `let v = ${into(into("q", p.spread), p.spreadRead)}`,
      `let s = ${into(p.root, p.rootRead)}`,
      `let y = ${p.y}`,
      `let z = ${p.affine}`,
      `let l = ${p.last}`,
    ];
    const results = p.both ? "l + x * 0, y + x * 0" : "l + x * 0, x";
    const params = "x: f32[4, 4], g: f32[4], b: f32[4], w: f32[4, 4]";
    return `fn f(${params}) -> (p: f32[4, 4], r: f32[4, 4]) {\n  ${lets.join("\n  ")}\n  return ${results}\n}\n`;
  });

function parsed(text: string): Module | undefined {
  try {
    return parse(text);
  } catch (failure) {
    if (failure instanceof TircError) return undefined;
    throw failure;
  }
}

test("passes keep the meaning of what looks like a norm", () => {
  const raised = new Map<string, number>();
  fc.assert(
    fc.property(program, (text) => {
      let module = parsed(text);
      fc.pre(module !== undefined);
      const inputs = randomInputs((module as Module).fns[0] as Fn);
      const wanted = interpret((module as Module).fns[0] as Fn, inputs);
      for (const pass of builtinPasses) {
        module = runPasses(module as Module, pass.name).module;
        const fn = module.fns[0] as Fn;
        expect(verifyFn(fn)).toEqual([]);
        expectSameNumbers(interpret(fn, inputs), wanted, { relative: 1e-9, what: pass.name });
      }
      for (const { name } of (module as Module).fns[0]?.ops ?? []) raised.set(name, (raised.get(name) ?? 0) + 1);
    }),
    { numRuns: isDeep ? 2000 : 200, seed: 20, maxSkipsPerRun: 1000 },
  );
  // The programs do hit the rules.
  for (const name of ["rmsnorm", "center", "softmax"]) expect(raised.get(name), name).toBeGreaterThan(10);
});

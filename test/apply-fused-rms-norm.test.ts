/** What becomes of the norms of whole programs. Each is the same function before and after, unless the mode is lossy. */

import { describe, expect, test } from "vitest";
import { applyFusedRmsNorm, type CenteringOutcome } from "../src/apply-fused-rms-norm.ts";
import { interpret } from "../src/ir/interpret.ts";
import type { Fn } from "../src/ir/ir.ts";
import { print } from "../src/ir/print.ts";
import { parse } from "../src/parse/parse.ts";
import { expectSameNumbers } from "./support/expect-numbers.ts";
import { inputsFor, tensorsOf } from "./support/oracle.ts";

const params = "x: f32[n, 8], c: f32[n, 8] @centered(-1), s: f32[n, 1], g: f32[8], b: f32[8]";
const program = (body: string) => `fn f(${params}) -> f32[n, 8] {\n${body}\n}`;
const ln = (x: string, affine = "") => `layernorm(${x}${affine}, axes = [-1])`;

/** Programs and what becomes of each norm, in order. */
const cases: readonly (readonly [string, string, readonly CenteringOutcome[]])[] = [
  ["a parameter", `return ${ln("x")}`, ["kept"]],
  ["a parameter that is declared centered", `return ${ln("c")}`, ["proved"]],
  ["gamma and beta stay", `return ${ln("c", ", g, b")}`, ["proved"]],
  ["a sum of centered rows", `return ${ln("c + center(x, axes = [-1])")}`, ["proved"]],
  ["a difference", `return ${ln("c - (x - mean(x, axes = [-1], keepdims = true))")}`, ["proved"]],
  ["a sum with what is not centered", `return ${ln("c + x")}`, ["kept"]],
  ["scaled by a number a row", `return ${ln("c * s / 3")}`, ["proved"]],
  ["divided by a number a row", `return ${ln("-c / (s * s + 1)")}`, ["proved"]],
  ["scaled by a vector", `return ${ln("c * g")}`, ["kept"]],
  ["shifted", `return ${ln("c + 1")}`, ["proved"]],
  ["through an activation", `return ${ln("relu(c)")}`, ["kept"]],
  ["a norm without gamma and beta", `return ${ln(ln("x"))}`, ["kept", "proved"]],
  ["a norm with gamma", `return ${ln(ln("x", ", g"))}`, ["kept", "kept"]],
  ["a norm with beta", `return ${ln(`layernorm(x, beta = b, axes = [-1])`)}`, ["kept", "kept"]],
  ["an RMSNorm of centered rows", `return ${ln("rmsnorm(c, axes = [-1])")}`, ["none", "proved"]],
  [
    "residuals of norms without gamma",
    `let h = c + ${ln("x")}\n let k = h + ${ln("h")}\n return ${ln("k")}`,
    ["kept", "proved", "proved"],
  ],
  [
    "a stream that is centered once",
    `let h = center(x, axes = [-1])\n let k = h + c * s\n return ${ln("k", ", g, b")} + ${ln("h", ", g")}`,
    ["proved", "proved"],
  ],
  [
    "written in primitive ops",
    "let m = mean(c, axes = [-1], keepdims = true)\n let d = c - m\n return d * rsqrt(mean(d * d, axes = [-1], keepdims = true) + 1e-5) * g",
    ["proved"],
  ],
  ["over another axis", "return layernorm(c, axes = [0])", ["kept"]],
  ["chosen by a mask", `return ${ln("where(x > 0, c, 0)")}`, ["kept"]],
  ["chosen by row", `return ${ln("where(s > 0, c, center(x, axes = [-1]))")}`, ["proved"]],
  ["softmax", `return ${ln("softmax(x, axes = [-1])")}`, ["kept"]],
  [
    "reshaped with its rows",
    `let r = reshape(c, shape = [n, 1, 8])\n return reshape(${ln("r")}, shape = [n, 8])`,
    ["proved"],
  ],
  [
    "reshaped across its rows",
    `let r = reshape(c, shape = [n, 2, 4])\n return reshape(${ln("r")}, shape = [n, 8])`,
    ["kept"],
  ],
  ["an RMSNorm alone", "return rmsnorm(x, g, axes = [-1])", ["none"]],
];

describe("what becomes of each norm", () => {
  test.each(cases)("%s", (_, body, wanted) => {
    const module = parse(program(body));
    const { norms, count, module: after } = applyFusedRmsNorm(module);
    expect(norms.map(({ centering }) => centering)).toEqual(wanted);
    expect(count).toBe(wanted.filter((outcome) => outcome !== "none").length);
    expect(print(after)).not.toContain("layernorm(");

    const fn = module.fns[0] as Fn;
    const inputs = tensorsOf(inputsFor(fn, { n: 8 }));
    const data = inputs.c?.data as Float64Array;
    for (let row = 0; row < 8; row++) {
      const part = data.subarray(8 * row, 8 * row + 8);
      const mean = part.reduce((sum, value) => sum + value, 0) / 8;
      for (const [i, value] of part.entries()) part[i] = value - mean;
    }
    expectSameNumbers(interpret(after.fns[0] as Fn, inputs), interpret(fn, inputs), { relative: 1e-12, what: body });
  });
});

test("a record says where the norm is, and what it has", () => {
  const { norms } = applyFusedRmsNorm(parse(program(`let y = ${ln("c", ", g")}\nreturn y`)));
  const { span, ...rest } = norms[0] as (typeof norms)[0];
  expect(span.source.text.slice(span.start, span.end)).toBe("layernorm(c, g, axes = [-1])");
  expect(rest).toEqual({
    ...{ fn: "f", name: "y", norm: "layernorm", centering: "proved", gamma: true, beta: false, eps: 1e-5 },
    because: ["`c` is declared @centered(-1)"],
  });
});

test("modes: lossy drops what is not proved and says so, off drops nothing", () => {
  const module = parse(program(`return ${ln("x")} + ${ln("c")}`));
  const outcome = (mode: "lossy" | "off") => {
    const { norms, module: after, remarks } = applyFusedRmsNorm(module, { mode });
    const warnings = remarks.filter(({ severity }) => severity === "warning").map(({ code }) => code);
    return [norms.map(({ centering }) => centering), print(after).match(/center\(/g)?.length ?? 0, warnings];
  };
  expect(outcome("lossy")).toEqual([["lossy", "proved"], 0, ["R0103"]]);
  expect(outcome("off")).toEqual([["kept", "kept"], 2, []]);
});

test("where there is no norm, nothing changes and a warning says so", () => {
  const module = parse(program("return exp(x)"));
  const { module: after, count, remarks } = applyFusedRmsNorm(module);
  expect([after === module || print(after) === print(module), count]).toEqual([true, 0]);
  expect(remarks.map(({ code }) => code)).toEqual(["R0601"]);
});

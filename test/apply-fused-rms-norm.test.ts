/** What becomes of the norms of whole programs. Each is the same function before and after, unless the mode is lossy. */

import { describe, expect, test } from "vitest";
import { applyFusedRmsNorm } from "../src/driver/apply-fused-rms-norm.ts";
import type { CenteringOutcome } from "../src/driver/norm-records.ts";
import { sameModule } from "../src/ir/equal.ts";
import { constantsOf, interpret } from "../src/ir/interpret.ts";
import type { Fn } from "../src/ir/ir.ts";
import { print } from "../src/ir/print.ts";
import { parse } from "../src/parse/parse.ts";
import { randomConstant, randomInputs } from "../src/testing/random-inputs.ts";
import { expectSameNumbers } from "./support/expect-numbers.ts";
import { inFloat32, largestDifference } from "./support/float32.ts";

const params =
  "x: f32[8, 8], c: f32[8, 8] @centered(-1), s: f32[8, 1], g: f32[8], b: f32[8], p: f32[8, 8], ids: u32[8]";
const consts = `const w: f32[8, 8] = load("model.safetensors", "w")
const v: f32[8, 8] = load("model.safetensors", "v")
const dw: f32[8, 8] @centered(-1) = load("model.safetensors", "dw")
const b0: f32[8] = [1, 2, 3, 4, 5, 6, 7, 80]
const d0: f32[8] = [1, -1, 2, -2, 3, -3, 0.5, -0.5]
const e: f32[21, 8] = load("model.safetensors", "e")
const ed: f32[21, 8] = load("model.safetensors", "ed")
const e0: f32[1, 8] = [[1, 2, 3, 4, 5, 6, 7, 80]]
`;
const program = (body: string) => `${consts}fn f(${params}) -> f32[8, 8] {\n${body.replaceAll("n,", "8,")}\n}`;
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
  ["a product with a constant weight", `return ${ln("matmul(x, w)")}`, ["folded"]],
  ["linear, its weight and bias constants", `return ${ln("linear(x, w, b0)")}`, ["folded"]],
  ["linear, its weight a parameter", `return ${ln("linear(x, p)")}`, ["kept"]],
  ["a constant that is centered", `return ${ln("c + d0")}`, ["proved"]],
  ["a constant that is declared centered", `return ${ln("matmul(x, dw)")}`, ["proved"]],
  ["a weight that is read as it is elsewhere", `return ${ln("matmul(x, w)")} + matmul(c, w)`, ["folded"]],
  ["one weight for two norms", `return ${ln("matmul(x, w)")} + ${ln("matmul(c, w) + b0")}`, ["folded", "folded"]],
  [
    "tied embeddings",
    `let h = embedding(ids, e)\n let k = h + matmul(x, w)\n let y = ${ln("k", ", g, b")}\n return matmul(matmul(y, transpose(e, perm = [1, 0])), ed)`,
    ["folded"],
  ],
  [
    "a stream that begins with an activation",
    `let h = gelu(x)\n let k = h + matmul(${ln("h")}, w)\n return ${ln("k")}`,
    ["kept", "moved"],
  ],
  [
    "a stream that is returned too",
    `let h = gelu(x)\n let k = h + matmul(${ln("h")}, w)\n return ${ln("k")} * 0.5 + k`,
    ["kept", "kept"],
  ],
  [
    "a post-norm block",
    `let h = ${ln("x + matmul(x, w)", ", g, b")}\n return ${ln("h + matmul(gelu(matmul(h, v)), w)", ", g, b")}`,
    ["kept", "kept"],
  ],
  [
    "pre-norm, then post-norm",
    `let h = embedding(ids, e)\n let k = h + linear(${ln("h", ", g, b")}, w, b0)\n let m = ${ln("k", ", g, b")}\n return ${ln("m + matmul(m, w)", ", g")}`,
    ["folded", "folded", "kept"],
  ],
  [
    "attention over centered rows",
    `return ${ln("matmul(softmax(matmul(x, transpose(x, perm = [1, 0])), axes = [-1]), c)")}`,
    ["proved"],
  ],
  [
    "attention over values with a constant weight",
    `return ${ln("matmul(softmax(matmul(x, transpose(x, perm = [1, 0])), axes = [-1]), matmul(c, w))")}`,
    ["folded"],
  ],
  [
    "rows whose elements change places",
    `return ${ln("reshape(transpose(reshape(matmul(x, w), shape = [n, 2, 4]), perm = [0, 2, 1]), shape = [n, 8])")}`,
    ["folded"],
  ],
  ["a gate that is constant along the row", `return ${ln("sigmoid(s) * matmul(x, w)")}`, ["folded"]],
  ["a gate that varies along the row", `return ${ln("sigmoid(x) * matmul(x, w)")}`, ["kept"]],
  ["layer scale", `return ${ln("c + g * matmul(x, w)")}`, ["kept"]],
  ["a mask", `return ${ln("where(x > 0, matmul(x, w), 0)")}`, ["kept"]],
  [
    "mean pooling",
    `return broadcast(${ln("mean(matmul(x, w), axes = [0], keepdims = true)")}, shape = [n, 8])`,
    ["folded"],
  ],
  [
    "rows one after the other",
    `return slice(${ln("concat(embedding(ids, e), e0, axis = 0)")}, axis = 0, start = 0, end = 8)`,
    ["folded"],
  ],
  [
    "a row cut in two",
    `return concat(${ln("slice(c, axis = 1, start = 0, end = 4)")}, ${ln("slice(c, axis = 1, start = 4, end = 8)")}, axis = 1)`,
    ["kept", "kept"],
  ],
  ["cast to f16 and back", `return ${ln("cast(cast(c, to = f16), to = f32)")}`, ["proved"]],
  ["an RMSNorm alone", "return rmsnorm(x, g, axes = [-1])", ["none"]],
];

describe("what becomes of each norm", () => {
  test.each(cases)("%s", (what, body, wanted) => {
    const module = parse(program(body));
    const { norms, count, module: after } = applyFusedRmsNorm(module);
    expect(norms.map(({ centering }) => centering)).toEqual(wanted);
    expect(count).toBe(wanted.filter((outcome) => outcome !== "none").length);
    expect(print(after)).not.toContain("layernorm(");
    expect(sameModule(parse(print(after)), after)).toBe(true);
    const centers = (after.fns[0] as Fn).ops.filter(({ name }) => name === "center").length;
    const given = body.match(/\bcenter\(|- mean\(/g)?.length ?? 0;
    expect(centers).toBeLessThanOrEqual(wanted.filter((outcome) => outcome === "kept").length + given);

    const fn = module.fns[0] as Fn;
    const inputs = randomInputs(fn, 5);
    const exact = interpret(fn, inputs, constantsOf(module, randomConstant));
    const rewritten = interpret(after.fns[0] as Fn, inputs, constantsOf(after, randomConstant));
    expectSameNumbers(rewritten, exact, { relative: what.includes("f16") ? 1e-3 : 1e-12, what: body });
    // In f32 no less accurate than the original, except for the last bit.
    const [error, before] = [
      largestDifference(inFloat32(after, inputs, randomConstant), exact),
      largestDifference(inFloat32(module, inputs, randomConstant), exact),
    ];
    if (!what.includes("f16")) expect(error).toBeLessThanOrEqual(1.5 * before + 2 ** -22);
  });
});

test("a record says where the norm is, and what it has", () => {
  const { norms } = applyFusedRmsNorm(parse(program(`let y = ${ln("c", ", g")}\nreturn y`)));
  const { span, centers, ...rest } = norms[0] as (typeof norms)[0];
  expect(span.source.text.slice(span.start, span.end)).toBe("layernorm(c, g, axes = [-1])");
  expect(rest).toEqual({
    ...{ fn: "f", name: "y", norm: "layernorm", centering: "proved", gamma: true, beta: false, eps: 1e-5 },
    because: ["`c` is declared @centered(-1) (9:20)"],
    ...{ beginsStream: false, constants: [], movedTo: [] },
  });
  expect(centers()).toEqual([]);
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

/** Each line of a kernel that computes something is mapped to the op that it computes. */

import { readdirSync, readFileSync } from "node:fs";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { generateKernel } from "../../codegen/generate.ts";
import type { Span } from "../../src/diagnostics/diagnostic.ts";
import { compile } from "../../src/driver/compile.ts";
import { renderSourceMap } from "../../src/emit/source-map.ts";
import { type Fn, isLeaf } from "../../src/ir/ir.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { parse } from "../../src/parse/parse.ts";
import type { Kernel } from "../../src/target/manifest.ts";
import { type SourceMap, spanOfLine, type TextRange } from "../../src/target/source-map.ts";
import { allTargets, compileText } from "../support/compile.ts";
import { programs } from "../support/programs.ts";

const textOf = (span: Span | undefined) => span?.source.text.slice(span.start, span.end);
const placeOf = ({ start, end }: Span) => `${start}-${end}`;

/** The lines of `fn main`, and of what follows it, and what of the program stands behind each. */
function mainOf({ wgsl, sourceMap }: Kernel): { text: string; from: string | undefined; span: Span | undefined }[] {
  const lines = wgsl.split("\n");
  const first = lines.indexOf("fn main(");
  return lines.slice(first).map((line, i) => {
    const span = spanOfLine(sourceMap, first + i + 1);
    return { text: line.trim(), from: textOf(span), span };
  });
}

/**
 * The ops of a function that have statements: no constants, no ops that only move elements, no reduction of one
 * element.
 */
const computing = (fn: Fn) =>
  fn.ops.filter((op) => {
    const { kind } = ops[op.name];
    return !isLeaf(op) && kind !== "shape" && !(kind === "reduction" && op.operand(0).shape.at(-1) === 1);
  });

const examples = readdirSync("examples")
  .filter((name) => name.endsWith(".tir"))
  .map((name) => [name, readFileSync(`examples/${name}`, "utf8")] as const);

/** Assignments that lead nowhere, and are no index and no count: all sums of a loop share the counts of its blocks. */
function withoutPlace(lines: ReturnType<typeof mainOf>): string[] {
  const shared =
    /^for \(|^(let|var) (lane|index|isRow|row|start|step|unit|count(_\d+)?(_block\d*)?|blockEnd\d*|blockWeight|inverse|left|isLeft|leftOrLast|firstWord|lastWord|nearestWord|word|before|isIn|nearest)(_\d+)? = |^count\w* \+= (1\.0|count(_\d+)?_block\d*);/;
  const bare = lines.filter(({ text, from }) => / \+?= /.test(text) && from === undefined && !shared.test(text));
  return bare.map(({ text }) => text);
}

describe.each(examples)("%s", (name, text) => {
  test("every op has a line, every assignment an op, on every target", () => {
    for (const target of allTargets) {
      const { module, kernels } = compile(parse(text, { file: name }), { target });
      const lines = mainOf(kernels[0] as Kernel);
      const mapped = new Set(lines.map(({ span }) => span && placeOf(span)));
      for (const op of computing(module.fns[0] as Fn)) expect(mapped, `${op.name}`).toContain(placeOf(op.span));
      expect(withoutPlace(lines)).toEqual([]);
    }
  });

  test("no pass invents a place: each op stands where an op of the program does", () => {
    const before = parse(text, { file: name });
    const places = new Set(before.fns[0]?.ops.map(({ span }) => placeOf(span)));
    for (const passes of ["default", "canonicalize,cse,default", "fixpoint(raise-norms,canonicalize,cse),default"]) {
      const { module } = compile(before, { passes, dims: {} });
      for (const op of (module.fns[0] as Fn).ops) expect(places, op.name).toContain(placeOf(op.span));
    }
  });
});

test("lines of a kernel and what they compute, by hand", () => {
  const text = readFileSync("examples/rmsnorm-int8.tir", "utf8");
  const lines = mainOf(compileText(text).kernel);
  const norm = "rmsnorm(stream, weight, axes = [-1], eps = 1e-6)";
  const from = (line: string) => lines.find(({ text }) => text === line)?.from;
  expect(from("let x = in_x[start + unit];")).toBe("x");
  expect(from("let stream = x + residual;")).toBe("x + residual");
  expect(from("stream_row[step] = stream;")).toBe("x + residual");
  expect(from("let rsqrt = inverseSqrt(add);")).toBe(norm);
  expect(from("mul_sum_lane = mul_sum_lane + mul;")).toBe(norm);
  expect(
    from("abs_max_lane = select(abs_, abs_max_lane, (abs_max_lane > abs_) | !(abs_max_lane == abs_max_lane));"),
  ).toBe("max(abs(n), axes = [-1], keepdims = true)");
  expect(from("let abs_ = abs(n);")).toBe("abs(n)");
  expect(from("let round_ = round(div);")).toBe("round(n / scale)");
  expect(from("out_q[start + unit] = pack_i8_v4(q);")).toBe("cast(round(n / scale), to = i8)");
  expect(lines.filter(({ text }) => text.startsWith("for (var step")).map((line) => line.from)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(lines.some(({ text, from }) => text === "workgroupBarrier();" && from === norm)).toBe(true);
});

test("the declaration of an input leads to its parameter", () => {
  const { wgsl, sourceMap } = compileText(readFileSync("examples/bert-output.tir", "utf8")).kernel;
  const lines = wgsl.split("\n").map((line, i) => [/ (in_\w+|out_\w+|dims): /.exec(line)?.[1], i + 1] as const);
  const declared = lines.filter(([name]) => name !== undefined);
  expect(declared.map(([name, line]) => [name, textOf(spanOfLine(sourceMap, line))])).toEqual([
    ["in_x", "x"],
    ["in_residual", "residual"],
    ["in_gamma", "gamma"],
    ["in_beta", "beta"],
    ["out_y", undefined],
    ["dims", undefined],
  ]);
});

test("what a norm written out becomes leads to its last op; an equal op leads to the first", () => {
  const text = `fn f(x: f32[rows, 64]) -> f32[rows, 64] {
  let c = x - mean(x, axes = [-1], keepdims = true)
  let v = mean(c * c, axes = [-1], keepdims = true)
  let n = c * rsqrt(v + 1e-5)
  let a = tanh(n)
  let b = tanh(n)
  return a * b
}
`;
  const lines = mainOf(compileText(text).kernel);
  const normal = lines.find(({ text }) => text.startsWith("let rsqrt ="));
  expect(normal?.from).toBe("c * rsqrt(v + 1e-5)");
  const tanh = lines.filter(({ from }) => from === "tanh(n)");
  expect(new Set(tanh.map(({ span }) => span?.start))).toEqual(new Set([text.indexOf("tanh(n)")]));
});

test("ops from another source than their function's have no place", () => {
  const [a] = compile(parse("fn f(x: f32[n]) -> f32[n] { return exp(x) }")).module.fns as [Fn];
  const source = { name: "other.tir", text: "" };
  const moved = { ...a, span: { ...a.span, source } };
  const { sourceMap } = generateKernel(moved, allTargets[0] as (typeof allTargets)[0]);
  expect(sourceMap?.source).toBe(source);
  expect(sourceMap?.lines.filter((range) => range !== null)).toEqual([]);
});

test("constants under names of their own lead to the op that reads them", () => {
  const lines = mainOf(compileText("fn f(x: i32[7]) -> i32[7] { return x / 7 }").kernel);
  const constants = lines.filter(({ text }) => text.startsWith("var c"));
  expect(new Set(constants.map(({ from }) => from))).toEqual(new Set(["x / 7"]));
});

test("random programs: every op has a line, every assignment an op", () => {
  fc.assert(
    fc.property(programs, ({ text }) => {
      const { module, kernels } = compile(parse(text));
      const lines = mainOf(kernels[0] as Kernel);
      const mapped = new Set(lines.map(({ span }) => span && placeOf(span)));
      expect(withoutPlace(lines)).toEqual([]);
      for (const op of computing(module.fns[0] as Fn)) expect(mapped, op.name).toContain(placeOf(op.span));
    }),
    { numRuns: Number(process.env.TIRC_FUZZ_RUNS ?? 30) },
  );
});

test("a norm that is all of a part of another has a line, and so has the other", () => {
  const { module, kernels } = compile(
    parse(`fn f(x: f32[rows, n], g: f32[n], b: f32[n]) -> (y: f32[rows, n], z: f32[rows, n]) {
  let y = layernorm(x, g, b, axes = [-1])
  let z = layernorm(x, axes = [-1])
  return y, z
}`),
  );
  const mapped = new Set(mainOf(kernels[0] as Kernel).map(({ span }) => span && placeOf(span)));
  for (const op of computing(module.fns[0] as Fn)) expect(mapped, op.name).toContain(placeOf(op.span));
});

describe("the standard format", () => {
  const text = "\uFEFF// ä\r\nfn f(x: f32[n]) {\r\n  let y = exp(x)\r\n  return y\r\n}\r\n";
  const rangeOf = (part: string) => [text.indexOf(part), text.indexOf(part) + part.length] as const;
  const [comment, param, exp] = ["// ä", "x: f32[n]", "exp(x)"].map(rangeOf) as [TextRange, TextRange, TextRange];
  const map: SourceMap = { source: { name: "f.tir", text }, lines: [null, exp, null, param, exp, comment] };

  test("is read by a decoder, and gives back every line", () => {
    const decoded = new TraceMap(JSON.stringify(renderSourceMap(map, { file: "f.wgsl" })));
    const at = (line: number) => originalPositionFor(decoded, { line, column: 7 });
    expect(at(1)).toEqual({ source: null, line: null, column: null, name: null });
    expect(at(2)).toEqual({ source: "f.tir", line: 3, column: 10, name: null });
    expect(at(3).line).toBeNull();
    expect(at(4)).toEqual({ source: "f.tir", line: 2, column: 5, name: null });
    expect(at(5)).toEqual(at(2));
    // Readers of a file drop its byte order mark.
    expect(at(6)).toEqual({ source: "f.tir", line: 1, column: 0, name: null });
    expect(decoded.sourcesContent).toEqual([map.source.text]);
    expect(renderSourceMap(map, { file: "f.wgsl" })).toMatchObject({ version: 3, file: "f.wgsl", names: [] });
  });

  test.each(examples)("%s: the decoder finds what the kernel says", (name, text) => {
    const [kernel] = compile(parse(text, { file: name })).kernels as [Kernel];
    const decoded = new TraceMap(JSON.stringify(renderSourceMap(kernel.sourceMap as SourceMap)));
    const lines = text.split("\n");
    for (const [i, text] of kernel.wgsl.split("\n").entries()) {
      const span = spanOfLine(kernel.sourceMap, i + 1);
      const found = originalPositionFor(decoded, { line: i + 1, column: text.length });
      if (span === undefined) expect(found.line).toBeNull();
      else if (found.line === null) expect.unreachable(`line ${i + 1} is not mapped`);
      else expect(lines[found.line - 1]?.slice(found.column)).toContain(textOf(span)?.split("\n")[0]);
    }
  });

  test("numbers of every size", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5000 }), { maxLength: 30 }), (starts) => {
        const text = `${"x".repeat(700)}\n`.repeat(8);
        const source = { name: "x", text };
        const lines = starts.map((start) => [start, start + 1] as const);
        const decoded = new TraceMap(JSON.stringify(renderSourceMap({ source, lines })));
        for (const [i, start] of starts.entries()) {
          const { line, column } = originalPositionFor(decoded, { line: i + 1, column: 0 });
          expect([line, column]).toEqual([Math.floor(start / 701) + 1, start % 701]);
        }
      }),
    );
  });
});

test("a kernel is plain data, its map too", () => {
  const { kernel } = compileText(readFileSync("examples/masked-softmax.tir", "utf8"));
  expect(JSON.parse(JSON.stringify(kernel))).toEqual(kernel);
  expect(structuredClone(kernel)).toEqual(kernel);
});

/** `extern` ops: they keep their position, their operands and their types, whatever passes do around them. */

import { describe, expect, test } from "vitest";
import { compile, optimize } from "../../src/driver/compile.ts";
import { sameModule } from "../../src/ir/equal.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { dimensionNames, type Fn } from "../../src/ir/ir.ts";
import { print } from "../../src/ir/print.ts";
import { specialize } from "../../src/ir/specialize.ts";
import { format } from "../../src/parse/format.ts";
import { parse } from "../../src/parse/parse.ts";
import { diagnosticsOf } from "../support/diagnostics.ts";
import { row } from "../support/ir.ts";

const program = `const w: f32[2, 3] = load("model.onnx", "w")

fn f(x: f32[n, 3]) -> (y: f32[n, m], rest: opaque) {
  let c: f32[n, m] = extern(x, w, op = "Conv", node = "model.onnx#0")
  let (a: f32[n, m], b: opaque, k: i32[m]) = extern(c, op = "Scan")
  let e: opaque = extern(b, k, op = "Loop")
  return a, b
}
`;

const moduleOf = (text: string) => parse(text, { file: "e.tir" });

test("what is printed is what was read", () => {
  expect(print(moduleOf(program))).toBe(program);
  expect(format(program)).toBe(program);
  expect(sameModule(moduleOf(print(moduleOf(program))), moduleOf(program))).toBe(true);
});

test("a result without a type is opaque, and prints so", () => {
  const text = 'fn f(x: f32) -> opaque {\n  let (a, b: f32) = extern(x, op = "A")\n  return extern(a, b, op = "B")\n}';
  expect(print(moduleOf(text))).toBe(`fn f(x: f32) -> (out0: opaque) {
  let (a: opaque, b: f32) = extern(x, op = "A")
  let out0: opaque = extern(a, b, op = "B")
  return out0
}
`);
});

test("numbers are given to it by a name, as they have no type", () => {
  const text = 'fn f(x: f32[2]) -> opaque {\n  let two: i32 = 2\n  return extern(x, two, op = "A")\n}';
  const printed = print(moduleOf(text));
  expect(printed).toContain("let two: i32 = 2\n");
  expect(print(moduleOf(printed))).toBe(printed);
});

test("passes leave it alone: one that nothing reads stays, and so do two that look the same", () => {
  const text = `fn f(x: f32[n, 8]) -> (y: f32[n, 8]) {
  let a: f32[n, 8] = extern(x, op = "Rand")
  let b: f32[n, 8] = extern(x, op = "Rand")
  let unread: opaque = extern(x, op = "Print")
  return layernorm(a + b * 1, axes = [-1])
}
`;
  const printed = print(optimize(moduleOf(text)).module);
  expect(printed.match(/= extern\(.*/g)).toEqual([
    '= extern(x, op = "Rand")',
    '= extern(x, op = "Rand")',
    '= extern(x, op = "Print")',
  ]);
  expect(print(moduleOf(printed))).toBe(printed);
});

test("a dimension of its own can be fixed", () => {
  const fixed = specialize(moduleOf(program), { m: 7 });
  expect(dimensionNames(moduleOf(program).fns[0] as Fn)).toEqual(["n", "m"]);
  expect(print(fixed)).toContain("let c: f32[n, 7] = extern(");
  expect(print(fixed)).toContain("k: i32[7]");
});

test("annotations of the results of other ops are checked", () => {
  const moments = (type: string) =>
    `fn f(x: f32[n, 8]) -> f32[n] {\n  let (m, v: ${type}) = moments(x, axes = [-1])\n  return m * v\n}`;
  expect(diagnosticsOf(() => moduleOf(moments("f32[n]")))).toEqual([]);
  expect(diagnosticsOf(() => moduleOf(moments("f32[8]")))).toEqual([
    "E0222: `v` is declared f32[8], but is f32[n]\nhelp: declare it f32[n]",
  ]);
});

describe("it is refused", () => {
  const one = 'fn f(x: f32[n, 8]) -> f32[n, 8] {\n  let y: f32[n, 8] = extern(x, op = "Scan")\n  return exp(y)\n}';

  test("where a kernel is made", () => {
    expect(diagnosticsOf(() => compile(moduleOf(one), { singleKernel: true }))[0]).toMatch(
      /^E0505: `f` is not one kernel: it calls `extern`, and its computation is unknown/,
    );
  });

  test("where numbers are wanted", () => {
    const x = { element: "f32", shape: [1, 8], data: new Float64Array(8) } as const;
    expect(diagnosticsOf(() => interpret(moduleOf(one).fns[0] as Fn, { x }))).toEqual([
      "E0666: nothing computes `Scan`: it is an op of another program\n" +
        "help: pass its result as a parameter of the function",
    ]);
    const own = 'fn f(x: f32[n]) -> f32[m] {\n  let y: f32[m] = extern(x, op = "Scan")\n  return y\n}';
    expect(diagnosticsOf(() => interpret(moduleOf(own).fns[0] as Fn, { x: row(1, 2) }))[0]).toMatch(/^E0666/);
  });

  test.each([
    ['let y = extern(x, op = "A")\n  return y + x', "E0246: `add` does not accept an `opaque` value"],
    ["let y: f32[n] = extern(x)\n  return y", "E0210: `extern` needs `op`"],
    ["let y: f32[n] = extern(x, op = 3)\n  return y", "E0211: `op` of `extern` must be a string, not 3"],
    ['let y: f32[n] = extern(1, op = "A")\n  return y', "E0221: the literal 1"],
    ['let y: f32[n] = extern(x, pads = 3, op = "A")\n  return y', "E0208: `extern` has no operand or attribute `pads`"],
    ['let y: f32[n] = extern(x, op = "A")\n  return y + reshape(y, shape = [m])', "E0219"],
  ])("%s", (body, message) => {
    const [first] = diagnosticsOf(() => moduleOf(`fn f(x: f32[n]) -> f32[n] {\n  ${body}\n}`));
    expect(first?.slice(0, message.length)).toBe(message);
  });
});
